"""The candidates of the pump gauntlet, each fitted on episodes and asked: how near is a failure?

status     is the machine NORMAL or not, from the readings of the moment (the published question); as a warning it can
           only see what already looks like a repair
residual   what the other sensors do not explain; knows healthy rows only
warning    rows within the horizon of a failure against all others, from every feature
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from gauntlet.tasks.models.expected_behaviour import ExpectedBehaviour

Question = Literal["status", "warning", "residual"]
BASIC = ("mean15", "sd60")


@dataclass(frozen=True)
class Candidate:
    """A model to be trained. `most_rows`: more training rows than this are thinned evenly (kernel machines, forests)."""

    name: str
    kind: str
    question: Question
    most_rows: int

    def columns(self, features: pd.DataFrame) -> list[str]:
        """The features that it gets."""
        if self.question == "status":
            return [name for name in features.columns if name.rpartition(" ")[2] in BASIC]
        return list(features.columns)


CANDIDATES = (
    Candidate("pump_randomforest_baseline", "randomforest", "status", 2_500),
    Candidate("pump_svc_baseline", "svc", "status", 3_000),
    Candidate("pump_lightgbm_baseline", "lightgbm", "status", 7_500),
    Candidate("pump_warning_residual", "residual", "residual", 20_000),
    Candidate("pump_warning_lightgbm", "lightgbm", "warning", 5_000),
)


class Thinned(ClassifierMixin, BaseEstimator):
    """A classifier of chosen columns, fitted on at most `most_rows` evenly spaced rows; one score between 0 and 1.

    `limit`: scores past it are a warning (or, for a status, not NORMAL); `predict` uses it.
    """

    def __init__(
        self, estimator: Any = None, columns: list[str] | None = None, most_rows: int = 5_000, fill_gaps: bool = False
    ) -> None:
        self.estimator = estimator
        self.columns = columns
        self.most_rows = most_rows
        self.fill_gaps = fill_gaps
        self.limit = 0.5

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Self:
        """Itself. The rarer class is thinned no more than to half of `most_rows`. One class only: scores are constant."""
        y = np.asarray(y).astype(int)
        rows = np.concatenate([_thin(np.flatnonzero(y == 1), self.most_rows // 2), np.flatnonzero(y == 0)])
        rare = int((y[rows] == 1).sum())
        rows = np.sort(np.r_[rows[:rare], _thin(rows[rare:], self.most_rows - rare)])
        chosen = self._chosen(X).iloc[rows]
        # Gaps are filled by the training rows' medians, by 0 where a sensor has none; trees and residuals keep the gaps.
        self.fill_ = np.nan_to_num(np.asarray(chosen.median())) if self.fill_gaps else None
        self.estimator_ = self.estimator.fit(self._filled(chosen), y[rows])
        self.classes_ = np.array([0, 1])
        return self

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """n x 2; column 1 is the score. Without probabilities of its own, the logistic of the estimator's decision."""
        columns = self._filled(self._chosen(X))
        if hasattr(self.estimator_, "predict_proba"):
            second = np.asarray(self.estimator_.predict_proba(columns)[:, 1])
        else:
            second = 1 / (1 + np.exp(-self.estimator_.decision_function(columns)))
        return np.column_stack([1 - second, second])

    def _chosen(self, X: pd.DataFrame) -> pd.DataFrame:
        return X.loc[:, self.columns or list(X.columns)]

    def _filled(self, X: pd.DataFrame) -> pd.DataFrame:
        if self.fill_ is None:
            return X
        values = X.to_numpy()
        filled = np.where(np.isnan(values), self.fill_.astype(values.dtype), values)
        return pd.DataFrame(filled, columns=X.columns, index=X.index)

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """1 past the limit, else 0; (n,)."""
        return (self.predict_proba(X)[:, 1] > self.limit).astype(int)


def _thin(rows: np.ndarray, most: int) -> np.ndarray:
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(int)]


def unfitted(candidate: Candidate, features: pd.DataFrame, seed: int) -> Thinned:
    """The candidate's classifier; imputation and scaling inside, learnt from its training rows only."""
    fill_gaps = candidate.kind in ("svc", "randomforest")
    return Thinned(_estimator(candidate.kind, seed), candidate.columns(features), candidate.most_rows, fill_gaps)


def _estimator(kind: str, seed: int) -> Any:
    if kind == "residual":
        return ExpectedBehaviour()
    if kind == "svc":
        return make_pipeline(StandardScaler(), SVC(C=1.0, gamma="scale", class_weight="balanced", random_state=seed))
    if kind == "randomforest":
        return RandomForestClassifier(30, min_samples_leaf=3, max_features="sqrt", n_jobs=1, random_state=seed)
    return LGBMClassifier(
        n_estimators=80, learning_rate=0.06, num_leaves=15, min_child_samples=20, subsample=0.8, subsample_freq=1,
        colsample_bytree=0.3, reg_lambda=1.0, n_jobs=1, deterministic=True, force_row_wise=True, verbose=-1,
        random_state=seed,
    )  # fmt: skip
