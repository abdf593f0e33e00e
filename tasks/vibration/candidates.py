"""The candidates of the vibration gauntlets: which detector looks at which features of a bearing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd
from sklearn.base import BaseEstimator

from gauntlet.tasks.models.machine_health import MachineHealth
from gauntlet.tasks.models.relative_level import JointRise
from gauntlet.tasks.vibration.featurize.snapshot import XJTU_11
from gauntlet.tasks.vibration.healthy_beginning import isolation_forest, level_rise, one_class_svm, robust_mahalanobis

INDICATORS = (
    "log_level", "log_peak_to_peak", "log_kurtosis", *(f"log_band_{i}" for i in range(1, 9)), "log_envelope_kurtosis",
    "outer_lines", "inner_lines", "rolling_lines", "cage_lines",
)  # fmt: skip
RELATIVE = ("log_level", "relative_level")
DOCUMENTED = XJTU_11


@dataclass(frozen=True)
class Candidate:
    """A detector under its registered name. `features` are names without channel; see `MachineHealth.fit_share`."""

    name: str
    kind: str
    features: tuple[str, ...]
    fit_share: float = 0.6


_DETECTORS: dict[str, Callable[[int], BaseEstimator]] = {
    "isolation_forest": lambda seed: isolation_forest(seed).set_params(isolationforest__n_estimators=50),
    "one_class_svm": one_class_svm,
    "robust_mahalanobis": robust_mahalanobis,
    "level_rise": level_rise,
    "joint_rise": lambda _: JointRise(),
}
# What a user set that would come back as an alarm rate if nothing else made alarms: for the audit.
PARAMETERS = {"one_class_svm": {"nu": 0.05}}


def fit(candidate: Candidate, healthy: pd.DataFrame, seed: int) -> MachineHealth:
    """The candidate, fitted on the healthy rows of all machines."""
    return MachineHealth(_DETECTORS[candidate.kind](seed), list(candidate.features), candidate.fit_share).fit(healthy)


def candidates(names: Sequence[tuple[str, str]]) -> tuple[Candidate, ...]:
    """The candidates of a gauntlet from (registered name, kind)."""
    return tuple(Candidate(name, kind, *_SETTINGS[kind]) for name, kind in names)


_SETTINGS: dict[str, tuple[tuple[str, ...], float]] = {
    "isolation_forest": (INDICATORS, 0.6),
    "one_class_svm": (INDICATORS, 0.6),
    "robust_mahalanobis": (INDICATORS, 0.6),
    "level_rise": (INDICATORS, 1.0),
    "joint_rise": (RELATIVE, 1.0),
}
