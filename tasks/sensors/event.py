"""How well alarms meet events: by event, with delay, beside the point-wise figures; and NAB's official score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Spans = Sequence[tuple[int, int]]  # first and last row of each, both included

# NAB's profiles: value of a hit, cost of a false alarm, cost of a missed window (config/profiles.json).
NAB_PROFILES = {"standard": (1.0, 0.11, 1.0), "low_FP": (1.0, 0.22, 1.0), "low_FN": (1.0, 0.11, 2.0)}


@dataclass(frozen=True)
class EventScore:
    """`precision`: share of alarms that touch an event; `recall`: share of events that an alarm touches.

    `delays` (found events,) in rows from an event's first row to its first alarm; `false_alarms` touch no event.
    `precision` is 0 without alarms, `recall` NaN without events.
    """

    events: int
    found: int
    alarms: int
    false_alarms: int
    delays: tuple[int, ...]

    @property
    def precision(self) -> float:
        """Share of alarms that touch an event."""
        return 1 - self.false_alarms / self.alarms if self.alarms else 0.0

    @property
    def recall(self) -> float:
        """Share of events that an alarm touches."""
        return self.found / self.events if self.events else float("nan")

    @property
    def f1(self) -> float:
        """Harmonic mean of both; 0 where either is."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def alarms_of(flags: np.ndarray, gap: int = 0) -> list[tuple[int, int]]:
    """The runs of flagged rows, (first, last); runs at most `gap` unflagged rows apart are one alarm."""
    at = np.flatnonzero(flags)
    if not len(at):
        return []
    parts = np.split(at, np.flatnonzero(np.diff(at) > gap + 1) + 1)
    return [(int(part[0]), int(part[-1])) for part in parts]


def by_event(flags: np.ndarray, events: Spans, gap: int = 0, tail: int = 0) -> EventScore:
    """Alarms, flags (n,) merged over `gap` rows, against the events.

    Args:
        tail: rows behind an event in which an alarm is neither hit nor false: a causal window still holds the event.
            Only a flag within the event itself finds it.
    """
    flags = np.asarray(flags, dtype=bool)
    delays = []
    for first, last in events:
        inside = np.flatnonzero(flags[first : last + 1])
        if len(inside):
            delays.append(int(inside[0]))
    alarms = alarms_of(flags, gap)
    false = sum(not any(a <= last + tail and b >= first for first, last in events) for a, b in alarms)
    return EventScore(len(events), len(delays), len(alarms), false, tuple(delays))


def nab_score(flags: np.ndarray, windows: Spans, probation: int, profile: str = "standard") -> float:
    """NAB's score in percent: 100 for every window met at its first row without a false alarm, 0 for no alarm at all.

    Each flagged row is a detection, as in NAB. In a window the first counts, worth sigma(y) by its place y in
    [-1, 0]; each one outside costs its price, less so right behind a window. Rows before `probation` do not count.
    Lavin and Ahmad 2015, section II; the repository's nab/scorer.py and sweeper.py (scaledSigmoid, y > 3 is -1).
    """
    hit, false, miss = NAB_PROFILES[profile]
    at = np.flatnonzero(flags)
    at = at[at >= probation]
    counted = [(first, last) for first, last in windows if last >= probation]
    raw, outside = 0.0, np.ones(len(at), dtype=bool)
    for first, last in counted:
        inside = (at >= first) & (at <= last)
        outside &= ~inside
        if not inside.any():
            raw -= miss
            continue
        # The last row of a window is at y = -1 / width there: the count of rows ends one behind it.
        place = -(last - at[inside][0] + 1) / (last - first + 1)
        raw += hit * _sigmoid(place) / _sigmoid(-1.0)
    for row in at[outside]:
        before = [(first, last) for first, last in counted if last < row]
        price = -1.0
        if before:
            first, last = before[-1]
            price = _sigmoid(abs(last - row) / max(1, last - first))
        raw += false * price
    null, perfect = -miss * len(counted), hit * len(counted)
    return float(100 * (raw - null) / (perfect - null)) if counted else float("nan")


def _sigmoid(place: float) -> float:
    """2 / (1 + exp(5 y)) - 1, and -1 beyond three window lengths."""
    return -1.0 if place > 3.0 else float(2 / (1 + np.exp(5 * place)) - 1)
