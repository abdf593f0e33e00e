"""scikit-learn's novelty detectors under the one contract: their sign turned, their reasons by replacement."""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted, validate_data

from gauntlet.tasks.models.base import Detector, Rows, by_replacement, typical_row


class Novelty(Detector):
    """How unlike the training rows a row is. `threshold_`: the greatest score of a training row.

    Args:
        estimator: unfitted, with `fit` and scikit-learn's `score_samples` (higher is more normal).
    """

    def __init__(self, estimator: BaseEstimator) -> None:
        self.estimator = estimator

    def fit(self, X: Rows, y: object = None) -> Self:  # noqa: ARG002 - the estimators' own form
        """Itself, fitted on healthy rows, n x features."""
        values = validate_data(self, X, dtype=np.float64)
        self.estimator_ = clone(self.estimator).fit(values)
        self.typical_ = typical_row(pd.DataFrame(values))
        self.threshold_ = float(self._score(values).max())
        return self

    def decision_function(self, X: Rows) -> np.ndarray:
        """Minus scikit-learn's `score_samples`, (n,)."""
        return self._score(self._values(X))

    def contributions(self, X: Rows) -> pd.DataFrame:
        """What moved each score, n x (1 + features); a row adds up to its score."""
        frame = pd.DataFrame(self._values(X)).rename(columns=str)
        parts = by_replacement(lambda rows: self._score(rows.to_numpy()), frame, self.typical_)
        if isinstance(X, pd.DataFrame):
            parts = parts.set_axis([parts.columns[0], *X.columns], axis=1).set_axis(X.index)
        return parts

    def _values(self, X: Rows) -> np.ndarray:
        check_is_fitted(self)
        return np.asarray(validate_data(self, X, dtype=np.float64, reset=False))

    def _score(self, values: np.ndarray) -> np.ndarray:
        return -np.asarray(self.estimator_.score_samples(values), np.float64)
