"""The library of past failures, replayed: what the champion announced, the challenger must announce as early.

A failure is a life with its end, or a span of rows. A machine that was repaired after an alarm never showed its
failure: `intervened` is censored, and counts neither as announced nor as missed nor as a false alarm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from gauntlet.datasets.errors import BadInput
from gauntlet.tasks.metrics.lives import Outcome

Ending = Literal["failed", "intervened"]


@dataclass(frozen=True)
class Failure:
    """A past failure: rows `start` to `stop` (exclusive) of a table, at whose end the machine failed or was repaired."""

    name: str
    start: int
    stop: int
    ended: Ending = "failed"


@dataclass(frozen=True)
class Announcement:
    """What a model said of one failure. `detected`: share of its rows flagged, or 0 and 1; `lead_h`: first alarm to
    failure in hours, None without an alarm or without time."""

    failure: str
    detected: float
    lead_h: float | None = None
    ended: Ending = "failed"


@dataclass(frozen=True)
class Replay:
    """One failure under both models. `worse`: why the challenger is, empty when it is not; `counted`: False when censored."""

    failure: str
    counted: bool
    champion: Announcement
    challenger: Announcement
    worse: str = ""


def from_rows(failures: Sequence[Failure], flagged: np.ndarray, hours: np.ndarray | None = None) -> list[Announcement]:
    """What decisions (rows,) say of each failure.

    With `hours` (rows,), the time of each row, ascending within a failure: announced when any row of the span is
    flagged, `lead_h` from the first such row to the span's last. Without: the share of the span's rows that is flagged.

    Raises:
        BadInput: a failure has no rows in the table.
    """
    return [_announced(failure, np.asarray(flagged, bool), hours) for failure in failures]


def _announced(failure: Failure, flagged: np.ndarray, hours: np.ndarray | None) -> Announcement:
    if not 0 <= failure.start < failure.stop <= len(flagged):
        raise BadInput(None, f"failure {failure.name}: rows {failure.start} to {failure.stop} of {len(flagged)}")
    said = flagged[failure.start : failure.stop]
    if hours is None:
        return Announcement(failure.name, float(said.mean()), None, failure.ended)
    if not said.any():
        return Announcement(failure.name, 0.0, None, failure.ended)
    first = failure.start + int(np.argmax(said))
    return Announcement(failure.name, 1.0, float(hours[failure.stop - 1] - hours[first]), failure.ended)


def from_lives(outcomes: Sequence[Outcome], intervened: Sequence[str] = ()) -> list[Announcement]:
    """What was said of each life that ended in a failure or in an intervention; healthy lives are no failures."""
    return [
        Announcement(
            outcome.machine,
            float(outcome.hit),
            outcome.lead_h,
            "intervened" if outcome.machine in intervened else "failed",
        )
        for outcome in outcomes
        if outcome.fails or outcome.machine in intervened
    ]


def replay(
    champion: Sequence[Announcement],
    challenger: Sequence[Announcement],
    *,
    later_h: float = 0.0,
    fewer: float = 0.0,
) -> list[Replay]:
    """Every failure of the library under both models, in the library's order.

    Worse is: an announced failure that is missed; a lead time shorter by more than `later_h` hours; a share of rows
    smaller by more than `fewer`. A failure that the champion missed cannot get worse.

    Raises:
        BadInput: the challenger was not asked about the same failures, which would hide one.
    """
    answers = {outcome.failure: outcome for outcome in challenger}
    if len(answers) != len(challenger) or sorted(answers) != sorted(outcome.failure for outcome in champion):
        odd = sorted(set(answers) ^ {outcome.failure for outcome in champion})
        raise BadInput(
            None, f"the library was replayed with other failures: {', '.join(odd) or 'one twice'}", expected="the same"
        )
    return [_replayed(outcome, answers[outcome.failure], later_h, fewer) for outcome in champion]


def _replayed(old: Announcement, new: Announcement, later_h: float, fewer: float) -> Replay:
    if "intervened" in (old.ended, new.ended):
        return Replay(old.failure, False, old, new)
    return Replay(old.failure, True, old, new, _worse(old, new, later_h, fewer))


_ROUNDING = 1e-9


def _worse(old: Announcement, new: Announcement, later_h: float, fewer: float) -> str:
    if old.detected > 0 and new.detected == 0:
        return "announced by the champion, missed by the challenger"
    if old.lead_h is not None and new.lead_h is not None and old.lead_h - new.lead_h > later_h + _ROUNDING:
        return f"announced {new.lead_h:.4g} h ahead, {old.lead_h:.4g} h by the champion"
    if old.lead_h is not None and new.lead_h is None:
        return "announced with a lead time by the champion, without one by the challenger"
    if old.detected - new.detected > fewer + _ROUNDING:
        return f"{new.detected:.1%} of its rows are flagged, {old.detected:.1%} by the champion"
    return ""


def worse(replays: Sequence[Replay]) -> Mapping[str, str]:
    """The failures that the challenger announces worse, each with how."""
    return {replay.failure: replay.worse for replay in replays if replay.worse}
