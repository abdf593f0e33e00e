"""What a late row changes in what was said of alarms before, in words: it is corrected, not unsaid."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from gauntlet.tasks.drift.triage import AlarmSpan


def corrections(before: Sequence[AlarmSpan], now: Sequence[AlarmSpan], until_s: float) -> tuple[str, ...]:
    """A line for every alarm that was known and is another one now, or none. `until_s`: how far the rows went before."""
    left = {(one.machine, one.raised_s): one for one in now}
    told = []
    for one in before:
        same = left.get((one.machine, one.raised_s))
        name = f"{one.machine}: the alarm raised at {_at(one.raised_s)}".lstrip(": ")
        if same is None:
            others = [
                other
                for other in now
                if other.machine == one.machine and (other.machine, other.raised_s) not in _keys(before)
            ]
            nearest = min(others, key=lambda other: abs(other.raised_s - one.raised_s), default=None)
            told.append(f"{name} was raised at {_at(nearest.raised_s)}" if nearest else f"{name} is none")
        elif one.cleared_s is None and same.cleared_s is not None and same.cleared_s <= until_s:
            told.append(f"{name} was over at {_at(same.cleared_s)}")
        elif one.cleared_s is not None and same.cleared_s != one.cleared_s:
            over = "still stands" if same.cleared_s is None else f"was over at {_at(same.cleared_s)}"
            told.append(f"{name} {over}, not at {_at(one.cleared_s)}")
    return tuple(told)


def _keys(spans: Sequence[AlarmSpan]) -> set[tuple[str, float]]:
    return {(one.machine, one.raised_s) for one in spans}


def _at(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
