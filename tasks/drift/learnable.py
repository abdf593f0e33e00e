"""What a retraining may learn from: never from a fault, whether it was seen at once or is known only now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gauntlet.tasks.drift.triage import QUIET_S, AlarmSpan, Maintenance

BEFORE_S = 24 * 3600.0


@dataclass(frozen=True)
class FailureSpan:
    """From the onset of a fault that is known to have ended in a failure (or a repair), to its end; seconds."""

    onset_s: float
    end_s: float


@dataclass(frozen=True, eq=False)
class Learnable:
    """`rows`: (rows,) bool, may be learnt from. The counts say why others may not, each row under its first reason."""

    rows: np.ndarray
    alarmed: int
    failing: int
    after_alarm: int
    before_alarm: int
    before_maintenance: int
    off: int

    @property
    def sentence(self) -> str:
        """For the evidence."""
        reasons = {
            "alarmed": self.alarmed,
            "on the way to a failure": self.failing,
            "within a week after an alarm": self.after_alarm,
            "just before an alarm": self.before_alarm,
            "before the maintenance": self.before_maintenance,
            "machine off": self.off,
        }
        left_out = ", ".join(f"{count} {reason}" for reason, count in reasons.items() if count)
        return f"{int(self.rows.sum())} of {len(self.rows)} rows may be learnt from" + (
            f" ({left_out})." if left_out else "."
        )


def learnable_rows(
    seconds: np.ndarray,
    alarms: Sequence[AlarmSpan] = (),
    failures: Sequence[FailureSpan] = (),
    *,
    healthy: np.ndarray | None = None,
    off: np.ndarray | None = None,
    maintenance: Maintenance | None = None,
    quiet_s: float = QUIET_S,
    before_s: float = BEFORE_S,
) -> Learnable:
    """Which rows a retraining may learn from.

    Left out: alarmed rows, those of a day before (a fault grows before it is heard) and of a week after; rows from the
    onset of a known failure to its end; rows before a maintenance event, which belong to another state of the machine,
    while the quiet after an alarm ends with the event that mended it; machine-off rows. The healthy reference is kept.

    Args:
        seconds: time of each row, (rows,).
        healthy: rows of the champion's reference, (rows,) bool. `off`: machine-off rows.
    """
    seconds = np.asarray(seconds, np.float64)
    masks = {name: np.zeros(len(seconds), bool) for name in ("alarmed", "failing", "after_alarm", "before_alarm")}
    for span in alarms:
        end = np.inf if span.cleared_s is None else span.cleared_s
        quiet = end + quiet_s
        if maintenance is not None and span.raised_s <= maintenance.at_s:
            end, quiet = min(end, maintenance.at_s), min(quiet, maintenance.at_s)
        masks["alarmed"] |= (seconds >= span.onset_s) & (seconds < end)
        masks["after_alarm"] |= (seconds >= end) & (seconds < quiet)
        masks["before_alarm"] |= (seconds >= span.onset_s - before_s) & (seconds < span.onset_s)
    for failure in failures:
        masks["failing"] |= (seconds >= failure.onset_s) & (seconds <= failure.end_s)
    masks["before_maintenance"] = (
        seconds < maintenance.at_s if maintenance is not None else np.zeros(len(seconds), bool)
    )
    masks["off"] = np.zeros(len(seconds), bool) if off is None else np.asarray(off, bool)
    kept = np.zeros(len(seconds), bool) if healthy is None else np.asarray(healthy, bool)
    rows, counts = np.ones(len(seconds), bool), {}
    for name, mask in masks.items():
        counts[name] = int((rows & mask & ~kept).sum())
        rows &= ~mask | kept
    return Learnable(rows, **counts)
