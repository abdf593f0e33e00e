"""Train a candidate: every block scored by a model that has not seen it, then fitted on all blocks.

Blocks are held out whole; training rows within the purge of the held-out block are left out.
"""

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
from gauntlet.tasks.alarms.warnings import Episode, choose_limit
from gauntlet.tasks.contract import Trained
from gauntlet.tasks.failure_prediction.featurize import Decisions, Question, Record
from gauntlet.tasks.failure_prediction.gauntlets import Candidate
from gauntlet.tasks.models.base import DetectorPipeline
from gauntlet.tasks.models.expected_behaviour import ExpectedBehaviour
from gauntlet.tasks.models.pump_features import PumpFeatures
from gauntlet.tasks.models.subsampled_classifier import SubsampledClassifier

BASIC = ("mean15", "sd60")
INNER = 3


@dataclass(frozen=True, eq=False)
class TrainedWarner(Trained):
    """Held-out score of every decision, and the limit used for each block; `model` is the final fit on all blocks."""

    score: np.ndarray
    limits: dict[int, float]


def training_rows(decisions: Decisions, blocks: Sequence[int], held_out: Sequence[int], purge_h: float) -> np.ndarray:
    """Places of the decisions in `blocks` that are at least the purge away from every decision of the held-out ones."""
    use = np.isin(decisions.block, list(blocks))
    for block in held_out:
        span = decisions.seconds[decisions.block == block]
        use &= (decisions.seconds < span[0] - purge_h * 3600) | (decisions.seconds > span[-1] + purge_h * 3600)
    return np.flatnonzero(use)


def fit(
    candidate: Candidate, decisions: Decisions, rows: np.ndarray, question: Question, seed: int
) -> SubsampledClassifier:
    """The candidate fitted on these decisions, as far as its question takes them."""
    if candidate.question == "status":
        y = decisions.not_normal[rows]
    else:
        rows = rows[decisions.asked[rows]]
        y = decisions.soon[rows]
        if candidate.question == "residual":  # healthy rows only, well before any failure
            rows = rows[decisions.left_h[rows] > 2 * question.horizon_h]
            y = np.zeros(len(rows), dtype=bool)
    if candidate.question != "residual" and len(np.unique(y)) < 2:
        raise BadInput(None, "a part of the record to learn from has one status only", do="give a longer record")
    return unfitted(candidate, decisions.features, seed).fit(decisions.features.iloc[rows], y)


def train(candidate: Candidate, prepared: Record, seed: int) -> TrainedWarner:
    """Every block scored by a model that has not seen it, with a limit chosen inside the other blocks."""
    table, decisions, question = prepared.table, prepared.decisions, prepared.question
    score = np.full(len(decisions.row), np.nan)
    limits = {}
    present = [int(k) for k in np.unique(decisions.block)]
    for held_out in present:
        others = [k for k in present if k != held_out]
        at = np.flatnonzero(decisions.block == held_out)
        rows = training_rows(decisions, others, [held_out], question.purge_h)
        score[at] = _score(fit(candidate, decisions, rows, question, seed), decisions, at)
        limits[held_out] = _limit(candidate, decisions, others, [held_out], question, seed)
    final = fit(candidate, decisions, np.arange(len(decisions.row)), question, seed)
    final.threshold_ = _limit(candidate, decisions, present, [], question, seed)
    whole = DetectorPipeline([("features", PumpFeatures().fit(table.values)), ("decision", final)])
    return TrainedWarner(candidate, whole, score, limits)


def _score(model: SubsampledClassifier, decisions: Decisions, rows: np.ndarray) -> np.ndarray:
    return model.predict_proba(decisions.features.iloc[rows])[:, 1]


def _limit(
    candidate: Candidate,
    decisions: Decisions,
    blocks: Sequence[int],
    away: Sequence[int],
    question: Question,
    seed: int,
) -> float:
    """The limit by scores that are held out among `blocks` alone, dealt into three parts in turn."""
    score = np.full(len(decisions.row), np.nan)
    for part in range(INNER):
        inside = list(blocks)[part::INNER]
        rest = [k for k in blocks if k not in inside]
        if not inside or not rest:
            continue
        rows = training_rows(decisions, rest, [*inside, *away], question.purge_h)
        at = np.flatnonzero(np.isin(decisions.block, inside))
        score[at] = _score(fit(candidate, decisions, rows, question, seed), decisions, at)
    episodes = [episode for episode in decisions.episodes if episode.number in blocks]
    scores = [episode_scores(decisions, episode, score) for episode in episodes]
    return choose_limit(episodes, scores, question.horizon_h, question.least_lead_h, question.budget_per_week)


def episode_scores(decisions: Decisions, episode: Episode, score: np.ndarray) -> np.ndarray:
    """The scores at the decisions of one episode, in order of time."""
    return score[decisions.asked & (decisions.block == episode.number)]


def unfitted(candidate: Candidate, features: pd.DataFrame, seed: int) -> SubsampledClassifier:
    """The candidate's classifier; imputation and scaling inside, learnt from its training rows only."""
    fill_gaps = candidate.kind in ("svc", "randomforest")
    return SubsampledClassifier(
        _estimator(candidate.kind, seed), _columns(candidate, features), candidate.most_rows, fill_gaps
    )


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


def _columns(candidate: Candidate, features: pd.DataFrame) -> list[str]:
    """The features that a candidate gets."""
    if candidate.question == "status":
        return [name for name in features.columns if name.rpartition(" ")[2] in BASIC]
    return list(features.columns)
