"""A classifier of chosen columns that learns from an evenly spaced part of many rows that resemble their neighbours."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin, clone

from gauntlet.tasks.models.base import Detector, rescaled, typical_row


class SubsampledClassifier(ClassifierMixin, Detector):
    """A classifier of chosen columns, fitted on at most `most_rows` evenly spaced rows; one score between 0 and 1.

    `threshold_`: scores past it are a warning (or, for a status, not NORMAL). 0.5 until one is chosen by scores held out.
    """

    def __init__(
        self, estimator: Any = None, columns: list[str] | None = None, most_rows: int = 5_000, fill_gaps: bool = False
    ) -> None:
        self.estimator = estimator
        self.columns = columns
        self.most_rows = most_rows
        self.fill_gaps = fill_gaps

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Self:
        """Itself. The rarer class keeps up to half of `most_rows`. One class only: scores are constant."""
        y = np.asarray(y).astype(int)
        failing = _evenly_spaced(np.flatnonzero(y == 1), self.most_rows // 2)
        others = _evenly_spaced(np.flatnonzero(y == 0), self.most_rows - len(failing))
        rows = np.sort(np.r_[failing, others])
        training = X.loc[:, self._columns(X)].iloc[rows]
        # Gaps are filled by the training rows' medians, by 0 where a sensor has none; trees and residuals keep the gaps.
        self.fill_ = np.nan_to_num(np.asarray(training.median())) if self.fill_gaps else None
        training = self._chosen(training)
        self.estimator_ = clone(self.estimator).fit(training, y[rows])
        self.typical_ = typical_row(training)
        self.threshold_ = 0.5
        self.classes_ = np.array([0, 1])
        return self

    def decision_function(self, X: pd.DataFrame) -> np.ndarray:
        """The score, (n,): the probability of class 1, or the logistic of the estimator's own decision."""
        return self._score(self._chosen(X))

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """n x 2; column 1 is the score."""
        score = self.decision_function(X)
        return np.column_stack([1 - score, score])

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """What moved each score, n x (1 + columns): the estimator's own parts where it has some, else by replacement."""
        if isinstance(self.estimator_, Detector):
            return rescaled(self.estimator_.contributions(self._chosen(X)), _logistic)
        return super().contributions(self._chosen(X))

    def _score(self, chosen: pd.DataFrame) -> np.ndarray:
        if hasattr(self.estimator_, "predict_proba"):
            return np.asarray(self.estimator_.predict_proba(chosen)[:, 1])
        return _logistic(self.estimator_.decision_function(chosen))

    def _columns(self, X: pd.DataFrame) -> list[str]:
        return self.columns or list(X.columns)

    def _chosen(self, X: pd.DataFrame) -> pd.DataFrame:
        """The columns that the estimator takes, their gaps filled where it cannot bear them."""
        chosen = X.loc[:, self._columns(X)]
        if self.fill_ is None:
            return chosen
        values = chosen.to_numpy()
        filled = np.where(np.isnan(values), self.fill_.astype(values.dtype), values)
        return pd.DataFrame(filled, columns=chosen.columns, index=chosen.index)


def _logistic(decision: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-decision))


def _evenly_spaced(places: np.ndarray, most: int) -> np.ndarray:
    return places if len(places) <= most else places[np.linspace(0, len(places) - 1, most).astype(int)]
