"""The unfitted detector of each kind of candidate, and the naive baseline beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier

from gauntlet.datasets.errors import BadInput
from gauntlet.tasks.models.base import DetectorPipeline
from gauntlet.tasks.models.per_machine_sound import FeatureColumns
from gauntlet.tasks.models.sound_detectors import IsolationForestDetector, ScaledDistance, SoundDetector
from gauntlet.tasks.models.sound_distances import Mahalanobis, MixtureLikelihood, NearestClip
from gauntlet.tasks.models.subsampled import SubsampledClassifier

ALL_ROWS = 10**9  # more than there are: the forest learns from every clip


class Loudness(SoundDetector):
    """The naive baseline: how far the clip's level is from the usual one, on the column `level` alone."""

    def __init__(self, level: int = 0) -> None:
        self.level = level

    def _score(self, scaled: np.ndarray) -> np.ndarray:
        return np.abs(scaled[:, self.level])

    def _parts(self, scaled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        parts = np.zeros(scaled.shape)
        parts[:, self.level] = self._score(scaled)
        return np.zeros(len(scaled)), parts


# By kind: the detector, made from the seed and the features' names.
UNFITTED: Mapping[str, Callable[[int, Sequence[str]], Any]] = {
    "mixture": lambda seed, _: MixtureLikelihood(seed=seed),
    "mahalanobis": lambda _, __: Mahalanobis(),
    "nearest": lambda _, __: NearestClip(),
    "isolationforest": lambda seed, _: IsolationForestDetector(seed=seed),
    "scaleddistance": lambda _, __: ScaledDistance(),
    "loudness": lambda _, features: Loudness(level_column(features)),
}


def level_column(features: Sequence[str]) -> int:
    """The column of the clip's effective value.

    Raises:
        BadInput: there is none.
    """
    if "rms_mean" not in features:
        raise BadInput(None, "the features hold no loudness", expected="a column rms_mean")
    return list(features).index("rms_mean")


def forest(seed: int) -> DetectorPipeline:
    """The supervised benchmark: a random forest on the features of all machines, trained on abnormal clips too."""
    trees = RandomForestClassifier(
        100, max_features="sqrt", max_samples=0.2, min_samples_leaf=2, n_jobs=1, random_state=seed
    )
    every_row = SubsampledClassifier(trees, most_rows=ALL_ROWS)
    return DetectorPipeline([("features", FeatureColumns()), ("forest", every_row)])
