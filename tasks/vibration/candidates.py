"""The candidates of the vibration gauntlets: which detector looks at which features of a bearing."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
from sklearn.base import BaseEstimator

from gauntlet.tasks.models.machine_health import MachineHealth
from gauntlet.tasks.models.relative_level import JointRise
from gauntlet.tasks.vibration.definition import Candidate
from gauntlet.tasks.vibration.featurize.snapshot import XJTU_11
from gauntlet.tasks.vibration.healthy_beginning import isolation_forest, level_rise, one_class_svm, robust_mahalanobis

DOCUMENTED = XJTU_11
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
