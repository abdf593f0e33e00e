"""Expected behaviour of a bearing beside its neighbours: load and temperature move all of a shaft, a fault moves one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin

from gauntlet.tasks.models.level_rise import LevelRise


def relative_levels(levels: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Each unit's log levels less the median of the other units' mean log level, same shapes.

    Args:
        levels: by unit, log level per snapshot and channel, files x channels; two units or more.
    """
    common = {unit: own.mean(axis=1) for unit, own in levels.items()}
    return {
        unit: own - np.median([common[other] for other in levels if other != unit], axis=0)[:, None]
        for unit, own in levels.items()
    }


class JointRise(BaseEstimator, OutlierMixin):
    """Rise of a bearing's own level and of its level beside its neighbours, joined as independent z-values are.

    Rows: the log levels of all channels, then the relative ones, as many. Each half gives its `LevelRise` in standard
    deviations; z = (z1 + z2) / sqrt(2), S. A. Stouffer et al., The American Soldier (1949).
    """

    def fit(self, X: np.ndarray, y: object = None) -> JointRise:  # noqa: ARG002
        """Itself, fitted on rows of a healthy beginning."""
        half = X.shape[1] // 2
        self.own_, self.beside_ = LevelRise().fit(X[:, :half]), LevelRise().fit(X[:, half:])
        return self

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        """Minus the joint rise, shape (n,)."""
        half = X.shape[1] // 2
        joint = self.own_.score_samples(X[:, :half]) + self.beside_.score_samples(X[:, half:])
        return np.asarray(joint / np.sqrt(2))

    def predict(self, X: np.ndarray) -> np.ndarray:
        """1 where the joint rise is below four deviations, else -1."""
        return np.where(-self.score_samples(X) < 4, 1, -1)
