"""What the loop asks of a kind of gauntlet: a table of functions, so that nothing else in the loop knows the kind.

files ─> take ─> read ─> whole ─> score ─> follow      each row of the input files, once
windows                            what the drift check compares, with what is known of alarms and maintenance
gather ─> train ─> contest, entry  a challenger: what it learns from, its recipe, how it is judged, what it brings along
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gauntlet.blocks import DriftPolicy
from gauntlet.datasets.errors import GauntletError
from gauntlet.datasets.spec import Provenance
from gauntlet.tasks.drift.triage import AlarmSpan, Maintenance
from gauntlet.tasks.loop.champion import Champion
from gauntlet.tasks.promotion.compare import Comparison
from gauntlet.tasks.promotion.library import Replay
from gauntlet.tasks.registry.load import LoadedModel
from gauntlet.tasks.runtime.connection import Connection


class NotYet(GauntletError):
    """There is too little to learn from so far; the same request later may find enough."""


class StillWritten(GauntletError):
    """A file that is not whole yet: it waits for the next run."""


@dataclass(frozen=True)
class InputFile:
    """One file to be scored, known by its content: a copy under another name is the same input.

    `part`: the run, where `path` is a folder of raw snapshots. `stamp`: its size and when it was changed, as it was listed.
    `begins_s`: time of its first row [s since 1970], 0 where rows have none. `sha256`, `content`: of what was read, once
    it was taken; of a folder of snapshots there is no `content`. `fault`: why it cannot be read, then `sha256` is of its name.
    """

    path: Path
    source: Provenance
    part: str = ""
    stamp: tuple[object, ...] = ()
    begins_s: float = 0.0
    sha256: str = ""
    content: bytes = b""
    fault: str = ""

    @property
    def name(self) -> str:
        """For tables and logs."""
        return f"{self.path.name}/{self.part}" if self.part else self.path.name


@dataclass(frozen=True, eq=False)
class Batch:
    """The rows of a file as the model takes them; `labels` int64 (n,), None where the file has none.

    `keys`: what each row is, the same in whatever file it comes; `contents`: a digest of what it says; `lines`: where it
    stands in the file. `sources`, `seconds`: whose it is and its time [s since 1970], of rows in time.
    `group`: the machine or shaft whose rows stand together, "" where rows stand alone. `off`: keys of machine-off rows, left
    out. `waiting`: rows of moments that lack some, those that cannot be judged without marked so. `ahead`: rows dated later than the
    clock, left out; each by its line and date.
    """

    rows: pd.DataFrame
    labels: np.ndarray | None
    group: str = ""
    keys: tuple[str, ...] = ()
    contents: tuple[str, ...] = ()
    lines: tuple[int, ...] = ()
    sources: np.ndarray | None = None
    seconds: np.ndarray | None = None
    off: tuple[str, ...] = ()
    waiting: pd.DataFrame | None = None
    ahead: tuple[str, ...] = ()

    def only(self, which: np.ndarray) -> Batch:
        """The rows at these places (m,) alone; what is said of the file stays."""
        pick = [int(place) for place in which]
        return replace(
            self,
            rows=self.rows.iloc[pick].reset_index(drop=True),
            labels=None if self.labels is None else self.labels[pick],
            keys=tuple(self.keys[i] for i in pick),
            contents=tuple(self.contents[i] for i in pick),
            lines=tuple(self.lines[i] for i in pick),
            sources=None if self.sources is None else self.sources[pick],
            seconds=None if self.seconds is None else self.seconds[pick],
        )


@dataclass(frozen=True, eq=False)
class Scored:
    """What the model says: `features` it looked at, `score` higher is worse, `alarm` its decision on the row alone; n rows."""

    features: pd.DataFrame
    score: np.ndarray
    alarm: np.ndarray


Memory = Mapping[str, Any]  # where the alarms of a group stand after its rows: what goes on from there
Rule = Mapping[str, float]  # what a source's score is held against


@dataclass(frozen=True, eq=False)
class Follower:
    """How scores in time become alarms. `rules`: of the champion, by source; they are kept with the rows that it scored.

    `advance(memory, sources, seconds, score, rules)`: whether an alarm stood after each row (n,) bool, and the memory
    after them; rows in the order of time. `spans`: the alarms that a memory holds.
    """

    rules: Mapping[str, Rule]
    advance: Callable[
        [Memory, np.ndarray, np.ndarray, np.ndarray, Mapping[str, Rule]], tuple[np.ndarray, dict[str, Any]]
    ]
    spans: Callable[[Memory], tuple[AlarmSpan, ...]]


@dataclass(frozen=True)
class Manifest:
    """A portion: the rows that a file was the first to bring, with which version they were scored, and when (ISO 8601, UTC).

    `first_s`, `last_s`: time of its rows that alarms go by, without the `late` ones; `newest`: the last of each source, and
    `rules` what it was held against. `rows_sha256`, `predictions_sha256`: of the objects beside it, written before;
    `formerly` those that were in their place, while they are being replaced. `corrected`: what these rows changed in what was said of alarms.
    """

    gauntlet: str
    file: str
    sha256: str
    source: str
    rows: int
    alarms: int
    labelled: bool
    model: str
    version: int
    scored_at: str
    group: str = ""
    off: int = 0
    first_s: float | None = None
    last_s: float | None = None
    rows_sha256: str = ""
    ahead: int = 0
    late: int = 0
    newest: Mapping[str, float] = field(default_factory=dict)
    rules: Mapping[str, Rule] = field(default_factory=dict)
    predictions_sha256: str = ""
    formerly: Sequence[str] = ()
    corrected: Sequence[str] = ()

    @property
    def prefix(self) -> str:
        """Where its objects are in the bucket."""
        return f"scores/{self.gauntlet}/{self.sha256}"


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of a window whose rows have times, in seconds on one clock: see `gauntlet.tasks.drift.triage.Evidence`.

    `seconds`: of each row. `maintenance`: an event that no champion has learnt yet.
    """

    seconds: np.ndarray
    interval_s: float
    alarms: tuple[AlarmSpan, ...] = ()
    maintenance: Maintenance | None = None
    neighbours: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, eq=False)
class Window:
    """`reference` and `window`: features and, where known, `score`, `prediction` and `label`. `key`: rows and champion."""

    gauntlet: str
    champion: Champion
    manifests: tuple[Manifest, ...]
    reference: pd.DataFrame
    window: pd.DataFrame
    features: tuple[str, ...]
    key: str
    group: str = ""
    known: Known | None = None


@dataclass(frozen=True, eq=False)
class TrainingData:
    """What a retraining has: rows to fit on, and the frozen rows of before and of since, none of which anybody learnt.

    `files`: which scored files the new rows came from. `notes`: plain facts that go with the version.
    """

    training: pd.DataFrame
    evaluation: pd.DataFrame
    since: pd.DataFrame
    new_rows: int
    files: tuple[str, ...]
    source: str
    notes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Contest:
    """`frozen`: on what was set aside before; `since`: on frozen rows recorded since, None where there are too few.

    `replays`: every past failure, asked again. `metrics`: the challenger's.
    """

    frozen: Comparison
    since: Comparison | None
    replays: tuple[Replay, ...]
    metrics: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class VersionFiles:
    """What a challenger takes into the registry: `rows` as its model takes them, files, and how it was judged in words."""

    rows: pd.DataFrame
    files: Mapping[str, bytes]
    protocol: str


@dataclass(frozen=True)
class Adapter:
    """One kind's functions.

    `files` lists what is to be scored, by time where rows have one; `take` reads a file, once. `read` is told the latest
    moment [s since 1970] that a row may be dated: what is later comes from a wrong clock. `whole` lays rows that waited
    beside those of a file. `follow`: None where rows stand alone.
    """

    files: Callable[[Path], list[InputFile]]
    take: Callable[[InputFile], InputFile]
    read: Callable[[InputFile, Champion, float], Batch]
    whole: Callable[[Batch, pd.DataFrame | None, Champion], Batch]
    score: Callable[[Batch, Champion], Scored]
    follow: Callable[[Champion, Connection], Follower] | None
    windows: Callable[[Champion, DriftPolicy, Connection], Sequence[Window]]
    gather: Callable[[Champion, Mapping[str, Any], float, Connection], TrainingData]
    of_versions: Callable[[Champion, LoadedModel], TrainingData]
    train: Callable[[Champion, TrainingData], Any]
    contest: Callable[[Champion, Any, TrainingData, int], Contest]
    version_files: Callable[[Champion, Any, TrainingData], VersionFiles]
