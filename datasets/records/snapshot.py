"""What every vibration set is read into: a run of snapshot files, and the snapshot that a file holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np

from gauntlet.datasets.bearing import Bearing, Element
from gauntlet.datasets.spec import Dataset


@dataclass(frozen=True)
class Channel:
    """One sensor axis: its name in the table of features and the bearing ("unit") that it sits on."""

    name: str
    unit: str


@dataclass(frozen=True)
class TextLayout:
    """How a publisher writes a snapshot as text. `signal`: the columns that are samples, of `columns` in all."""

    columns: int
    signal: tuple[int, ...]
    rows: int
    header: bool = False


@dataclass(frozen=True)
class SnapshotFile:
    """One file of a run. `index` counts the run's files in true order; `seconds` since the run's first file."""

    path: Path
    index: int
    seconds: float
    time: datetime | None = None


@dataclass(frozen=True)
class Run:
    """One machine observed until failure, its files in true order, nothing read yet.

    `gaps`: (index, seconds) where the time since the file before exceeds 1.5 times the usual interval.
    `load_n`: radial load [N], where it is known.
    `interval_s`: median time between files. `off_level`: standard deviation [g] under which the machine stands still.
    """

    dataset: str
    name: str
    files: tuple[SnapshotFile, ...]
    channels: tuple[Channel, ...]
    rate: float
    shaft_hz: float
    bearing: Bearing
    layout: TextLayout | None
    interval_s: float
    off_level: float = 0.0
    gaps: tuple[tuple[int, float], ...] = ()
    load_n: float | None = None

    @property
    def units(self) -> tuple[str, ...]:
        """The bearings of the run, each once, in channel order."""
        return tuple(dict.fromkeys(channel.unit for channel in self.channels))


@dataclass(frozen=True, eq=False)
class Snapshot:
    """One file of raw signal. `samples`: float32, channels x n, in g."""

    run: str
    file: SnapshotFile
    channels: tuple[Channel, ...]
    rate: float
    shaft_hz: float
    samples: np.ndarray


@dataclass(frozen=True)
class Truth:
    """What is known of a unit's end. `files`: of the whole run, which ends in the failure.

    `onset`: published index of the first degraded snapshot, None if unpublished.
    """

    run: str
    unit: str
    elements: tuple[Element, ...]
    files: int
    onset: int | None = None


@dataclass(frozen=True)
class VibrationSet(Dataset):
    """A published vibration data set: sampling, geometry and the truth at the end of each run.

    `began`: name of a run's first file, where names tell the publisher's files from somebody's own.
    """

    rate: float = 0.0
    samples: int = 0
    bearing: Bearing | None = None
    truth: tuple[Truth, ...] = ()
    began: Mapping[str, str] = field(default_factory=dict)


def in_order(paths_and_seconds: list[tuple[Path, float, datetime | None]]) -> tuple[SnapshotFile, ...]:
    """Files by time, numbered from 0; of equal times the name decides, so the order never depends on the disk."""
    ordered = sorted(paths_and_seconds, key=lambda item: (item[1], item[0].name))
    start = ordered[0][1] if ordered else 0.0
    return tuple(SnapshotFile(path, i, seconds - start, time) for i, (path, seconds, time) in enumerate(ordered))


def spacing(files: tuple[SnapshotFile, ...], usual: float) -> tuple[float, tuple[tuple[int, float], ...]]:
    """(median interval in s, gaps as (index, seconds)); `usual` stands in when there are fewer than two files."""
    if len(files) < 2:
        return usual, ()
    steps = np.diff([file.seconds for file in files])
    median = float(np.median(steps))
    return median, tuple((int(i) + 1, float(steps[i])) for i in np.flatnonzero(steps > 1.5 * median))
