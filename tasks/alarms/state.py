"""The alarm rule continued: rows that come in portions give the alarms that they would give in one piece."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gauntlet.tasks.alarms.rule import AlarmRule, crossings, ewma


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
    smooth = ewma(np.clip(np.asarray(score, np.float64), -rule.clip, rule.clip), rule.weight, state.smooth)
    turns, over, under = crossings(smooth, limit, rule, state.over, state.under, state.standing is not None)

    def first_of(run: int, last: int) -> float:
        """Time of the first of so many rows in a row; it may have been in an earlier portion."""
        return float(seconds[last - run + 1]) if run <= last + 1 else state.since_s

    standing, cleared = state.standing, []
    stood = np.full(len(score), standing is not None)
    for turn in turns:
        if standing is None:
            standing = Event(first_of(rule.sustained, turn), float(seconds[turn]))
        else:
            cleared.append(replace(standing, cleared_s=float(seconds[turn])))
            standing = None
        stood[turn:] = standing is not None
    last = float(smooth[-1]) if len(smooth) else state.smooth
    since = first_of(over, len(score) - 1) if over else state.since_s
    return AlarmState(last, over, under, since, standing), stood, tuple(cleared)
