"""One registered model for many machines: a detector and an alarm threshold for each, chosen on normal training clips."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline

from gauntlet.datasets.errors import BadInput
from gauntlet.tasks.models.sound_detectors import (
    Isolated,
    Loudness,
    Mahalanobis,
    Mixture,
    Nearest,
    Scaled,
    blocks,
    settled,
)

FALSE_ALARM_RATE = 0.05
STRANGERS = 200


@dataclass(frozen=True)
class Candidate:
    """A model to be trained: its registered name and its kind."""

    name: str
    kind: str


SUPERVISED = Candidate("RandomForest_MIMII_Audio_Benchmark", "randomforest")
SCALER = Candidate("MIMII_Audio_Scaler", "scaler")
MAHALANOBIS = Candidate("MIMII_Mahalanobis_Audio_Detector", "mahalanobis")
DETECTORS = (
    Candidate("MIMII_GaussianMixture_Audio_Detector", "mixture"),
    MAHALANOBIS,
    Candidate("MIMII_NearestClip_Audio_Detector", "nearest"),
    Candidate("MIMII_IsolationForest_Audio_Detector", "isolationforest"),
    SCALER,
)
CANDIDATES = (SUPERVISED, *DETECTORS)
LOUDNESS = Candidate("loudness", "loudness")


def kinds(seed: int, level: int) -> dict[str, Callable[[], Any]]:
    """The unfitted detector of each kind; `level` is the column that tells the loudness."""
    return {
        "mixture": lambda: Mixture(seed=seed),
        "mahalanobis": Mahalanobis,
        "nearest": Nearest,
        "isolationforest": lambda: Isolated(seed=seed),
        "scaler": Scaled,
        "loudness": lambda: Loudness(level),
    }


def level_column(features: Sequence[str]) -> int:
    """The column of the clip's effective value.

    Raises:
        BadInput: there is none.
    """
    if "rms_mean" not in features:
        raise BadInput(None, "the features hold no loudness", expected="a column rms_mean")
    return list(features).index("rms_mean")


@dataclass(frozen=True, eq=False)
class Held:
    """What was learnt about a detector from training clips alone.

    `scores`: of each normal training clip, by a detector that had not seen its block of recordings. `strangers`: AUC of
    those clips against normal training clips of other machines of the type, which stand in for faults; NaN if there
    are none.
    """

    scores: np.ndarray
    strangers: float


def held_out(fitted: Any, known: np.ndarray, strangers: np.ndarray) -> Held:
    """The detector's settings judged on blocks of training clips, clips x features in recording order."""
    scores = np.empty(len(known))
    areas = []
    for block in blocks(len(known)):
        other = settled(fitted).fit(np.delete(known, block, axis=0))
        scores[block] = other.score_samples(known[block])
        if len(strangers):
            labels = np.r_[np.zeros(len(block)), np.ones(len(strangers))]
            areas.append(roc_auc_score(labels, np.r_[scores[block], other.score_samples(strangers)]))
    return Held(scores, float(np.mean(areas)) if areas else float("nan"))


class Listener(ClassifierMixin, BaseEstimator):
    """Says of a clip's features whether the machine in the column `cell` sounds abnormal.

    Rows are frames with the column `cell` and the features by name. `fitted`: per cell a detector, the score at which
    it alarms, and the spread of normal scores, in whose units `decision_function` counts from that threshold.
    """

    def __init__(self, false_alarm_rate: float = FALSE_ALARM_RATE) -> None:
        self.false_alarm_rate = false_alarm_rate

    def assemble(self, features: Sequence[str], detectors: Mapping[str, Any], held: Mapping[str, Held]) -> Self:
        """The listener made of detectors that were fitted cell by cell."""
        self.features_ = list(features)
        self.classes_ = np.array([0, 1])
        self.detectors_ = dict(detectors)
        self.thresholds_ = {cell: self._threshold(one.scores) for cell, one in held.items()}
        self.spreads_ = {cell: max(float(one.scores.std()), 1e-9) for cell, one in held.items()}
        return self

    def _threshold(self, scores: np.ndarray) -> float:
        """The score that at most this share of n normal clips reaches: rank ceil((1 - rate)(n + 1)), as in conformal
        prediction (Vovk et al. 2005); the largest one where n is too small for the rate."""
        rank = min(int(np.ceil((1 - self.false_alarm_rate) * (len(scores) + 1))), len(scores))
        return float(np.nextafter(np.sort(scores)[rank - 1], np.inf))

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "detectors_")

    def decision_function(self, X: pd.DataFrame) -> np.ndarray:
        """How far above its machine's threshold each clip scores, in spreads of that machine's normal scores, (clips,)."""
        cells = X["cell"].astype(str).to_numpy()
        values = X[self.features_].to_numpy(np.float64)
        margins = np.empty(len(X))
        for cell in np.unique(cells):
            if cell not in self.detectors_:
                known = ", ".join(sorted(self.detectors_)[:4])
                raise BadInput(None, f"no detector for {cell!r}", column="cell", expected=f"one of {known} …")
            here = cells == cell
            scores = self.detectors_[cell].score_samples(values[here])
            margins[here] = (scores - self.thresholds_[cell]) / self.spreads_[cell]
        return margins

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """[normal, abnormal]: the margin squeezed between 0 and 1, a half at the threshold; not a frequency, (clips, 2)."""
        squeezed = expit(self.decision_function(X))
        return np.column_stack([1 - squeezed, squeezed])

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """1 where the machine alarms, int64, (clips,)."""
        return (self.decision_function(X) >= 0).astype(np.int64)


class FeatureColumns(TransformerMixin, BaseEstimator):
    """The features by name, without the column that names the machine."""

    def fit(self, X: pd.DataFrame, _: object = None) -> Self:
        """Remember the names."""
        self.features_ = [str(name) for name in X.columns if name != "cell"]
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """Clips x features, float64."""
        return X[self.features_].to_numpy(np.float64)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "features_")


def forest(seed: int) -> Pipeline:
    """The supervised benchmark: a random forest on the features of all machines, told which clips are abnormal."""
    trees = RandomForestClassifier(
        100, max_features="sqrt", max_samples=0.2, min_samples_leaf=2, n_jobs=1, random_state=seed
    )
    return make_pipeline(FeatureColumns(), trees)


def out_of_fold(unfitted: Pipeline, frame: pd.DataFrame, abnormal: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """The probability of an abnormal clip by a forest that never saw its fold, (clips,); NaN where no fold could teach.

    A training part of one class teaches nothing, so its test fold stays NaN.
    """
    probability = np.full(len(frame), np.nan)
    for fold in np.unique(folds):
        learn = folds != fold
        if len(np.unique(abnormal[learn])) < 2:
            continue
        fitted = clone(unfitted).fit(frame[learn], abnormal[learn].astype(int))
        probability[~learn] = fitted.predict_proba(frame[~learn])[:, 1]
    return probability
