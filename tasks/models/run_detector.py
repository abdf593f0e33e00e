"""Detectors that know only the beginning of a run: how far are the sensors, together, from how they began?

Mahalanobis      distance under a shrunk covariance (Ledoit and Wolf 2004)
PCA              Hotelling's T2 inside the main components and Q outside of them (Jackson and Mudholkar 1979)
residual         each sensor as the others predict it (ridge regression); the largest standardised residual
MSET             the residual to a similarity-weighted memory of the beginning (Singer et al., 1997)

Rows are averaged over the last `window` rows first, so that a score never looks ahead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin

from gauntlet.tasks.models.base import Detector
from gauntlet.tasks.models.mahalanobis import shares, shrunk_covariance, squared_distance

Kind = Literal["mahalanobis", "pca", "residual", "mset"]
EXPLAINED = 0.85
RIDGE = 0.1
MEMORY = 60


def trailing_mean(values: np.ndarray, window: int) -> np.ndarray:
    """The mean of each row and those before it, up to `window` rows, (n, k); the first rows average what there is."""
    n = len(values)
    sums = np.vstack([np.zeros(values.shape[1]), np.cumsum(values, axis=0)])
    start = np.maximum(np.arange(1, n + 1) - window, 0)
    return (sums[1:] - sums[start]) / (np.arange(1, n + 1) - start)[:, None]


class RunDetector(ClassifierMixin, Detector):
    """A detector of one run. Fit it on the run's healthy beginning; from then on it says 1 for an anomaly.

    `sensors`: the columns looked at; `margin`: the limit as a multiple of the beginning's own largest distance. Scores
    are distances over that limit, so that the threshold is 1.
    """

    def __init__(
        self, kind: Kind = "mahalanobis", sensors: Sequence[str] | None = None, window: int = 10, margin: float = 1.5
    ) -> None:
        self.kind = kind
        self.sensors = sensors
        self.window = window
        self.margin = margin

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:  # noqa: ARG002 - the estimators' own form
        """Itself, fitted on rows without anomaly (n x sensors, more than `window` of them)."""
        raw = self._columns(X)
        self.centre_, self.scale_ = raw.mean(0), raw.std(0) + 1e-12
        settled = trailing_mean((raw - self.centre_) / self.scale_, self.window)[self.window :]
        self.level_, self.spread_ = settled.mean(0), settled.std(0) + 1e-12
        z = (settled - self.level_) / self.spread_
        self.precision_ = np.asarray(shrunk_covariance(z).precision_)
        if self.kind != "mahalanobis":
            getattr(self, f"_fit_{self.kind}")(z)
        self.largest_ = float(self._distance(z).max())
        self.threshold_ = 1.0
        self.names_ = [str(name) for name in (X.columns if self.sensors is None else self.sensors)]
        self.classes_ = np.array([0, 1])
        return self

    def decision_function(self, X: pd.DataFrame) -> np.ndarray:
        """Distance from the beginning over the limit, (n,): above 1 is an anomaly. Rows must follow each other."""
        return self._distance(self._standard(X)) / (self.largest_ * self.margin)

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """n x 2; column 1 is s / (1 + s) of the score s: a rank between 0 and 1, one half at the limit."""
        score = self.decision_function(X)
        second = score / (1 + score)
        return np.column_stack([1 - second, second])

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """The score shared out among the sensors, n x sensors; see `shares`."""
        score = self.decision_function(X)
        return pd.DataFrame(self.shares(X) * score[:, None], index=X.index, columns=self.names_)

    def shares(self, X: pd.DataFrame) -> np.ndarray:
        """Share of each sensor in the squared Mahalanobis distance, n x sensors, sum 1."""
        return shares(self._standard(X), self.precision_)

    def _columns(self, X: pd.DataFrame) -> np.ndarray:
        return (X if self.sensors is None else X[list(self.sensors)]).to_numpy(dtype=np.float64)

    def _standard(self, X: pd.DataFrame) -> np.ndarray:
        smooth = trailing_mean((self._columns(X) - self.centre_) / self.scale_, self.window)
        return (smooth - self.level_) / self.spread_

    def _distance(self, z: np.ndarray) -> np.ndarray:
        return np.asarray(getattr(self, f"_score_{self.kind}")(z))

    def _score_mahalanobis(self, z: np.ndarray) -> np.ndarray:
        return np.sqrt(squared_distance(z, self.precision_))

    def _fit_pca(self, z: np.ndarray) -> None:
        variance, axes = np.linalg.eigh(np.cov(z, rowvar=False, ddof=1).reshape(z.shape[1], -1))
        self.variance_, self.axes_ = variance[::-1], axes[:, ::-1]
        share = np.cumsum(self.variance_) / self.variance_.sum()
        self.main_ = min(int(np.searchsorted(share, EXPLAINED)) + 1, z.shape[1])
        inside, outside = self._t2_and_q(z)
        self.limits_ = np.array([np.quantile(inside, 0.99), max(float(np.quantile(outside, 0.99)), 1e-12)])

    def _t2_and_q(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        t = z @ self.axes_
        return (t[:, : self.main_] ** 2 / self.variance_[: self.main_]).sum(1), (t[:, self.main_ :] ** 2).sum(1)

    def _score_pca(self, z: np.ndarray) -> np.ndarray:
        inside, outside = self._t2_and_q(z)
        return np.sqrt(np.maximum(inside / self.limits_[0], outside / self.limits_[1]))

    def _fit_residual(self, z: np.ndarray) -> None:
        # The inverse of the ridged Gram matrix holds all regressions of one sensor on the others (Schur complement).
        inverse = np.linalg.inv(z.T @ z / len(z) + RIDGE * np.eye(z.shape[1]))
        self.regressions_ = inverse / np.diag(inverse)
        self.residual_sd_ = (z @ self.regressions_).std(0)

    def _score_residual(self, z: np.ndarray) -> np.ndarray:
        return np.abs((z @ self.regressions_) / self.residual_sd_).max(1)

    def _fit_mset(self, z: np.ndarray) -> None:
        self.memory_ = z[:: max(1, len(z) // MEMORY)]
        self.among_ = np.linalg.inv(_similarity(self.memory_, self.memory_) + 1e-2 * np.eye(len(self.memory_)))

    def _score_mset(self, z: np.ndarray) -> np.ndarray:
        weights = _similarity(z, self.memory_) @ self.among_
        expected = weights @ self.memory_ / np.abs(weights).sum(1, keepdims=True)
        return np.sqrt(((z - expected) ** 2).sum(1))


def _similarity(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    squared = (one**2).sum(1)[:, None] + (other**2).sum(1)[None, :] - 2 * one @ other.T
    return 1 / (1 + np.sqrt(np.maximum(squared, 0.0)))
