"""The steps of the pump gauntlet, as pure functions: load, featurize, train.

Decisions are made every 15 minutes. A *block* runs from the end of one recovery to the end of the next: one failure with
what led to it. Blocks are held out whole, training rows within the purge of the held-out block are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from gauntlet.datasets import pump
from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.pump import Pump
from gauntlet.datasets.source import locate
from gauntlet.datasets.spec import Source
from gauntlet.tasks.alarms.warnings import Episode, choose_limit
from gauntlet.tasks.failure_prediction.train import Candidate, Thinned, unfitted
from gauntlet.tasks.models.pump_features import PumpFeatures, since_recovery

STEP = 15  # minutes between decisions
SETTLING = 360  # minutes after a recovery in which windows still hold the repair: no decision
INNER = 3
LEAST_FAILURES = 3


@dataclass(frozen=True)
class Question:
    """What is asked, in hours: fails within `horizon_h`? A warning counts from `least_lead_h`; `purge_h` at the edges."""

    horizon_h: float = 24.0
    least_lead_h: float = 2.0
    purge_h: float = 24.0
    budget_per_week: float = 0.25


@dataclass(frozen=True)
class Decisions:
    """One row per decision (m rows). `asked`: NORMAL and settled, so that a warning would mean something.

    `left_h`: hours to the block's failure (infinite after the last). `not_normal` bool, `soon` within the horizon.
    """

    features: pd.DataFrame
    row: np.ndarray
    seconds: np.ndarray
    block: np.ndarray
    left_h: np.ndarray
    not_normal: np.ndarray
    asked: np.ndarray
    soon: np.ndarray
    episodes: tuple[Episode, ...]

    @property
    def blocks(self) -> tuple[int, ...]:
        """The blocks with an episode that can be judged."""
        return tuple(episode.number for episode in self.episodes)


@dataclass(frozen=True)
class Trained:
    """A candidate: held-out score of every decision, the limit used for each block, and the final fit on all blocks."""

    candidate: Candidate
    score: np.ndarray
    limits: dict[int, float]
    pipeline: Pipeline


def load(data: Path | None, source: Source, root: Path, seed: int) -> Pump:
    """The table: the published file, the user's own, or a simulated one; never a silent mix."""
    table = pump.read(locate(pump.SPEC, source, data, root, pump.simulation(seed)).path)
    if source not in ("auto", table.source):
        raise BadInput(
            table.path, f"{source} data are wanted, these are {table.source}", do="check --source and --data"
        )
    return table


def featurize(table: Pump, question: Question) -> Decisions:
    """Features and truth of every decision.

    Raises:
        BadInput: fewer failures than can be held out one at a time and still leave something to learn from.
    """
    failures = table.failures
    if len(failures) < LEAST_FAILURES:
        raise BadInput(
            table.path, f"{len(failures)} failure{'s' if len(failures) != 1 else ''}", column="machine_status",
            expected=f"at least {LEAST_FAILURES}: one is held out, the others are learnt from",
            do="add periods with failures, or use `gauntlet score`; so few prove nothing",
        )  # fmt: skip
    seconds = (table.time - table.time[0]).astype(np.int64) / 1e9
    rows = np.arange(STEP - 1, len(seconds), STEP)
    features = PumpFeatures().fit(table.values).transform(table.values).iloc[rows].reset_index(drop=True)
    broken = table.status != 0
    block = np.cumsum(np.r_[False, broken[:-1] & ~broken[1:]])[rows]
    settled = since_recovery(table.status) > SETTLING
    begins_running = since_recovery(table.status) > np.arange(len(seconds))  # never broken so far: nothing to settle
    asked = ~broken[rows] & (settled | begins_running)[rows]
    moments = np.r_[seconds[failures], np.inf]
    left_h = (moments[np.searchsorted(failures, rows)] - seconds[rows]) / 3600
    episodes = tuple(
        Episode(int(k), rows[at], seconds[rows][at], float(moments[k]) if k < len(failures) else None)
        for k in np.unique(block)
        if (at := asked & (block == k)).sum() >= 8
    )
    return Decisions(
        features,
        rows,
        seconds[rows],
        block,
        left_h,
        broken[rows],
        asked,
        asked & (left_h <= question.horizon_h),
        episodes,
    )


def training_rows(decisions: Decisions, blocks: Sequence[int], held_out: Sequence[int], purge_h: float) -> np.ndarray:
    """Places of the decisions in `blocks` that are at least the purge away from every decision of the held-out ones."""
    use = np.isin(decisions.block, list(blocks))
    for block in held_out:
        span = decisions.seconds[decisions.block == block]
        use &= (decisions.seconds < span[0] - purge_h * 3600) | (decisions.seconds > span[-1] + purge_h * 3600)
    return np.flatnonzero(use)


def fit(candidate: Candidate, decisions: Decisions, rows: np.ndarray, question: Question, seed: int) -> Thinned:
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


def train(candidate: Candidate, table: Pump, decisions: Decisions, question: Question, seed: int) -> Trained:
    """Every block scored by a model that has not seen it, with a limit chosen inside the other blocks."""
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
    final.limit = _limit(candidate, decisions, present, [], question, seed)
    whole = Pipeline([("features", PumpFeatures().fit(table.values)), ("decision", final)])
    return Trained(candidate, score, limits, whole)


def _score(model: Thinned, decisions: Decisions, rows: np.ndarray) -> np.ndarray:
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
