"""The alarm rule continued: rows that come in portions give the alarms that they would give in one piece."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.train.alarm_rule import AlarmRule, ewma


@dataclass(frozen=True)
class Event:
    """An alarm in seconds of the rows' clock: see `alarm_rule.Alarm`; `cleared_s` None while it stands."""

    onset_s: float
    raised_s: float
    cleared_s: float | None = None


@dataclass(frozen=True)
class AlarmState:
    """Where the rule stands after a row. `smooth`: EWMA of the index; `over`, `under`: rows in a row past either limit.

    `since_s`: time of the first of the rows in `over`. `standing`: the alarm that stands, None without one.
    """

    smooth: float
    over: int = 0
    under: int = 0
    since_s: float = 0.0
    standing: Event | None = None


def started(healthy: np.ndarray, rule: AlarmRule) -> AlarmState:
    """Where the rule stands after the healthy beginning: index (rows,) of it, oldest first; 0 where there is none."""
    smooth = ewma(np.clip(np.asarray(healthy, np.float64), -rule.clip, rule.clip), rule.weight)
    return AlarmState(float(smooth[-1]) if len(smooth) else 0.0)


def advance(
    state: AlarmState, score: np.ndarray, seconds: np.ndarray, rule: AlarmRule, limit: float
) -> tuple[AlarmState, np.ndarray, tuple[Event, ...]]:
    """The state after these rows, whether an alarm stood after each (rows,) bool, and the alarms that cleared in them.

    Args:
        score: health index, (rows,). `seconds`: of each row.
        limit: on the EWMA, in standard deviations (`AlarmRule.limit`).
    """
    smooth, over, under, since, standing = state.smooth, state.over, state.under, state.since_s, state.standing
    stood, cleared = np.zeros(len(score), bool), []
    for i, value in enumerate(np.clip(score, -rule.clip, rule.clip)):
        smooth = rule.weight * float(value) + (1 - rule.weight) * smooth
        over = over + 1 if smooth > limit else 0
        since = float(seconds[i]) if over == 1 else since
        under = under + 1 if smooth < limit * rule.margin else 0
        if standing is None and over == rule.sustained:
            standing = Event(since, float(seconds[i]))
        elif standing is not None and under == rule.sustained:
            cleared.append(Event(standing.onset_s, standing.raised_s, float(seconds[i])))
            standing = None
        stood[i] = standing is not None
    return AlarmState(smooth, over, under, since, standing), stood, tuple(cleared)
