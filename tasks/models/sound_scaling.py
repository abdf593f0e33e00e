"""Standardised features of sound: positive ones with a long tail are logged first."""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from gauntlet.tasks.models.base import Rows

TINY = 1e-12


def values_of(X: Rows) -> np.ndarray:
    """The values, clips x features, float64, row by row in memory: sums then have the same digits whatever came in."""
    return np.ascontiguousarray(X.to_numpy(np.float64) if isinstance(X, pd.DataFrame) else X, np.float64)


def names_of(X: Rows) -> list[str]:
    """The features' names; of a bare array their places."""
    return [str(name) for name in (X.columns if isinstance(X, pd.DataFrame) else range(X.shape[1]))]


class LogScaler(TransformerMixin, BaseEstimator):
    """Logs what is positive and more skewed than its logarithm, then subtracts the mean and divides by the deviation."""

    def fit(self, X: Rows, y: object = None) -> Self:  # noqa: ARG002 - scikit-learn calls it so
        """Learn from normal clips, clips x features."""
        values = validate_data(self, X, dtype=np.float64, order="C")
        positive = values.min(0) > 0
        self.floor_ = np.where(positive, values.min(0) * 1e-3, 1.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            logged = np.log(np.maximum(values, self.floor_))
            self.logged_ = positive & (np.abs(_skewness(logged)) < np.abs(_skewness(values)))
        ready = np.where(self.logged_, logged, values)
        self.mean_, self.deviation_ = ready.mean(0), ready.std(0)
        self.deviation_[self.deviation_ < TINY] = np.inf  # a constant says nothing
        return self

    def transform(self, X: Rows) -> np.ndarray:
        """The features in standard deviations from the normal mean, clips x features."""
        check_is_fitted(self)
        values = validate_data(self, X, dtype=np.float64, order="C", reset=False)
        logged = np.log(np.maximum(values, self.floor_))
        return (np.where(self.logged_, logged, values) - self.mean_) / self.deviation_


def _skewness(columns: np.ndarray) -> np.ndarray:
    centred = columns - columns.mean(0)
    return (centred**3).mean(0) / np.maximum((centred**2).mean(0), TINY) ** 1.5
