"""When abnormality becomes an alarm: smoothed, past a limit, sustained, cleared with hysteresis; causal throughout."""

from __future__ import annotations

from dataclasses import dataclass
from math import log, sqrt

import numpy as np
from scipy.signal import lfilter
from scipy.stats import norm

WEEK_S = 7 * 24 * 3600.0


@dataclass(frozen=True)
class AlarmRule:
    """EWMA of the health index past `limit` standard deviations for `sustained` snapshots in a row.

    `weight`: of the newest snapshot (Roberts, Technometrics 1 (1959)). `target_per_week`: false alarms aimed at.
    `margin`: share by which the index must also fall back before an alarm is over. `least_limit`: five deviations and
    six in a row are how onset is read off the IMS tables; a machine's level wanders more than noise would.
    """

    weight: float = 0.3
    sustained: int = 6
    target_per_week: float = 0.25
    margin: float = 0.5
    least_limit: float = 5.0
    clip: float = 20.0

    def limit(self, interval_s: float, calibration: np.ndarray | None = None) -> float:
        """The limit on the EWMA in standard deviations of the index.

        The normal quantile at which the stated rate of false alarms is met by independent snapshots, times the EWMA's
        own standard deviation: that of `calibration` where given (healthy snapshots are correlated, and then the EWMA
        varies more than the textbook's sqrt(w / (2 - w))), and no less than the textbook's.
        """
        per_snapshot = min(0.05, self.target_per_week * interval_s / WEEK_S)
        own = sqrt(self.weight / (2 - self.weight))
        if calibration is not None and len(calibration) >= 8:
            smooth = ewma(np.clip(calibration, -self.clip, self.clip), self.weight)
            own = max(own, float(smooth.std()))
        return max(self.least_limit, float(norm.isf(per_snapshot)) * own)


@dataclass(frozen=True)
class Alarm:
    """One event: `onset` first snapshot of the sustained excess, `raised` when it was certain, `cleared` or None."""

    onset: int
    raised: int
    cleared: int | None = None


def ewma(values: np.ndarray, weight: float, before: float | None = None) -> np.ndarray:
    """Exponentially weighted moving average, gone on with from `before` or started at the first value."""
    if not len(values):
        return values
    first = values[0] if before is None else before
    smooth, _ = lfilter([weight], [1, weight - 1], values, zi=[(1 - weight) * first])
    return smooth


def crossings(
    smooth: np.ndarray, limit: float, rule: AlarmRule, over: int = 0, under: int = 0, standing: bool = False
) -> tuple[list[int], int, int]:
    """Positions at which alarms are raised and cleared in turn, beginning with the other of `standing`; then how many
    of the last rows were past the limit and past that of the way back. `over`, `under`: the same of the rows before."""
    turns: list[int] = []
    for i, value in enumerate(smooth.tolist()):
        over = over + 1 if value > limit else 0
        under = under + 1 if value < limit * rule.margin else 0
        if (under if standing else over) == rule.sustained:
            turns.append(i)
            standing = not standing
    return turns, over, under


def alarms(score: np.ndarray, rule: AlarmRule, interval_s: float, start: int, fitted: int | None = None) -> list[Alarm]:
    """The events of a life, positions in `score`; none can be raised before `start`, the end of the healthy beginning.

    `score[fitted:start]` calibrates the limit: healthy snapshots that the index did not learn from (None: there are
    none, and a run-in must not stand in for them).
    """
    limit = rule.limit(interval_s, score[fitted:start] if fitted is not None and start - fitted >= 8 else None)
    smooth = ewma(np.clip(score, -rule.clip, rule.clip), rule.weight)
    turns, *_ = crossings(smooth[start:], limit, rule)
    places = [start + turn for turn in turns]
    ends = [*places[1::2], None]
    return [Alarm(raised - rule.sustained + 1, raised, ends[i]) for i, raised in enumerate(places[::2])]


@dataclass(frozen=True)
class Verdict:
    """A unit's life judged. Indices are positions among usable snapshots; times in seconds of the run.

    `onset` of the alarm that stood at the end; `lead_s` from when it was raised to the last running snapshot;
    `false_alarms` were raised before the degradation; `watched_s` the healthy time that they are counted over.
    """

    unit: str
    onset: int | None
    raised: int | None
    lead_s: float
    false_alarms: int
    watched_s: float
    crosstalk_of: str | None = None

    @property
    def false_alarms_per_week(self) -> float:
        """Per machine-week of watched healthy time."""
        return self.false_alarms / self.watched_s * WEEK_S if self.watched_s > 0 else 0.0

    @property
    def false_alarm_bound_per_week(self) -> float:
        """Upper 95 % bound of the rate where none was seen (rule of three), else the rate itself."""
        if self.false_alarms or self.watched_s <= 0:
            return self.false_alarms_per_week
        return -log(0.05) / self.watched_s * WEEK_S


def verdict(unit: str, events: list[Alarm], seconds: np.ndarray, start: int, known_onset: int | None = None) -> Verdict:
    """A life judged: an alarm that cleared again, or raised before `known_onset` (if published), was false.

    The machine is known to run to failure, so the standing alarm is the one that counts.
    """
    standing = events[-1] if events and events[-1].cleared is None else None
    false = [e for e in events if e is not standing and (known_onset is None or e.raised < known_onset)]
    if standing is not None and known_onset is not None and standing.raised < known_onset * 0.5:
        false.append(standing)
    end = standing.onset if standing is not None else len(seconds) - 1
    watched = float(seconds[max(end, start)] - seconds[start]) if len(seconds) > start else 0.0
    if standing is None:
        return Verdict(unit, None, None, 0.0, len(false), watched)
    lead = float(seconds[-1] - seconds[standing.raised])
    return Verdict(unit, standing.onset, standing.raised, lead, len(false), watched)
