"""A classifier that learns from a subsample: kernel machines and forests need no more rows than that."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin

from gauntlet.tasks.models.base import Detector


class SubsampledClassifier(ClassifierMixin, Detector):
    """A classifier of chosen columns, fitted on at most `most_rows` evenly spaced rows; one score between 0 and 1.

    Scores past `threshold_`, one half until it is chosen elsewhere, are a warning (or, for a status, not NORMAL).
    """

    def __init__(
        self, estimator: Any = None, columns: list[str] | None = None, most_rows: int = 5_000, fill_gaps: bool = False
    ) -> None:
        self.estimator = estimator
        self.columns = columns
        self.most_rows = most_rows
        self.fill_gaps = fill_gaps

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Self:
        """Itself. The rarer class is subsampled no more than to half of `most_rows`. One class only: scores are constant."""
        y = np.asarray(y).astype(int)
        rows = np.concatenate([_evenly(np.flatnonzero(y == 1), self.most_rows // 2), np.flatnonzero(y == 0)])
        rare = int((y[rows] == 1).sum())
        rows = np.sort(np.r_[rows[:rare], _evenly(rows[rare:], self.most_rows - rare)])
        chosen = self._chosen(X).iloc[rows]
        # Gaps are filled by the training rows' medians, by 0 where a sensor has none; trees and residuals keep the gaps.
        self.fill_ = np.nan_to_num(np.asarray(chosen.median())) if self.fill_gaps else None
        self.estimator_ = self.estimator.fit(self._without_gaps(chosen), y[rows])
        self.threshold_ = 0.5
        self.names_, self.typical_ = list(chosen.columns), np.asarray(chosen.median(), np.float64)
        self.classes_ = np.array([0, 1])
        return self

    def decision_function(self, X: pd.DataFrame) -> np.ndarray:
        """The score between 0 and 1, (n,)."""
        return np.asarray(self.predict_proba(X)[:, 1])

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """n x 2; column 1 is the score. Without probabilities of its own, the logistic of the estimator's decision."""
        columns = self._without_gaps(self._chosen(X))
        if hasattr(self.estimator_, "predict_proba"):
            second = np.asarray(self.estimator_.predict_proba(columns)[:, 1])
        else:
            second = 1 / (1 + np.exp(-self.estimator_.decision_function(columns)))
        return np.column_stack([1 - second, second])

    def _chosen(self, X: pd.DataFrame) -> pd.DataFrame:
        return X.loc[:, self.columns or list(X.columns)]

    def _without_gaps(self, X: pd.DataFrame) -> pd.DataFrame:
        if self.fill_ is None:
            return X
        values = X.to_numpy()
        values = np.where(np.isnan(values), self.fill_.astype(values.dtype), values)
        return pd.DataFrame(values, columns=X.columns, index=X.index)


def _evenly(rows: np.ndarray, most: int) -> np.ndarray:
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(int)]
