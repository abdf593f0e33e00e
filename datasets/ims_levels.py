"""Complete per-file level tables of the IMS tests, which stand in for a life where only some raw snapshots are at hand.

A table has a row per snapshot of the whole test: time, then the mean absolute value [g] of every channel. They are a
widespread derivative of the raw files (`MergedData/DatasetBearingTest_2.csv`); anybody with the raw files can make them.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.ims import OFF_LEVEL, TIME, channels_of

_FILE = re.compile(r"DatasetBearingTest_([123])\.csv")
_WINDOW = re.compile(r"DatasetBearingTest_([123])[ _.-].*\.csv")
_RUN = {"1": "1st_test", "2": "2nd_test", "3": "3rd_test"}


@dataclass(frozen=True, eq=False)
class LevelTable:
    """The running snapshots of a whole test. `index`: place among all rows; `levels`: g, rows x channels.

    `rows` counts all rows; those where every channel is below `ims.OFF_LEVEL` are machine-off and left out. `ahead`: place
    and time of rows that are dated later than the reader asked for, left out and not counted. `off`: times of the machine-off rows.
    """

    run: str
    path: Path
    channels: tuple[str, ...]
    units: tuple[str, ...]
    index: np.ndarray
    times: tuple[datetime, ...]
    levels: np.ndarray
    rows: int
    ahead: tuple[tuple[int, datetime], ...] = ()
    off: tuple[datetime, ...] = ()

    @property
    def seconds(self) -> np.ndarray:
        """Since the first row."""
        return np.array([(time - self.times[0]).total_seconds() for time in self.times])

    @property
    def first(self) -> str:
        """The name of the first row's raw file."""
        return self.times[0].strftime(TIME)

    def unit_channels(self, unit: str) -> list[int]:
        """Positions of a unit's channels on the second axis of `levels`."""
        return [i for i, name in enumerate(self.units) if name == unit]


def level_tables(folder: Path) -> tuple[LevelTable, ...]:
    """The tables anywhere in a folder of the publisher's layout, in the order of the tests; none is no error.

    Raises:
        BadInput: a file of that name does not hold such a table.
    """
    named = [(path, _FILE.fullmatch(path.name)) for path in sorted(Path(folder).rglob("DatasetBearingTest_*.csv"))]
    found = {match[1]: path for path, match in named if match}
    return tuple(_read(path, _RUN[number]) for number, path in sorted(found.items()))


def level_window(path: Path, latest_s: float = np.inf, content: bytes | None = None) -> LevelTable | None:
    """Some rows of such a table in a file of their own, `DatasetBearingTest_2 2004-02-12.csv`; None for other names.

    `index` counts from the file's first row. Rows dated later than `latest_s` [s since 1970] come from a wrong clock.
    `content`: the file's bytes, where they were read before.

    Raises:
        BadInput: the file does not hold such a table.
    """
    match = _FILE.fullmatch(path.name) or _WINDOW.fullmatch(path.name)
    return _read(path, _RUN[match[1]], latest_s, content) if match else None


def _read(path: Path, run: str, latest_s: float = np.inf, content: bytes | None = None) -> LevelTable:
    channels = channels_of(run)
    expected = f"a time and {len(channels)} levels a row"
    try:
        table = pd.read_csv(path if content is None else io.BytesIO(content), index_col=0)
        times = pd.to_datetime(table.index, utc=True)
        levels = table.to_numpy(dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise BadInput(path, "not a table of levels", saw=str(error).split("\n")[0], expected=expected) from None
    if levels.shape[1] != len(channels) or not np.isfinite(levels).all() or len(levels) == 0:
        saw = f"{levels.shape[1]} columns" if levels.shape[1] != len(channels) else "an empty or missing value"
        raise BadInput(path, "not a table of levels", saw=saw, expected=expected)
    past = np.array([time.timestamp() <= latest_s for time in times])
    if not times[past].is_monotonic_increasing:
        raise BadInput(path, "the times are not in order", expected="one row per snapshot, oldest first")
    running = (levels.max(axis=1) > OFF_LEVEL) & past
    return LevelTable(
        run,
        path,
        tuple(channel.name for channel in channels),
        tuple(channel.unit for channel in channels),
        np.flatnonzero(running),
        tuple(time.to_pydatetime() for time in times[running]),
        levels[running],
        int(past.sum()),
        tuple((int(row), times[int(row)].to_pydatetime()) for row in np.flatnonzero(~past)),
        tuple(time.to_pydatetime() for time in times[past & ~running]),
    )
