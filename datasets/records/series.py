"""A series on a regular grid, and how a table of readings becomes one: in the open, by values of the past only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.spec import Provenance

DAY = pd.Timedelta(days=1)
REGULAR_SHARE = 0.8  # of the steps lie within 1 % of their median: a grid with gaps, not irregular readings
LONGEST_GAP = 0.1  # of the series' span
MOST_FILLED = 0.3  # of the grid's points
_ROUND_STEPS = [
    pd.Timedelta(text)
    for text in (
        "1s",
        "2s",
        "5s",
        "10s",
        "15s",
        "30s",
        "1min",
        "2min",
        "5min",
        "10min",
        "15min",
        "30min",
        "1h",
        "2h",
        "3h",
        "4h",
        "6h",
        "8h",
        "12h",
        "1D",
        "7D",
    )
]


@dataclass(frozen=True, eq=False)
class Series:
    """One series. `values` (n,) float64, finite, every `step` from `start`; `measured` (n,) bool is False where the
    grid had no reading and the last one before it stands in. `note` says what was done to get there.
    """

    name: str
    start: pd.Timestamp
    step: pd.Timedelta
    values: np.ndarray
    measured: np.ndarray
    note: str = ""

    def __len__(self) -> int:
        return len(self.values)

    @property
    def times(self) -> pd.DatetimeIndex:
        """The times of the values, (n,)."""
        return pd.DatetimeIndex(self.start + np.arange(len(self.values)) * self.step)

    @property
    def season(self) -> int:
        """Steps in a season: a day for what is read several times a day, a week for daily values, else 1."""
        if self.step == DAY:
            return 7
        per_day = DAY / self.step
        return round(per_day) if per_day >= 2 and abs(per_day - round(per_day)) < 1e-9 else 1


@dataclass(frozen=True, eq=False)
class SeriesSet:
    """All series of one folder or file. `quarantined`: (name, reason) of those that cannot be used.

    `published`: the borders (training end, validation end, test end) of a published protocol by series name.
    """

    series: tuple[Series, ...]
    path: Path
    sha256: str
    bytes: int
    rows: int
    files: int
    source: Provenance
    quarantined: tuple[tuple[str, str], ...] = ()
    published: dict[str, tuple[int, int, int]] | None = None


def on_a_grid(
    path: Path, name: str, times: pd.DatetimeIndex, values: np.ndarray, lines: np.ndarray, step: pd.Timedelta | None
) -> Series:
    """The readings on a regular grid.

    Args:
        times: (n,) in any order, without a time zone.
        values: (n,) float64, NaN where a reading is missing.
        lines: (n,) the line in the file of each reading.
        step: the grid's step; None takes the usual step between the readings.

    Readings about a step apart go to the nearest point of the grid. Irregular ones are averaged over the step that ends
    at a point, so that no point knows a later reading. A point without a reading repeats the last one.

    Raises:
        BadInput: all missing, constant, a time twice, or a gap too long to bridge; names the line.
    """
    there = np.isfinite(values)
    if not there.any():
        raise BadInput(path, f"every value of series {name} is missing", row=int(lines[0]), do="give it readings")
    order = np.argsort(times.to_numpy(), kind="stable")
    ordered = bool((order == np.arange(len(order))).all())
    times, values, lines, there = times[order], values[order], lines[order], there[order]
    twice = np.flatnonzero(np.diff(times.asi8) == 0)
    if len(twice):
        at = int(twice[0])
        raise BadInput(
            path,
            f"series {name} has the time {times[at]} twice",
            row=int(lines[at + 1]),
            saw=f"lines {lines[at]} and {lines[at + 1]}",
            expected="one value a time",
            do="keep one of them",
        )
    if np.ptp(values[there]) == 0:
        raise BadInput(
            path,
            f"series {name} is constant",
            row=int(lines[0]),
            saw=f"{values[there][0]:g} throughout",
            expected="values that change",
            do="leave the series out: its forecast is that value",
        )
    if len(times) < 3:
        raise BadInput(path, f"series {name} is too short", saw=f"{len(times)} readings", expected="at least 3")
    usual = _usual_step(times) if step is None else step
    _no_long_gap(path, name, times, there, lines, usual)
    return _gridded(path, name, times[there], values[there], usual, ordered, len(there) - int(there.sum()))


def _usual_step(times: pd.DatetimeIndex) -> pd.Timedelta:
    steps = np.diff(times.as_unit("ns").asi8)
    median = float(np.median(steps))
    if (np.abs(steps - median) <= 0.01 * median).mean() >= REGULAR_SHARE:
        return pd.Timedelta(int(median), "ns")
    return min(_ROUND_STEPS, key=lambda step: abs(np.log(step.total_seconds() * 1e9 / median)))


def _no_long_gap(
    path: Path, name: str, times: pd.DatetimeIndex, there: np.ndarray, lines: np.ndarray, step: pd.Timedelta
) -> None:
    """A stretch without readings, between two or after the last one, that is too long to bridge."""
    span = times[-1] - times[0]
    known, at = times[there], lines[there]
    gaps = np.append(np.diff(known.as_unit("ns").asi8), (times[-1] - known[-1]).as_unit("ns").value)
    worst = int(np.argmax(gaps))
    gap = pd.Timedelta(int(gaps[worst]), "ns")
    if gap <= max(LONGEST_GAP * span, 3 * step):
        return
    last = worst == len(gaps) - 1
    after = "its end: nothing is known of the time before a forecast" if last else str(known[worst + 1])
    raise BadInput(
        path,
        f"series {name} has a gap of {gap} from {known[worst]} to {after}",
        row=int(at[worst]),
        expected=f"gaps up to {LONGEST_GAP:.0%} of the span",
        do="cut the series at its last reading" if last else "check the times, or cut the series at the gap",
    )


def _gridded(
    path: Path, name: str, times: pd.DatetimeIndex, values: np.ndarray, step: pd.Timedelta, ordered: bool, missing: int
) -> Series:
    since = (times - times[0]) / step
    nearest = np.abs(since - np.rint(since)).max() <= 0.25 if len(times) else True
    place = np.rint(since).astype(np.int64) if nearest else np.ceil(np.asarray(since) - 1e-9).astype(np.int64)
    count = np.bincount(place)
    total = np.bincount(place, values)
    measured = count > 0
    if (~measured).mean() > MOST_FILLED:
        raise BadInput(
            path,
            f"series {name} has no reading at {(~measured).mean():.0%} of its points every {_told(step)}",
            expected=f"at most {MOST_FILLED:.0%}",
            do="give a longer step with the parameter frequency",
        )
    last = np.maximum.accumulate(np.where(measured, np.arange(len(count)), 0))
    filled = (total / np.maximum(count, 1))[last]
    parts = [f"{len(count):,} points every {_told(step)}"]
    parts += ["readings were sorted by time"] if not ordered else []
    parts += [f"{missing:,} missing values"] if missing else []
    parts += ["irregular readings were averaged over the step before each point"] if not nearest else []
    parts += [f"{int((~measured).sum()):,} points without a reading repeat the last one"] if not measured.all() else []
    parts += [f"{int((count > 1).sum()):,} points have several readings, averaged"] if (count > 1).any() else []
    return Series(name, times[0], step, filled, measured, "; ".join(parts))


def _told(step: pd.Timedelta) -> str:
    """A step in words: 1 h, 15 min."""
    seconds = step.total_seconds()
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"
