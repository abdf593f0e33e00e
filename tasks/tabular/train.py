"""The six candidates of the process gauntlet: three kinds of model on two sets of features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lightgbm import LGBMClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from gauntlet.tasks.models.decision import DecisionClassifier
from gauntlet.tasks.models.process_features import FeatureSet, ProcessFeatures


@dataclass(frozen=True)
class Prices:
    """What a missed failure and a false alarm cost, in one currency."""

    miss: float = 500.0
    false_alarm: float = 25.0


@dataclass(frozen=True)
class Candidate:
    """A model to be trained: its registered name, its kind and the features that it gets."""

    name: str
    kind: str
    features: FeatureSet


def _forest(seed: int) -> Any:
    # Out-of-bag scores stand in for inner folds, hence bootstrap and enough trees for every row to be left out of some.
    return RandomForestClassifier(100, max_features="sqrt", oob_score=True, n_jobs=1, random_state=seed)


def _machine(seed: int) -> Any:
    return make_pipeline(StandardScaler(), SVC(C=10.0, gamma="scale", random_state=seed))


def _boosting(seed: int) -> Any:
    # Few failures: small trees, slow learning, row and column sampling. One thread and `deterministic`: equal digits.
    return LGBMClassifier(
        n_estimators=200, learning_rate=0.04, num_leaves=15, min_child_samples=10, subsample=0.8, subsample_freq=1,
        colsample_bytree=0.7, reg_lambda=1.0, n_jobs=1, deterministic=True, force_row_wise=True, verbose=-1,
        random_state=seed,
    )  # fmt: skip


KINDS = {"randomforest": _forest, "svc": _machine, "lightgbm": _boosting}
CANDIDATES = tuple(
    Candidate(f"ai4i_classifier_{kind}_{features}", kind, features)
    for features in ("baseline", "engineered")
    for kind in KINDS
)


def pipeline(candidate: Candidate, prices: Prices, seed: int) -> Pipeline:
    """The unfitted pipeline: raw process columns in; features, scaling, model, calibration and thresholds inside."""
    decision = DecisionClassifier(KINDS[candidate.kind](seed), prices.miss, prices.false_alarm, seed=seed)
    return Pipeline([("features", ProcessFeatures(candidate.features)), ("decision", decision)])
