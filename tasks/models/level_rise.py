"""The rise of indicators over their healthy beginning."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin


class LevelRise(BaseEstimator, OutlierMixin):
    """Greatest rise of any indicator over its healthy median, in standard deviations; a fall is no fault.

    The deviation is the greater of 1.4826 MAD and the standard deviation: run-in makes healthy beginnings uneven.
    An indicator is `axes` neighbouring columns, whose rises are averaged: a fault shakes its housing in every
    direction, a loose sensor or its own noise in one.
    """

    def __init__(self, axes: int = 1) -> None:
        self.axes = axes

    def fit(self, X: np.ndarray, y: object = None) -> LevelRise:  # noqa: ARG002
        """Itself, fitted on rows of healthy log levels or indicators."""
        self.median_ = np.median(X, axis=0)
        mad = 1.4826 * np.median(np.abs(X - self.median_), axis=0)
        self.scale_ = np.maximum(np.maximum(mad, X.std(axis=0)), 1e-9)
        return self

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        """Minus the greatest rise, shape (n,)."""
        rise = (X - self.median_) / self.scale_
        return -rise.reshape(len(X), -1, self.axes).mean(axis=2).max(axis=1)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """1 where no indicator has risen by five deviations, else -1."""
        return np.where(-self.score_samples(X) < 5, 1, -1)
