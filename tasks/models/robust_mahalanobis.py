"""How far a row lies from healthy ones, whitened, and not led astray by a few odd rows among them."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.covariance import LedoitWolf


class RobustMahalanobis(BaseEstimator, OutlierMixin):
    """Distance from the median in units of MAD, whitened by a shrunk covariance (Ledoit & Wolf, JMVA 88 (2004)).

    Deviations are clipped at `clip` for the covariance only, so that a few odd healthy rows do not widen it.
    """

    def __init__(self, clip: float = 4.0) -> None:
        self.clip = clip

    def fit(self, X: np.ndarray, y: object = None) -> RobustMahalanobis:  # noqa: ARG002
        """Itself, fitted on rows of healthy features."""
        self.median_ = np.median(X, axis=0)
        mad = 1.4826 * np.median(np.abs(X - self.median_), axis=0)
        spread = X.std(axis=0)
        self.scale_ = np.where(mad > 0, mad, np.where(spread > 0, spread, 1.0))
        clipped = np.clip((X - self.median_) / self.scale_, -self.clip, self.clip)
        self.precision_ = LedoitWolf(assume_centered=True).fit(clipped).precision_
        return self

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        """Minus the distance per feature (root mean square), shape (n,)."""
        z = (X - self.median_) / self.scale_
        return -np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", z, self.precision_, z), 0) / X.shape[1])

    def predict(self, X: np.ndarray) -> np.ndarray:
        """1 where the row is nearer than three units, else -1."""
        return np.where(-self.score_samples(X) < 3, 1, -1)
