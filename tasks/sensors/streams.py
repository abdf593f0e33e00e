"""Alarms over sensor streams as a line of the results table: by event, with intervals, and point by point beside.

By event a found event is a hit, an alarm that meets none is false, an event without an alarm is missed. 95 % bootstrap
intervals are over blocks of a fortnight of one sensor, since neighbouring rows are no independent cases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from gauntlet.tasks.metrics.bootstrap import draws, percentile_interval
from gauntlet.tasks.result import Row
from gauntlet.tasks.sensors.event import alarms_of

RESAMPLES = 500
BLOCK_H = 14 * 24.0
GAP_H, TAIL_H = 6.0, 24.0  # flags this close are one alarm; so long behind an event an alarm is neither hit nor false
WEEK_H = 168.0


@dataclass(frozen=True, eq=False)
class Watched:
    """One sensor's evaluated rows. `events`: (first, last, kind), rows both included; `step_h`: hours a row."""

    sensor: str
    events: tuple[tuple[int, int, str], ...]
    rows: int
    step_h: float

    @property
    def labels(self) -> np.ndarray:
        """True where a row belongs to an event, (rows,)."""
        faulty = np.zeros(self.rows, bool)
        for first, last, _ in self.events:
            faulty[first : last + 1] = True
        return faulty


@dataclass(frozen=True)
class Found:
    """What became of one event: `delay_h` from its first row to the first flag within it, None for a missed one."""

    sensor: str
    kind: str
    delay_h: float | None


def found(watched: Watched, flags: np.ndarray) -> list[Found]:
    """The events of a sensor, found or missed. Flags that stood before an event began do not find it by themselves."""
    events = []
    for first, last, kind in watched.events:
        inside = np.flatnonzero(flags[first : last + 1])
        events.append(Found(watched.sensor, kind, float(inside[0] * watched.step_h) if len(inside) else None))
    return events


def false_alarms(watched: Watched, flags: np.ndarray) -> list[int]:
    """The first rows of the alarms that meet no event nor the `TAIL_H` hours behind one."""
    gap, tail = round(GAP_H / watched.step_h), round(TAIL_H / watched.step_h)
    alarms = alarms_of(flags, gap)
    return [a for a, b in alarms if not any(a <= last + tail and b >= first for first, last, _ in watched.events)]


def _blocks(watched: Watched, flags: np.ndarray) -> np.ndarray:
    """Per block of a fortnight: hits, misses, false alarms, and point-wise hits, misses, false flags, sound rows."""
    size = max(1, round(BLOCK_H / watched.step_h))
    counts = np.zeros((-(-watched.rows // size), 7))
    for (first, _, _), one in zip(watched.events, found(watched, flags), strict=True):
        counts[first // size, 0 if one.delay_h is not None else 1] += 1
    for first in false_alarms(watched, flags):
        counts[first // size, 2] += 1
    labels, block = watched.labels, np.arange(watched.rows) // size
    for column, rows in ((3, labels & flags), (4, labels & ~flags), (5, ~labels & flags), (6, ~labels)):
        counts[:, column] = np.bincount(block, rows, minlength=len(counts))
    return counts


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.zeros_like(above, dtype=np.float64), where=below > 0)


def _shares(counts: np.ndarray) -> dict[str, np.ndarray]:
    hit, missed, false, tp, fn, fp, sound = counts.T
    return {
        "f1": _ratio(2 * hit, 2 * hit + missed + false),
        "precision": _ratio(hit, hit + false),
        "recall": _ratio(hit, hit + missed),
        "far": _ratio(fp, sound),
        "mar": _ratio(fn, tp + fn),
    }


def stream_row(
    name: str,
    watched: Sequence[Watched],
    flags: Mapping[str, np.ndarray],
    scores: Mapping[str, np.ndarray],
    seed: int,
) -> Row:
    """The line of the results table: f1, precision and recall by event; far, mar, pr_auc and roc_auc by row.

    Args:
        flags: (rows,) bool by sensor.
        scores: (rows,) by sensor, higher is stranger.
    """
    blocks = np.concatenate([_blocks(stream, flags[stream.sensor]) for stream in watched])
    drawn = blocks[draws(len(blocks), RESAMPLES, seed)].sum(axis=1)
    drawn = drawn[drawn[:, :2].sum(axis=1) > 0]  # without an event nothing can be found
    metrics = {metric: float(value[0]) for metric, value in _shares(blocks.sum(axis=0)[None]).items()}
    intervals = {metric: percentile_interval(values, metrics[metric]) for metric, values in _shares(drawn).items()}
    labels = np.concatenate([stream.labels for stream in watched])
    score = np.concatenate([scores[stream.sensor] for stream in watched])
    weeks = sum((~stream.labels).sum() * stream.step_h for stream in watched) / WEEK_H
    metrics["false_alarms_per_week"] = float(blocks[:, 2].sum() / weeks)
    metrics["pr_auc"] = float(average_precision_score(labels, score))
    metrics["roc_auc"] = float(roc_auc_score(labels, score))
    return Row(name, metrics, intervals)
