"""Leave one bearing out: each life is estimated by what the others taught, at stated shares of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tasks.rul.life import Estimate, History, extrapolated_rms, fit, mean_life
from tasks.rul.score import phm_score

SHARES = tuple(float(share) for share in np.round(np.arange(0.3, 0.96, 0.05), 2))
AFTER_ALARM = tuple(float(share) for share in np.round(np.arange(0.05, 0.96, 0.1), 2))


@dataclass(frozen=True, eq=False)
class ObservedLife:
    """A run to failure as the estimator may see it: `seconds` and `rms` up to any moment, alarm raised at `alarm_s`."""

    history: History
    seconds: np.ndarray
    rms: np.ndarray
    interval_s: float


@dataclass(frozen=True)
class RulPoint:
    """One estimate beside the truth and the two naive ones, all in seconds."""

    unit: str
    share: float
    actual_s: float
    model: Estimate
    mean_life_s: float
    extrapolated_s: float


@dataclass(frozen=True)
class RulReport:
    """Mean PHM scores over bearings and moments; `coverage_80`: share of truths inside the interval."""

    points: tuple[RulPoint, ...]
    model: float
    mean_life: float
    extrapolated: float
    coverage_80: float


def leave_one_out(lives: Sequence[ObservedLife], shares: Sequence[float] = SHARES) -> RulReport:
    """The report over all bearings; the moments are shares of the true life, which no estimate is told."""
    return _report([(life, share) for life in lives for share in shares], lives)


def after_alarm(lives: Sequence[ObservedLife], shares: Sequence[float] = AFTER_ALARM) -> RulReport:
    """The same asked only from the alarm on, the usual practice: `shares` of the time between alarm and end."""
    moments = [
        (life, (life.history.alarm_s + share * (life.history.life_s - life.history.alarm_s)) / life.history.life_s)
        for life in lives if life.history.alarm_s is not None
        for share in shares
    ]  # fmt: skip
    return _report(moments, lives)


def _report(moments: Sequence[tuple[ObservedLife, float]], lives: Sequence[ObservedLife]) -> RulReport:
    points = tuple(_point(life, [o for o in lives if o is not life], share) for life, share in moments)
    actual = np.array([p.actual_s for p in points])
    inside = [p.model.low_s <= p.actual_s <= p.model.high_s for p in points]
    scores = [
        float(phm_score(actual, np.array(estimates)).mean())
        for estimates in (
            [p.model.estimate_s for p in points],
            [p.mean_life_s for p in points],
            [p.extrapolated_s for p in points],
        )
    ]
    return RulReport(points, scores[0], scores[1], scores[2], float(np.mean(inside)))


def _point(life: ObservedLife, others: Sequence[ObservedLife], share: float) -> RulPoint:
    histories = [other.history for other in others]
    now = share * life.history.life_s
    seen = life.seconds <= now
    alarm = life.history.alarm_s
    since = now - alarm if alarm is not None and alarm <= now else None
    failure = float(np.mean([np.median(other.rms[-5:]) for other in others]))
    return RulPoint(
        life.history.unit,
        float(share),
        life.history.life_s - now,
        fit(histories, life.interval_s).at(now, since),
        mean_life(histories, now, life.interval_s),
        extrapolated_rms(life.seconds[seen], life.rms[seen], failure, life.interval_s),
    )
