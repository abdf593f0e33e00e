"""A classifier with calibrated probabilities and thresholds, both learned from training rows.

fit:  held-out scores of the training rows  ->  Platt calibration  ->  two thresholds  ->  final fit on all rows
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from gauntlet.tasks.models.base import Detector, typical_row
from gauntlet.tasks.models.operating_point import cheapest_threshold, f1_threshold

_CLIP = 1e-3  # a forest of 100 trees cannot tell 0.001 from 0


def score_of(estimator: Any, X: pd.DataFrame) -> np.ndarray:
    """One real score per row, larger = more like a failure; log-odds where the estimator gives probabilities."""
    if hasattr(estimator, "decision_function"):
        return np.asarray(estimator.decision_function(X), dtype=np.float64)
    return _log_odds(estimator.predict_proba(X)[:, 1])


def _log_odds(probability: np.ndarray) -> np.ndarray:
    clipped = np.clip(probability, _CLIP, 1 - _CLIP)
    return np.log(clipped / (1 - clipped))


def held_out_scores(estimator: Any, X: pd.DataFrame, y: np.ndarray, folds: int, seed: int) -> tuple[np.ndarray, Any]:
    """(scores of rows by models that did not see them, the estimator fitted on all rows).

    A forest brings its own out-of-bag estimate (Breiman 2001), which spares it the inner folds.
    """
    fitted = clone(estimator)
    if getattr(fitted, "oob_score", False):
        fitted.fit(X, y)
        return _log_odds(fitted.oob_decision_function_[:, 1]), fitted
    scores = np.empty(len(y))
    for train, test in StratifiedKFold(folds, shuffle=True, random_state=seed).split(X, y):
        scores[test] = score_of(clone(estimator).fit(X.iloc[train], y[train]), X.iloc[test])
    return scores, fitted.fit(X, y)


class DecisionClassifier(ClassifierMixin, Detector):
    """An estimator with calibrated probabilities (Platt 1999) and two thresholds, none of which ever sees a test row.

    Its score is the probability of a failure, and so are the parts of it that `contributions` tells of each feature: one
    unit for every kind of estimator, and the one in which prices are weighed. Log-odds of single trees would not add up
    to what is decided by, since calibration and clipping come after them.

    Fitted attributes: `threshold_` (largest F1), `cheapest_threshold_` (smallest cost at the stated prices); both are
    calibrated probabilities in [0, 1]. `predict` uses `threshold_`.
    """

    def __init__(
        self,
        estimator: Any = None,
        price_of_miss: float = 500.0,
        price_of_false_alarm: float = 25.0,
        folds: int = 3,
        seed: int = 7,
    ) -> None:
        self.estimator = estimator
        self.price_of_miss = price_of_miss
        self.price_of_false_alarm = price_of_false_alarm
        self.folds = folds
        self.seed = seed

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Self:
        """Itself, fitted on X (n x features) and y (n,) of 0 and 1, which must hold at least `folds` rows of each."""
        y = np.asarray(y).astype(int)
        scores, self.estimator_ = held_out_scores(self.estimator, X, y, self.folds, self.seed)
        self.calibrator_ = LogisticRegression(C=1e6).fit(scores[:, None], y)
        probability = self.calibrator_.predict_proba(scores[:, None])[:, 1]
        self.threshold_ = f1_threshold(y, probability)
        self.cheapest_threshold_ = cheapest_threshold(y, probability, self.price_of_miss, self.price_of_false_alarm)
        self.typical_ = typical_row(X)
        self.classes_ = np.array([0, 1])
        return self

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Calibrated probabilities, n x 2: no failure, failure."""
        return self.calibrator_.predict_proba(score_of(self.estimator_, X)[:, None])

    def decision_function(self, X: pd.DataFrame) -> np.ndarray:
        """The calibrated probability of a failure, (n,)."""
        return self.predict_proba(X)[:, 1]
