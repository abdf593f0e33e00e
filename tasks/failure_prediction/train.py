"""Train a candidate: every block scored by a model that has not seen it, then a final fit on all blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from gauntlet.datasets.errors import BadInput
from gauntlet.tasks.alarms.warnings import choose_threshold
from gauntlet.tasks.contract import Trained
from gauntlet.tasks.failure_prediction.featurize import PreparedRecord
from gauntlet.tasks.failure_prediction.gauntlets import Candidate
from gauntlet.tasks.failure_prediction.split import training_places
from gauntlet.tasks.models.base import DetectorPipeline
from gauntlet.tasks.models.expected_behaviour import ExpectedBehaviour
from gauntlet.tasks.models.pump_features import PumpFeatures
from gauntlet.tasks.models.subsampled import SubsampledClassifier

INNER_FOLDS = 3
STATUS_FEATURES = ("mean15", "sd60")  # a status is read from the moment, not from its history


@dataclass(frozen=True, eq=False)
class TrainedPredictor(Trained):
    """A candidate with the held-out score of every decision, (m,), and the threshold chosen for each held-out block."""

    score: np.ndarray
    thresholds: dict[int, float]


def train(candidate: Candidate, prepared: PreparedRecord, seed: int) -> TrainedPredictor:
    """Every block scored by a model that has not seen it, with a threshold chosen inside the other blocks."""
    decisions, purge_h = prepared.decisions, prepared.record.question.purge_h
    score = np.full(len(decisions.row), np.nan)
    thresholds = {}
    for held_out in decisions.blocks:
        others = [number for number in decisions.blocks if number != held_out]
        at = np.flatnonzero(decisions.block == held_out)
        places = training_places(decisions, others, [held_out], purge_h)
        score[at] = fit(candidate, prepared, places, seed).decision_function(prepared.features.iloc[at])
        thresholds[held_out] = _threshold(candidate, prepared, others, [held_out], seed)
    final = fit(candidate, prepared, np.arange(len(decisions.row)), seed)
    final.threshold_ = _threshold(candidate, prepared, decisions.blocks, [], seed)
    features = PumpFeatures().fit(prepared.record.table.values)
    model = DetectorPipeline([("features", features), ("decision", final)])
    return TrainedPredictor(candidate, model, score, thresholds)


def fit(candidate: Candidate, prepared: PreparedRecord, places: np.ndarray, seed: int) -> SubsampledClassifier:
    """The candidate fitted on the decisions at these places, as far as its question takes them.

    Raises:
        BadInput: all of them are of one class.
    """
    decisions = prepared.decisions
    if candidate.question == "status":
        y = decisions.not_normal[places]
    else:
        places = places[decisions.asked[places]]
        y = decisions.within_horizon[places]
        if candidate.question == "residual":  # healthy rows only, well before any failure
            places = places[decisions.left_h[places] > 2 * prepared.record.question.horizon_h]
            y = np.zeros(len(places), dtype=bool)
    if candidate.question != "residual" and len(np.unique(y)) < 2:
        raise BadInput(None, "a part of the record to learn from has one status only", do="give a longer record")
    return unfitted(candidate, prepared.features, seed).fit(prepared.features.iloc[places], y)


def _threshold(
    candidate: Candidate, prepared: PreparedRecord, blocks: Sequence[int], purged: Sequence[int], seed: int
) -> float:
    """The threshold by scores that are held out among `blocks` alone, in three parts of every third block.

    Args:
        purged: blocks that stay away altogether, with what lies within the purge of them.
    """
    decisions, question = prepared.decisions, prepared.record.question
    score = np.full(len(decisions.row), np.nan)
    for part in range(INNER_FOLDS):
        inside = list(blocks)[part::INNER_FOLDS]
        rest = [number for number in blocks if number not in inside]
        if not inside or not rest:
            continue
        places = training_places(decisions, rest, [*inside, *purged], question.purge_h)
        at = np.flatnonzero(np.isin(decisions.block, inside))
        score[at] = fit(candidate, prepared, places, seed).decision_function(prepared.features.iloc[at])
    episodes = [episode for episode in decisions.episodes if episode.number in blocks]
    scores = [decisions.of_episode(episode, score) for episode in episodes]
    return choose_threshold(episodes, scores, question.horizon_h, question.least_lead_h, question.budget_per_week)


def unfitted(candidate: Candidate, features: pd.DataFrame, seed: int) -> SubsampledClassifier:
    """The candidate's classifier; imputation and scaling inside, learnt from its training rows only."""
    columns = list(features.columns)
    if candidate.question == "status":
        columns = [name for name in columns if name.rpartition(" ")[2] in STATUS_FEATURES]
    fill_gaps = candidate.kind in ("svc", "randomforest")
    return SubsampledClassifier(ESTIMATORS[candidate.kind](seed), columns, candidate.most_rows, fill_gaps)


def _residual(_: int) -> Any:
    return ExpectedBehaviour()


def _support_vectors(seed: int) -> Any:
    return make_pipeline(StandardScaler(), SVC(C=1.0, gamma="scale", class_weight="balanced", random_state=seed))


def _forest(seed: int) -> Any:
    return RandomForestClassifier(30, min_samples_leaf=3, max_features="sqrt", n_jobs=1, random_state=seed)


def _boosting(seed: int) -> Any:
    return LGBMClassifier(
        n_estimators=80,
        learning_rate=0.06,
        num_leaves=15,
        min_child_samples=20,
        subsample=0.8,
        subsample_freq=1,
        colsample_bytree=0.3,
        reg_lambda=1.0,
        n_jobs=1,
        deterministic=True,
        force_row_wise=True,
        verbose=-1,
        random_state=seed,
    )


ESTIMATORS = {"residual": _residual, "svc": _support_vectors, "randomforest": _forest, "lightgbm": _boosting}
