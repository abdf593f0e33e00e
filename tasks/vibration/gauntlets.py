"""What differs between the vibration gauntlets: data set, names in the registry, how well shaft speed is known."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

from gauntlet.datasets import femto, ims, xjtu
from gauntlet.tasks.vibration.candidates import Candidate, candidates


@dataclass(frozen=True)
class VibrationGauntlet:
    """One of the three. `tolerance`: share by which shaft speed and slip may move a fault line in the diagnosis.

    `scaler`: registered name of the loose scaler that this set's models have always been accompanied by.
    `remaining_life`: whether enough bearings run to failure to leave one out.
    """

    module: ModuleType
    experiment: str
    candidates: tuple[Candidate, ...]
    tolerance: float = 0.012
    scaler: str | None = None
    remaining_life: bool = True

    @property
    def name(self) -> str:
        """The gauntlet's name."""
        return str(self.module.SPEC.name)

    @property
    def registered(self) -> tuple[str, ...]:
        """Every name that a run registers."""
        names = tuple(candidate.name for candidate in self.candidates)
        return (*names, self.scaler) if self.scaler else names


NASA = VibrationGauntlet(
    ims,
    "Vibration Gauntlet (NASA)",
    candidates(
        [
            ("vibration_anomaly_isolationforest", "isolation_forest"),
            ("vibration_anomaly_oneclasssvm", "one_class_svm"),
            ("vibration_anomaly_robust_mahalanobis", "robust_mahalanobis"),
            ("vibration_anomaly_level_rise", "level_rise"),
            ("vibration_anomaly_joint_rise", "joint_rise"),
        ]
    ),
    tolerance=0.03,  # the belt drive's speed is nominal
    remaining_life=False,
)
XJTU = VibrationGauntlet(
    xjtu,
    "Vibration Gauntlet (XJTU)",
    candidates(
        [
            ("xjtu_anomaly_isolation_forest", "isolation_forest"),
            ("xjtu_anomaly_robust_mahalanobis", "robust_mahalanobis"),
            ("xjtu_anomaly_level_rise", "level_rise"),
        ]
    ),
    scaler="xjtu_feature_scaler",
)
FEMTO = VibrationGauntlet(
    femto,
    "Vibration Gauntlet (FEMTO)",
    candidates(
        [
            ("femto_anomaly_isolation_forest", "isolation_forest"),
            ("femto_anomaly_robust_mahalanobis", "robust_mahalanobis"),
            ("femto_anomaly_level_rise", "level_rise"),
        ]
    ),
)
