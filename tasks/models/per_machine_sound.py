"""One registered model for many machines: each row is answered by what was learnt of its machine, named in `cell`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin

from gauntlet.tasks.models.base import START, Detector
from gauntlet.tasks.models.per_machine import rows_by_machine
from gauntlet.tasks.models.sound_detectors import SoundDetector
from gauntlet.tasks.models.sound_scaling import LogScaler

CELL = "cell"  # the column that names the machine and its noise level, such as 6dB/fan/id_00


class PerMachineSoundDetector(ClassifierMixin, Detector):
    """Says of a clip's features whether the machine in the column `cell` sounds abnormal.

    Scores count from the machine's own threshold, in spreads of its normal scores, so that 0 is the threshold of all.
    Rows are frames with the column `cell` and the features by name.

    Args:
        detectors: per cell, fitted and calibrated.
    """

    threshold_ = 0.0

    def __init__(self, detectors: Mapping[str, SoundDetector]) -> None:
        self.detectors = detectors

    @property
    def classes_(self) -> np.ndarray:
        """Normal and abnormal."""
        return np.array([0, 1])

    @property
    def features_(self) -> list[str]:
        """The features' names, the same of all machines."""
        return list(next(iter(self.detectors.values())).names_)

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def decision_function(self, X: pd.DataFrame) -> np.ndarray:
        """How far above its machine's threshold each clip scores, in spreads of that machine's normal scores, (clips,)."""
        values = X[self.features_].to_numpy(np.float64)
        margins = np.empty(len(X))
        for cell, rows in rows_by_machine(X, CELL, self.detectors):
            detector = self.detectors[cell]
            margins[rows] = (detector.decision_function(values[rows]) - detector.threshold_) / detector.spread_
        return margins

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """What each feature adds to the score, clips x (1 + features); a row adds up to its score."""
        values = X[self.features_].to_numpy(np.float64)
        parts = np.empty((len(X), 1 + values.shape[1]))
        for cell, rows in rows_by_machine(X, CELL, self.detectors):
            detector = self.detectors[cell]
            parts[rows] = detector.contributions(values[rows]).to_numpy() / detector.spread_
            parts[rows, 0] -= detector.threshold_ / detector.spread_
        return pd.DataFrame(parts, index=X.index, columns=[START, *self.features_])

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """[normal, abnormal]: the margin squeezed between 0 and 1, a half at the threshold; not a frequency, (clips, 2)."""
        squeezed = expit(self.decision_function(X))
        return np.column_stack([1 - squeezed, squeezed])


class PerMachineScaler(TransformerMixin, BaseEstimator):
    """The features in standard deviations of the normal clips of the machine in the column `cell`."""

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:  # noqa: ARG002 - scikit-learn calls it so
        """Learn from normal clips: the column `cell`, and the features by name."""
        self.features_ = [str(name) for name in X.columns if name != CELL]
        self.scalers_ = {
            str(cell): LogScaler().fit(rows[self.features_].to_numpy(np.float64))
            for cell, rows in X.groupby(CELL, sort=True)
        }
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """The standardised features by name, clips x features.

        Raises:
            ValueError: a machine that was not learnt.
        """
        values = X[self.features_].to_numpy(np.float64)
        scaled = np.empty(values.shape)
        for cell, rows in rows_by_machine(X, CELL, self.scalers_):
            scaled[rows] = self.scalers_[cell].transform(values[rows])
        return pd.DataFrame(scaled, index=X.index, columns=self.features_)


class FeatureColumns(TransformerMixin, BaseEstimator):
    """The features by name, without the column that names the machine."""

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:  # noqa: ARG002 - scikit-learn calls it so
        """Remember the names."""
        self.features_ = [str(name) for name in X.columns if name != CELL]
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Clips x features, float64."""
        return X[self.features_].astype(np.float64)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "features_")
