"""Detectors that know only the normal sound of one machine: the higher the score, the less it sounds like that.

All see the same standardised features, each for itself here; together in `sound_distances`. Nothing ever sees a judged
clip or an abnormal one.
"""

from __future__ import annotations

from typing import Self, TypeVar

import numpy as np
import pandas as pd
from sklearn.ensemble import IsolationForest

from gauntlet.tasks.models.base import START, Detector, Rows, by_replacement
from gauntlet.tasks.models.sound_scaling import LogScaler, names_of, values_of

# One forest for each machine and noise level: with a hundred trees each, storing them takes longer than all the rest.
TREES = 16

AnyDetector = TypeVar("AnyDetector", bound="SoundDetector")


class SoundDetector(Detector):
    """A detector of one machine: its scaler is inside; what inherits gives the score and its parts.

    `fit` learns from normal clips in recording order. `calibrate` sets the threshold, from scores of normal clips by
    detectors that were not fitted on them.
    """

    def fit(self, X: Rows, y: object = None) -> Self:  # noqa: ARG002 - scikit-learn calls it so
        """Learn from the normal clips X, clips x features, in recording order."""
        values = values_of(X)
        self.names_ = names_of(X)
        self.scaler_ = LogScaler().fit(values)
        self._learn(values)
        return self

    def calibrate(self, scores: np.ndarray, false_alarm_rate: float) -> Self:
        """Set `threshold_`, past which at most this share of normal clips scores, and `spread_` of their scores.

        The threshold is the score of rank ceil((1 - rate)(n + 1)) of n clips, as in conformal prediction (Vovk et al.
        2005); the largest one where n is too small for the rate.
        """
        rank = min(int(np.ceil((1 - false_alarm_rate) * (len(scores) + 1))), len(scores))
        self.threshold_ = float(np.sort(scores)[rank - 1])
        self.spread_ = max(float(scores.std()), 1e-9)
        return self

    def decision_function(self, X: Rows) -> np.ndarray:
        """The score of each clip, (clips,): higher is more abnormal."""
        return self._score(self.scaler_.transform(values_of(X)))

    def contributions(self, X: Rows) -> pd.DataFrame:
        """What each feature adds to the score, clips x (1 + features); a row adds up to its score."""
        start, parts = self._parts(self.scaler_.transform(values_of(X)))
        return pd.DataFrame(np.column_stack([start, parts]), columns=[START, *self.names_])

    def _learn(self, values: np.ndarray) -> None:
        """Whatever is learnt beyond the scaling."""

    def _score(self, scaled: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def _parts(self, scaled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(start of each clip, (clips,); parts of the features, clips x features)."""
        raise NotImplementedError


class ScaledDistance(SoundDetector):
    """The mean squared deviation of the features, each for itself."""

    def _score(self, scaled: np.ndarray) -> np.ndarray:
        return (scaled**2).mean(1)

    def _parts(self, scaled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(len(scaled)), scaled**2 / scaled.shape[1]


class IsolationForestDetector(SoundDetector):
    """How few random cuts set a clip apart (Liu, Ting and Zhou 2008)."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def _learn(self, values: np.ndarray) -> None:
        forest = IsolationForest(n_estimators=TREES, random_state=self.seed, n_jobs=1)
        self.forest_ = forest.fit(self.scaler_.transform(values))

    def _score(self, scaled: np.ndarray) -> np.ndarray:
        return -self.forest_.score_samples(scaled)

    def _parts(self, scaled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rows = pd.DataFrame(scaled, columns=self.names_)
        typical = dict.fromkeys(self.names_, 0.0)
        parts = by_replacement(lambda table: self._score(table.to_numpy()), rows, typical)
        return parts[START].to_numpy(), parts[self.names_].to_numpy()


def with_chosen_settings(fitted: AnyDetector) -> AnyDetector:
    """An unfitted detector of the same kind with the settings that `fitted` chose, so that no block chooses its own."""
    chosen = {name: getattr(fitted, f"{name}_", value) for name, value in fitted.get_params().items()}
    return type(fitted)(**chosen)
