"""What the loop asks of a kind of gauntlet: a table of functions, so that nothing else in the loop knows the kind.

files ─> read ─> score             each input file, once
windows                            what the drift check compares, with what is known of alarms and maintenance
gather ─> train ─> contest, entry  a challenger: what it learns from, its recipe, how it is judged, what it brings along
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
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


@dataclass(frozen=True)
class InputFile:
    """One file to be scored, known by its content: a copy under another name is the same input.

    `part`: the run, where `path` is a folder of raw snapshots. `fault`: why its content is not known, then `sha256` is of
    its name.
    """

    path: Path
    sha256: str
    source: Provenance
    part: str = ""
    fault: str = ""

    @property
    def name(self) -> str:
        """For tables and logs."""
        return f"{self.path.name}/{self.part}" if self.part else self.path.name


@dataclass(frozen=True, eq=False)
class Batch:
    """The rows of a file as the model takes them; `labels` int64 (n,), None where the file has none.

    `group`: the machine or shaft whose rows stand together, "" where rows stand alone. `off`: machine-off rows, left out.
    `ahead`: rows dated later than the clock, left out; each by its line and date.
    """

    rows: pd.DataFrame
    labels: np.ndarray | None
    group: str = ""
    off: int = 0
    ahead: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Scored:
    """What the model says: `features` it looked at, `score` higher is worse, `alarm` its decision; n rows each.

    `span`: seconds of the first and the last row; `memory`: what scoring of the next file goes on from; of rows in time.
    """

    features: pd.DataFrame
    score: np.ndarray
    alarm: np.ndarray
    span: tuple[float, float] | None = None
    memory: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Manifest:
    """What was scored, with which version, and when (ISO 8601, UTC). `first_s`, `last_s`: time of its rows.

    `rows_sha256`: of `rows.parquet`, which is written before.
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
    """One kind's functions. `in_order`: files are scored one after another, as each goes on from the one before.

    `read` is told the latest moment [s since 1970] that a row may be dated: what is later comes from a wrong clock.
    """

    in_order: bool
    files: Callable[[Path], list[InputFile]]
    read: Callable[[InputFile, Champion, float], Batch]
    score: Callable[[Batch, Champion, Connection], Scored]
    windows: Callable[[Champion, DriftPolicy, Connection], Sequence[Window]]
    gather: Callable[[Champion, Mapping[str, Any], float, Connection], TrainingData]
    of_versions: Callable[[Champion, LoadedModel], TrainingData]
    train: Callable[[Champion, TrainingData], Any]
    contest: Callable[[Champion, Any, TrainingData, int], Contest]
    version_files: Callable[[Champion, Any, TrainingData], VersionFiles]
