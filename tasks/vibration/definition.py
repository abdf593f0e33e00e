"""What a vibration gauntlet consists of: which detectors look at which indicators, and what differs between machines."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

from gauntlet.datasets import dataset
from gauntlet.tasks.gauntlet import Gauntlet

INDICATORS = (
    "log_level",
    "log_peak_to_peak",
    "log_kurtosis",
    *(f"log_band_{band}" for band in range(1, 9)),
    "log_envelope_kurtosis",
    "outer_lines",
    "inner_lines",
    "rolling_lines",
    "cage_lines",
)
RELATIVE = ("log_level", "relative_level")
# Features by name without channel, and the share of the healthy beginning that is fitted on.
SETTINGS: dict[str, tuple[tuple[str, ...], float]] = {
    "isolation_forest": (INDICATORS, 0.6),
    "one_class_svm": (INDICATORS, 0.6),
    "robust_mahalanobis": (INDICATORS, 0.6),
    "level_rise": (INDICATORS, 1.0),
    "joint_rise": (RELATIVE, 1.0),
}


@dataclass(frozen=True)
class Candidate:
    """A detector under its registered name. `features` are names without channel; see `MachineHealth.fit_share`."""

    name: str
    kind: str
    features: tuple[str, ...]
    fit_share: float = 0.6


@dataclass(frozen=True)
class VibrationGauntlet(Gauntlet):
    """`tolerance`: share by which shaft speed and slip may move a fault line in the diagnosis.

    `scaler`: registered name of the loose scaler that this set's models have always been accompanied by.
    `remaining_life`: whether enough bearings run to failure to leave one out. `off_level`: of a machine that is off.
    """

    tolerance: float = 0.012
    scaler: str | None = None
    remaining_life: bool = True
    off_level: float = 0.0

    @property
    def detectors(self) -> tuple[Candidate, ...]:
        """The candidates, as this kind knows them."""
        return tuple(candidate for candidate in self.candidates if isinstance(candidate, Candidate))

    @property
    def module(self) -> ModuleType:
        """The module that reads the set's files."""
        return dataset(self.dataset)
