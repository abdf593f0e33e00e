"""One registered model for the sound of many machines: a detector, or a scaler, for each, chosen by the column `cell`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin

from gauntlet.tasks.models.base import Detector

CELL = "cell"


def _rows_by_machine(X: pd.DataFrame, known: Mapping[str, Any]) -> Iterator[tuple[str, np.ndarray]]:
    """Each machine in the rows, and which rows are its own, (rows,) bool.

    Raises:
        ValueError: a machine that was not learnt.
    """
    cells = X[CELL].astype(str).to_numpy()
    for cell in np.unique(cells):
        if cell not in known:
            raise ValueError(
                f"column 'cell': no detector for {cell!r}; expected one of {', '.join(sorted(known)[:4])} …"
            )
        yield cell, cells == cell


class PerMachineSoundDetector(ClassifierMixin, Detector):
    """Says of a clip's features whether the machine in the column `cell` sounds abnormal.

    Rows are frames with the column `cell` and the features by name. Per cell there is a detector, the score at which it
    alarms, and the spread of normal scores, in whose units `decision_function` counts from that threshold.
    """

    def __init__(self, false_alarm_rate: float = 0.05) -> None:
        self.false_alarm_rate = false_alarm_rate

    def assemble(
        self, features: Sequence[str], detectors: Mapping[str, Any], held_out: Mapping[str, np.ndarray]
    ) -> Self:
        """The model made of detectors that were fitted cell by cell, and their scores of held-out normal clips."""
        self.features_ = list(features)
        self.classes_ = np.array([0, 1])
        self.detectors_ = dict(detectors)
        self.thresholds_ = {cell: self._threshold(scores) for cell, scores in held_out.items()}
        self.spreads_ = {cell: max(float(scores.std()), 1e-9) for cell, scores in held_out.items()}
        self.threshold_ = float(np.nextafter(0.0, -1.0))  # a clip at its machine's own threshold alarms
        return self

    def _threshold(self, scores: np.ndarray) -> float:
        """The score that at most this share of n normal clips reaches: rank ceil((1 - rate)(n + 1)), as in conformal
        prediction (Vovk et al. 2005); the largest one where n is too small for the rate."""
        rank = min(int(np.ceil((1 - self.false_alarm_rate) * (len(scores) + 1))), len(scores))
        return float(np.nextafter(np.sort(scores)[rank - 1], np.inf))

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "detectors_")

    def decision_function(self, X: pd.DataFrame) -> np.ndarray:
        """How far above its machine's threshold each clip scores, in spreads of that machine's normal scores, (clips,).

        Raises:
            ValueError: a machine that was not learnt.
        """
        values, margins = X[self.features_].to_numpy(np.float64), np.empty(len(X))
        for cell, rows in _rows_by_machine(X, self.detectors_):
            scores = self.detectors_[cell].decision_function(values[rows])
            margins[rows] = (scores - self.thresholds_[cell]) / self.spreads_[cell]
        return margins

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """[normal, abnormal]: the margin squeezed between 0 and 1, a half at the threshold; not a frequency, (clips, 2)."""
        squeezed = expit(self.decision_function(X))
        return np.column_stack([1 - squeezed, squeezed])

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """The margin shared out among the features by what each adds to the squared distance, clips x features."""
        values, parts = X[self.features_].to_numpy(np.float64), np.empty((len(X), len(self.features_)))
        for cell, rows in _rows_by_machine(X, self.detectors_):
            parts[rows] = np.maximum(self.detectors_[cell].distance_parts(values[rows]), 0.0)
        total = parts.sum(1, keepdims=True)
        shares = np.where(total > 0, parts / np.where(total > 0, total, 1.0), 1 / parts.shape[1])
        return pd.DataFrame(shares * self.decision_function(X)[:, None], index=X.index, columns=self.features_)


class PerMachineScaler(TransformerMixin, BaseEstimator):
    """The features of a clip in standard deviations from the normal sound of the machine in the column `cell`."""

    def assemble(self, features: Sequence[str], scalers: Mapping[str, Any]) -> Self:
        """The model made of scalers that were fitted cell by cell."""
        self.features_ = list(features)
        self.scalers_ = dict(scalers)
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "scalers_")

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Clips x features, standardised.

        Raises:
            ValueError: a machine that was not learnt.
        """
        values = X[self.features_].to_numpy(np.float64)
        scaled = np.empty_like(values)
        for cell, rows in _rows_by_machine(X, self.scalers_):
            scaled[rows] = self.scalers_[cell].standardise(values[rows])
        return pd.DataFrame(scaled, index=X.index, columns=self.features_)


class FeatureColumns(TransformerMixin, BaseEstimator):
    """The features by name, without the column that names the machine."""

    def fit(self, X: pd.DataFrame, _: object = None) -> Self:
        """Remember the names."""
        self.features_ = [str(name) for name in X.columns if name != CELL]
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Clips x features, float64."""
        return X[self.features_].astype(np.float64)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "features_")
