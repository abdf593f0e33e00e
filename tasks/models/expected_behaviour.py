"""Expected behaviour: the distance of a row from how the sensors go together when the machine is healthy.

d2 = z' inv(S) z with z the standardised hourly means and S their shrunk covariance is, up to scale, the sum of every
sensor's squared residual to what the others predict (the diagonal of inv(S) holds those residuals' precisions).
Sensors that are missing in a row are left out of that row: S is cut to those that are there.
"""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd

from gauntlet.tasks.models.base import START, Detector
from gauntlet.tasks.models.mahalanobis import shares, shrunk_covariance, squared_distance

PRESENT = 0.5  # of the healthy rows must have a sensor for it to be used


class ExpectedBehaviour(Detector):
    """A detector of rows unlike the healthy ones (y = 0) that it is fitted on. Needs columns "<sensor> mean60".

    `threshold_`: the largest score of a healthy row in training.
    """

    def __init__(self, kind: str = "mean60") -> None:
        self.kind = kind

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Self:
        """Itself, fitted on the rows of X (n x features) with y = 0."""
        columns = [name for name in X.columns if name.endswith(f" {self.kind}")]
        healthy = X.loc[np.asarray(y) == 0, columns].to_numpy(dtype=np.float64)
        used = np.isfinite(healthy).mean(0) >= PRESENT
        self.columns_ = [name for name, use in zip(columns, used, strict=True) if use]
        healthy = healthy[:, used]
        self.centre_, self.scale_ = np.nanmean(healthy, axis=0), np.nanstd(healthy, axis=0) + 1e-9
        z = (healthy - self.centre_) / self.scale_
        whole = np.isfinite(z).all(1)
        # Few rows may be whole: a gap then counts as its sensor's mean, which weakens but does not distort S.
        learnt = z[whole] if whole.sum() > 20 * z.shape[1] else np.nan_to_num(z)
        self.covariance_ = np.asarray(shrunk_covariance(learnt).covariance_)
        self.precision_ = np.linalg.inv(self.covariance_)
        excess = self._excess(z)
        self.usual_ = float(np.median(excess))
        self.threshold_ = float(excess.max() - self.usual_)
        return self

    def decision_function(self, X: pd.DataFrame) -> np.ndarray:
        """Logarithm of the mean squared standardised distance, healthy median 0; (n,). Without any sensor: -`usual_`."""
        return self._excess(self._standard(X)) - self.usual_

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """The score as the sensors share the distance, n x (1 + sensors): a median healthy row's is 0, so it starts there."""
        score = self.decision_function(X)
        parts = pd.DataFrame(self.shares(X) * score[:, None], columns=self.columns_, index=X.index)
        parts.insert(0, START, score - parts.sum(axis=1))
        return parts

    def shares(self, X: pd.DataFrame) -> np.ndarray:
        """Share of each sensor of `columns_` in a row's distance; gaps have none."""
        z = self._standard(X)
        return shares(np.nan_to_num(z), self.precision_) * np.isfinite(z)

    def _standard(self, X: pd.DataFrame) -> np.ndarray:
        return (X[self.columns_].to_numpy(dtype=np.float64) - self.centre_) / self.scale_

    def _excess(self, z: np.ndarray) -> np.ndarray:
        """log(d2 / sensors present), rows of one pattern of gaps at a time."""
        there = np.isfinite(z)
        out = np.zeros(len(z))
        patterns, which = np.unique(there, axis=0, return_inverse=True)
        for number, pattern in enumerate(patterns):
            rows = np.flatnonzero(which.ravel() == number)
            if pattern.any():
                part = z[np.ix_(rows, pattern)]
                inverse = np.linalg.inv(self.covariance_[np.ix_(pattern, pattern)])
                out[rows] = np.log(np.maximum(squared_distance(part, inverse) / pattern.sum(), 1e-9))
        return out
