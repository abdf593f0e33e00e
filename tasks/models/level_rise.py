"""The rise of indicators over their healthy beginning."""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted, validate_data

from gauntlet.tasks.models.base import Detector, Rows, parts_by_column

THRESHOLD = 5.0  # standard deviations


class LevelRise(Detector):
    """Greatest rise of any indicator over its healthy median, in standard deviations; a fall is no fault.

    The deviation is the greater of 1.4826 MAD and the standard deviation: run-in makes healthy beginnings uneven.
    An indicator is `axes` neighbouring columns, whose rises are averaged: a fault shakes its housing in every
    direction, a loose sensor or its own noise in one.
    """

    def __init__(self, axes: int = 1) -> None:
        self.axes = axes

    def fit(self, X: Rows, y: object = None) -> Self:  # noqa: ARG002 - the estimators' own form
        """Itself, fitted on rows of healthy log levels or indicators, n x (indicators x axes)."""
        values = validate_data(self, X, dtype=np.float64)
        self.median_ = np.median(values, axis=0)
        mad = 1.4826 * np.median(np.abs(values - self.median_), axis=0)
        self.scale_ = np.maximum(np.maximum(mad, values.std(axis=0)), 1e-9)
        self.threshold_ = THRESHOLD
        return self

    def decision_function(self, X: Rows) -> np.ndarray:
        """The greatest rise, (n,)."""
        return self._rises(X).mean(axis=2).max(axis=1)

    def contributions(self, X: Rows) -> pd.DataFrame:
        """The greatest rise, shared out among the axes of its indicator, n x (1 + columns); the others' part is 0."""
        rises = self._rises(X)
        greatest = rises.mean(axis=2).argmax(axis=1)
        alone = np.arange(rises.shape[1])[None, :, None] == greatest[:, None, None]
        return parts_by_column(X, np.where(alone, rises / self.axes, 0.0).reshape(len(rises), -1))

    def _rises(self, X: Rows) -> np.ndarray:
        """n x indicators x axes."""
        check_is_fitted(self)
        rise = (validate_data(self, X, dtype=np.float64, reset=False) - self.median_) / self.scale_
        return np.asarray(rise.reshape(len(rise), -1, self.axes))
