"""Decisions and blocks: what is asked at which moment, what is true of it, and what is held out together.

A decision is made every 15 minutes. A *block* runs from the end of one recovery to the end of the next: one failure with
what led to it. Blocks are held out whole, training rows within the purge of the held-out block are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gauntlet.tasks.alarms.warnings import Episode
from gauntlet.tasks.failure_prediction.load import Record
from gauntlet.tasks.models.pump_features import since_recovery

STEP = 15  # minutes between decisions
SETTLING = 360  # minutes after a recovery in which windows still hold the repair: no decision
LEAST_DECISIONS = 8  # of an episode that can be judged


@dataclass(frozen=True, eq=False)
class Decisions:
    """One entry per decision, (m,) each. `row`: its row of the record. `asked`: NORMAL and settled, so that a warning
    would mean something.

    `left_h`: hours to the block's failure (infinite after the last). `not_normal`, `within_horizon` of it: bool.
    """

    row: np.ndarray
    seconds: np.ndarray
    block: np.ndarray
    left_h: np.ndarray
    not_normal: np.ndarray
    asked: np.ndarray
    within_horizon: np.ndarray
    episodes: tuple[Episode, ...]

    @property
    def blocks(self) -> list[int]:
        """The numbers of all blocks, in order of time."""
        return [int(number) for number in np.unique(self.block)]

    def of_episode(self, episode: Episode, values: np.ndarray) -> np.ndarray:
        """The values, (m,), at the decisions of one episode, in order of time."""
        return values[self.asked & (self.block == episode.number)]


def split(record: Record) -> Decisions:
    """The decisions of a record with their blocks and their truth, before anything is fitted."""
    table, seconds, horizon_h = record.table, record.seconds, record.question.horizon_h
    rows = np.arange(STEP - 1, len(seconds), STEP)
    broken = table.status != 0
    block = np.cumsum(np.r_[False, broken[:-1] & ~broken[1:]])[rows]
    running = since_recovery(table.status)
    begins_running = running > np.arange(len(seconds))  # never broken so far: nothing to settle
    asked = ~broken[rows] & ((running > SETTLING) | begins_running)[rows]
    moments = np.r_[seconds[table.failures], np.inf]
    left_h = (moments[np.searchsorted(table.failures, rows)] - seconds[rows]) / 3600
    episodes = tuple(
        Episode(int(k), rows[at], seconds[rows][at], float(moments[k]) if k < len(table.failures) else None)
        for k in np.unique(block)
        if (at := asked & (block == k)).sum() >= LEAST_DECISIONS
    )
    return Decisions(
        row=rows,
        seconds=seconds[rows],
        block=block,
        left_h=left_h,
        not_normal=broken[rows],
        asked=asked,
        within_horizon=asked & (left_h <= horizon_h),
        episodes=episodes,
    )


def training_places(decisions: Decisions, blocks: Sequence[int], held_out: Sequence[int], purge_h: float) -> np.ndarray:
    """Places of the decisions in `blocks` that are at least the purge away from every decision of the held-out ones."""
    use = np.isin(decisions.block, list(blocks))
    for block in held_out:
        span = decisions.seconds[decisions.block == block]
        use &= (decisions.seconds < span[0] - purge_h * 3600) | (decisions.seconds > span[-1] + purge_h * 3600)
    return np.flatnonzero(use)
