"""Train a candidate: cross-validated, then fitted on every row but the frozen evaluation set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from lightgbm import LGBMClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from gauntlet.tasks.contract import Trained
from gauntlet.tasks.metrics.cross_validation import OutOfFold, cross_validate
from gauntlet.tasks.metrics.prices import Prices
from gauntlet.tasks.models.base import DetectorPipeline
from gauntlet.tasks.models.decision import DecisionClassifier
from gauntlet.tasks.models.process_features import ProcessFeatures
from gauntlet.tasks.tabular.featurize import ProcessRows
from gauntlet.tasks.tabular.frozen import in_frozen_set
from gauntlet.tasks.tabular.gauntlets import Candidate
from gauntlet.tasks.tabular.load import ProcessTable


def _forest(seed: int) -> Any:
    # Out-of-bag scores stand in for inner folds, hence bootstrap and enough trees for every row to be left out of some.
    return RandomForestClassifier(100, max_features="sqrt", oob_score=True, n_jobs=1, random_state=seed)


def _support_vectors(seed: int) -> Any:
    return make_pipeline(StandardScaler(), SVC(C=10.0, gamma="scale", random_state=seed))


def _boosting(seed: int) -> Any:
    # Few failures: small trees, slow learning, row and column sampling. One thread and `deterministic`: equal digits.
    return LGBMClassifier(
        n_estimators=200,
        learning_rate=0.04,
        num_leaves=15,
        min_child_samples=10,
        subsample=0.8,
        subsample_freq=1,
        colsample_bytree=0.7,
        reg_lambda=1.0,
        n_jobs=1,
        deterministic=True,
        force_row_wise=True,
        verbose=-1,
        random_state=seed,
    )


ESTIMATORS = {"randomforest": _forest, "svc": _support_vectors, "lightgbm": _boosting}


def pipeline(candidate: Candidate, prices: Prices, seed: int) -> DetectorPipeline:
    """The unfitted pipeline: raw process columns in; features, scaling, model, calibration and thresholds inside."""
    decision = DecisionClassifier(ESTIMATORS[candidate.kind](seed), prices.miss, prices.false_alarm, seed=seed)
    return DetectorPipeline([("features", ProcessFeatures(candidate.features)), ("decision", decision)])


@dataclass(frozen=True, eq=False)
class TrainedClassifier(Trained):
    """A candidate and its predictions of rows that it had not seen."""

    held_out: OutOfFold


def train(candidate: Candidate, prepared: ProcessRows, seed: int) -> TrainedClassifier:
    """One candidate, cross-validated, then fitted on all rows but the frozen evaluation set."""
    table = prepared.table
    unfitted = pipeline(candidate, prepared.prices, seed)
    held_out = cross_validate(unfitted, table.X, table.y, prepared.folds)
    training = ~frozen_rows(table)
    return TrainedClassifier(candidate, unfitted.fit(table.X[training], table.y[training]), held_out)


def frozen_rows(table: ProcessTable) -> np.ndarray:
    """The frozen evaluation set, (n,) bool; none of a table too small to spare five failures on either side."""
    frozen = in_frozen_set(table.X)
    failures = int(table.y[frozen].sum()), int(table.y[~frozen].sum())
    return frozen if min(failures) >= 5 else np.zeros(len(frozen), bool)
