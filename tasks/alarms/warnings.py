"""From a score to warnings of a failure: sustained past a limit, ended with hysteresis; the limit from training rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gauntlet.tasks.alarms.rule import WEEK_S, Alarm

SUSTAINED = 4  # decisions in a row; an hour
BUDGET_PER_WEEK = 0.25
LIMITS = 60


@dataclass(frozen=True)
class Episode:
    """One stretch of normal running. `seconds` (n,) of its decisions; `failure` when it broke, None if it did not."""

    number: int
    rows: np.ndarray
    seconds: np.ndarray
    failure: float | None


@dataclass(frozen=True)
class Warned:
    """An episode judged: hours of warning (None: missed, or no failure), false alarms, hours watched while healthy."""

    episode: int
    lead_h: float | None
    raised: int | None
    false_alarms: int
    watched_h: float
    events: tuple[Alarm, ...]


def warnings(score: np.ndarray, limit: float, sustained: int = SUSTAINED) -> list[Alarm]:
    """The events of an episode, positions in `score`: raised after `sustained` decisions past the limit, over after as
    many below it."""
    events: list[Alarm] = []
    over = under = 0
    for place, past in enumerate(score > limit):
        over, under = (over + 1, 0) if past else (0, under + 1)
        active = bool(events) and events[-1].cleared is None
        if not active and over == sustained:
            events.append(Alarm(place - sustained + 1, place))
        elif active and under == sustained:
            events[-1] = Alarm(events[-1].onset, events[-1].raised, place)
    return events


def judge(episode: Episode, score: np.ndarray, limit: float, horizon_h: float) -> Warned:
    """A warning is right when it was raised within twice the horizon before the failure; all others are false.

    `lead_h` counts from the first right warning that still stood within the horizon.
    """
    events = warnings(score, limit)
    seconds = episode.seconds
    if episode.failure is None:
        hours = float(seconds[-1] - seconds[0]) / 3600
        return Warned(episode.number, None, None, len(events), hours, tuple(events))
    left_h = (episode.failure - seconds) / 3600
    right = [e for e in events if left_h[e.raised] <= 2 * horizon_h]
    standing = [e for e in right if e.cleared is None or left_h[e.cleared] <= horizon_h]
    watched = max(0.0, float(left_h[0]) - 2 * horizon_h)
    raised = standing[0].raised if standing else None
    lead = float(left_h[raised]) if raised is not None else None
    return Warned(episode.number, lead, raised, len(events) - len(right), watched, tuple(events))


def false_alarms_per_week(judged: Sequence[Warned]) -> float:
    """Over all episodes, per week of healthy running watched."""
    weeks = sum(one.watched_h for one in judged) * 3600 / WEEK_S
    return sum(one.false_alarms for one in judged) / weeks if weeks else 0.0


def choose_limit(
    episodes: Sequence[Episode], scores: Sequence[np.ndarray], horizon_h: float, least_h: float, budget: float
) -> float:
    """The limit that warns of most failures `least_h` ahead within the budget of false alarms; of equals, the middle.

    The scores must be held out. Without any limit within the budget: above the largest score, which is silence.
    """
    pooled = np.concatenate(list(scores))
    limits = np.unique(np.quantile(pooled, 1 - np.geomspace(0.0002, 0.3, LIMITS)))
    outcomes = []
    for limit in limits:
        judged = [judge(e, s, float(limit), horizon_h) for e, s in zip(episodes, scores, strict=True)]
        seen = sum(one.lead_h is not None and one.lead_h >= least_h for one in judged)
        outcomes.append(seen if false_alarms_per_week(judged) <= budget else -1)
    most = max(outcomes)
    if most < 0:
        return float(pooled.max())
    best = limits[np.asarray(outcomes) == most]
    return float(best[len(best) // 2])
