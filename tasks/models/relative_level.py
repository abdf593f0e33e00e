"""Expected behaviour of a bearing beside its neighbours: load and temperature move all of a shaft, a fault moves one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted, validate_data

from gauntlet.tasks.models.base import Detector, Rows, parts_by_column
from gauntlet.tasks.models.level_rise import LevelRise

THRESHOLD = 4.0  # joint standard deviations


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


class JointRise(Detector):
    """Rise of a bearing's own level and of its level beside its neighbours, joined as independent z-values are.

    Rows: the log levels of all channels, then the relative ones, as many. Each half gives its `LevelRise` in standard
    deviations; z = (z1 + z2) / sqrt(2), S. A. Stouffer et al., The American Soldier (1949).
    """

    def fit(self, X: Rows, y: object = None) -> Self:  # noqa: ARG002 - the estimators' own form
        """Itself, fitted on rows of a healthy beginning, n x (2 x channels)."""
        own, beside = self._halves(X, reset=True)
        self.own_, self.beside_ = LevelRise().fit(own), LevelRise().fit(beside)
        self.threshold_ = THRESHOLD
        return self

    def decision_function(self, X: Rows) -> np.ndarray:
        """The joint rise, (n,)."""
        own, beside = self._halves(X)
        return np.asarray((self.own_.decision_function(own) + self.beside_.decision_function(beside)) / np.sqrt(2))

    def contributions(self, X: Rows) -> pd.DataFrame:
        """What each level adds, n x (1 + columns)."""
        own, beside = self._halves(X)
        parts = [self.own_.contributions(own).iloc[:, 1:], self.beside_.contributions(beside).iloc[:, 1:]]
        return parts_by_column(X, np.hstack(parts) / np.sqrt(2))

    def _halves(self, X: Rows, *, reset: bool = False) -> tuple[np.ndarray, np.ndarray]:
        if not reset:
            check_is_fitted(self)
        values = validate_data(self, X, dtype=np.float64, reset=reset, ensure_min_features=2 if reset else 1)
        half = values.shape[1] // 2
        return values[:, :half], values[:, half:]
