"""How far a row lies from healthy ones, whitened, and not led astray by a few odd rows among them."""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted, validate_data

from gauntlet.tasks.models.base import Detector, Rows, parts_by_column
from gauntlet.tasks.models.mahalanobis import shares, shrunk_covariance, squared_distance

THRESHOLD = 3.0  # units of the root mean squared distance


class RobustMahalanobis(Detector):
    """Distance from the median in units of MAD, whitened by a shrunk covariance, as root mean square over the features.

    Deviations are clipped at `clip` for the covariance only, so that a few odd healthy rows do not widen it.
    """

    def __init__(self, clip: float = 4.0) -> None:
        self.clip = clip

    def fit(self, X: Rows, y: object = None) -> Self:  # noqa: ARG002 - the estimators' own form
        """Itself, fitted on healthy rows, n x features."""
        values = validate_data(self, X, dtype=np.float64)
        self.median_ = np.median(values, axis=0)
        mad = 1.4826 * np.median(np.abs(values - self.median_), axis=0)
        spread = values.std(axis=0)
        self.scale_ = np.where(mad > 0, mad, np.where(spread > 0, spread, 1.0))
        clipped = np.clip((values - self.median_) / self.scale_, -self.clip, self.clip)
        self.precision_ = np.asarray(shrunk_covariance(clipped, centred=True).precision_)
        self.threshold_ = THRESHOLD
        return self

    def decision_function(self, X: Rows) -> np.ndarray:
        """The distance per feature (root mean square), (n,)."""
        return self._score(self._standard(X))

    def contributions(self, X: Rows) -> pd.DataFrame:
        """The score as the features share the squared distance, n x (1 + features)."""
        z = self._standard(X)
        return parts_by_column(X, shares(z, self.precision_) * self._score(z)[:, None])

    def _score(self, z: np.ndarray) -> np.ndarray:
        return np.asarray(np.sqrt(squared_distance(z, self.precision_) / z.shape[1]))

    def _standard(self, X: Rows) -> np.ndarray:
        check_is_fitted(self)
        return np.asarray((validate_data(self, X, dtype=np.float64, reset=False) - self.median_) / self.scale_)
