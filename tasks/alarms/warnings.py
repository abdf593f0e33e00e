"""From a score to warnings of a failure: sustained past a threshold, ended with hysteresis; judged failure by failure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gauntlet.tasks.alarms.rule import WEEK_S, Alarm

SUSTAINED = 4  # decisions in a row; an hour
THRESHOLDS = 60  # that are tried


@dataclass(frozen=True, eq=False)
class Episode:
    """One stretch of normal running. `seconds` (n,) of its decisions; `failure` when it broke, None if it did not."""

    number: int
    rows: np.ndarray
    seconds: np.ndarray
    failure: float | None


@dataclass(frozen=True)
class Outcome:
    """The warnings of one episode, judged: hours of warning, false alarms, hours watched while healthy.

    `lead_h` None: the failure was missed, or there was none. `raised`: position of the right warning. `alarms`: all.
    """

    episode: int
    lead_h: float | None
    raised: int | None
    false_alarms: int
    watched_h: float
    alarms: tuple[Alarm, ...]


def warnings(score: np.ndarray, threshold: float, sustained: int = SUSTAINED) -> list[Alarm]:
    """The alarms of an episode, positions in `score`: raised after `sustained` decisions past the threshold in a row,
    cleared after as many below it."""
    alarms: list[Alarm] = []
    over = under = 0
    for place, past in enumerate(score > threshold):
        over, under = (over + 1, 0) if past else (0, under + 1)
        active = bool(alarms) and alarms[-1].cleared is None
        if not active and over == sustained:
            alarms.append(Alarm(place - sustained + 1, place))
        elif active and under == sustained:
            alarms[-1] = Alarm(alarms[-1].onset, alarms[-1].raised, place)
    return alarms


def judge(episode: Episode, score: np.ndarray, threshold: float, horizon_h: float) -> Outcome:
    """A warning is right when it was raised within twice the horizon before the failure; all others are false.

    `lead_h` counts from the first right warning that still stood within the horizon.
    """
    alarms = warnings(score, threshold)
    seconds = episode.seconds
    if episode.failure is None:
        hours = float(seconds[-1] - seconds[0]) / 3600
        return Outcome(episode.number, None, None, len(alarms), hours, tuple(alarms))
    left_h = (episode.failure - seconds) / 3600
    right = [alarm for alarm in alarms if left_h[alarm.raised] <= 2 * horizon_h]
    standing = [alarm for alarm in right if alarm.cleared is None or left_h[alarm.cleared] <= horizon_h]
    watched = max(0.0, float(left_h[0]) - 2 * horizon_h)
    raised = standing[0].raised if standing else None
    lead = float(left_h[raised]) if raised is not None else None
    return Outcome(episode.number, lead, raised, len(alarms) - len(right), watched, tuple(alarms))


def false_alarms_per_week(outcomes: Sequence[Outcome]) -> float:
    """Over all episodes, per week of healthy running watched."""
    weeks = sum(outcome.watched_h for outcome in outcomes) * 3600 / WEEK_S
    return sum(outcome.false_alarms for outcome in outcomes) / weeks if weeks else 0.0


def choose_threshold(
    episodes: Sequence[Episode], scores: Sequence[np.ndarray], horizon_h: float, least_h: float, budget_per_week: float
) -> float:
    """The threshold that warns of most failures `least_h` ahead within the budget of false alarms; of equals, the middle.

    The scores must be held out. Without any threshold within the budget: the largest score, which no score is past.
    """
    pooled = np.concatenate(list(scores))
    thresholds = np.unique(np.quantile(pooled, 1 - np.geomspace(0.0002, 0.3, THRESHOLDS)))
    warned = []
    for threshold in thresholds:
        outcomes = [judge(e, s, float(threshold), horizon_h) for e, s in zip(episodes, scores, strict=True)]
        failures = sum(outcome.lead_h is not None and outcome.lead_h >= least_h for outcome in outcomes)
        warned.append(failures if false_alarms_per_week(outcomes) <= budget_per_week else -1)
    most = max(warned)
    if most < 0:
        return float(pooled.max())
    best = thresholds[np.asarray(warned) == most]
    return float(best[len(best) // 2])
