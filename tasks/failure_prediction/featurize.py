"""Features and truth of every decision, a decision every 15 minutes.

A *block* runs from the end of one recovery to the end of the next: one failure with what led to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gauntlet.datasets import dataset
from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.pump import Pump
from gauntlet.tasks.alarms.warnings import Episode
from gauntlet.tasks.contract import Prepared, Summary
from gauntlet.tasks.failure_prediction.load import LoadedRecord
from gauntlet.tasks.failure_prediction.slices import SliceVerdict
from gauntlet.tasks.metrics.prices import Prices
from gauntlet.tasks.models.pump_features import PumpFeatures, since_recovery
from gauntlet.tasks.result import InputSummary

STEP = 15  # minutes between decisions
SETTLING = 360  # minutes after a recovery in which windows still hold the repair: no decision
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


@dataclass(frozen=True, eq=False)
class Record(Prepared):
    """The record with its decisions, the question, and what being wrong costs. `slices`: pieces too short to judge by."""

    table: Pump
    decisions: Decisions
    question: Question
    prices: Prices
    slices: tuple[SliceVerdict, ...]


def featurize(loaded: LoadedRecord, slices: Sequence[SliceVerdict]) -> Record:
    """The record as candidates are trained and judged on it."""
    table, gauntlet, parameters = loaded.table, loaded.gauntlet, loaded.request.parameters
    question = Question(parameters["horizon_h"])
    prices = Prices(parameters["price_of_miss"], parameters["price_of_false_alarm"])
    decisions = decisions_of(table, question)
    minutes, failures = len(table.time), len(table.failures)
    summary = Summary(
        dataset=dataset(gauntlet.dataset).SPEC,
        source=table.source,
        data_hash=table.sha256,
        input=InputSummary(files=1, rows=minutes, bytes=table.bytes),
        size=f"{minutes:,} minutes, {table.values.shape[1]} sensors, {failures} failures",
        place=table.path.name,
        protocol=gauntlet.protocol,
        facts=(
            ("decisions", f"every {STEP} minutes"),
            ("training rows", "thinned evenly: forest 2,500, SVC 3,000, LightGBM 7,500 (status) and 5,000 (warning)"),
        ),
    )
    return Record(gauntlet, loaded.request, summary, table, decisions, question, prices, tuple(slices))


def decisions_of(table: Pump, question: Question) -> Decisions:
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
