"""How fast reading and featurizing snapshots is: ratios against the plain way, same files, same work, same run."""

from __future__ import annotations

import importlib
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from statistics import median

import numpy as np
import psutil

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.io.signal_file import snapshot
from gauntlet.datasets.io.signal_text import read_bytes
from gauntlet.datasets.records.snapshot import Run, SnapshotFile
from gauntlet.tasks.vibration.featurize import plain as vibration_plain
from gauntlet.tasks.vibration.featurize import snapshot as vibration
from gauntlet.tasks.vibration.featurize.table import feature_table

PLAIN, ONE_CORE, SECOND_RUN, LIMIT = "pandas + scipy", "one core", "second run (cached)", "raw read (the limit)"


@dataclass(frozen=True)
class BenchRow:
    """One way of doing it, per snapshot. Medians over rounds; the ratios are medians of the ratios within a round.

    Attributes:
        ms: Wall time; `cpu_ms` that of the process on all cores, which other programs disturb less.
        ratio: Times faster than the plain way by wall time; `cpu_ratio` by processor time.
        megabytes_per_s: Text read, by wall time.
        share_of_limit: Time of reading the bytes and doing nothing with them, of this way's.
        resident_mb: Of the process after this way's last round; `growth_mb` since its first round, 0 when flat.
        features_only: Without reading, and not the same features: of the same kind, for orientation.
    """

    way: str
    ms: float
    cpu_ms: float
    ratio: float
    cpu_ratio: float
    megabytes_per_s: float
    share_of_limit: float
    resident_mb: float
    growth_mb: float
    features_only: bool = False


@dataclass
class _Way:
    work: Callable[[], object]
    files: int
    features_only: bool = False
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    resident: list[float] = field(default_factory=list)

    def once(self) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        self.work()
        self.wall.append((time.perf_counter() - wall) / self.files)
        self.cpu.append((time.process_time() - cpu) / self.files)
        self.resident.append(psutil.Process().memory_info().rss / 1e6)


def bench(run: Run, files: int = 24, rounds: int = 5, threads: int = 2) -> list[BenchRow]:
    """The table, plain way first, over `files` usable snapshots spread over the run (repeated if it has fewer).

    The ways take turns in every round, so that a busy moment hits all of them alike. tsfel and tsfresh take part where
    they can be imported, once, on one snapshot's features alone.

    Raises:
        BadInput: the run has no usable file.
    """
    chosen = _usable(run, files)
    with tempfile.TemporaryDirectory() as folder:
        ways = _ways(run, chosen, threads, Path(folder))
        for way in ways.values():
            way.work()  # compiles, and fills the page cache and the feature cache
        for _ in range(rounds):
            for way in ways.values():
                way.once()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        others = _optional(run, chosen[0])
        for way in others.values():
            way.once()
    size = sum(file.path.stat().st_size for file in chosen) / len(chosen)
    return [_row(name, way, ways[PLAIN], ways[LIMIT], size) for name, way in (ways | others).items()]


def _row(name: str, way: _Way, plain: _Way, limit: _Way, size: float) -> BenchRow:
    wall = median(way.wall)
    return BenchRow(
        way=name,
        ms=wall * 1e3,
        cpu_ms=median(way.cpu) * 1e3,
        ratio=_ratio(plain.wall, way.wall),
        cpu_ratio=_ratio(plain.cpu, way.cpu),
        megabytes_per_s=size / wall / 1e6,
        share_of_limit=_ratio(limit.wall, way.wall),
        resident_mb=way.resident[-1],
        growth_mb=way.resident[-1] - way.resident[0],
        features_only=way.features_only,
    )


def _ratio(ours: list[float], theirs: list[float]) -> float:
    """Median over the rounds that both took part in; the clock's resolution stands in for a time of zero."""
    return median(a / max(b, 1e-9) for a, b in zip(ours, theirs, strict=False))


def _ways(run: Run, chosen: list[SnapshotFile], threads: int, folder: Path) -> dict[str, _Way]:
    def one_core() -> None:
        for file in chosen:
            vibration.features(snapshot(run, file).samples, run.rate, run.bearing, run.shaft_hz)

    def raw_read() -> None:
        for file in chosen:
            read_bytes(file.path)  # not kept: fresh memory for every file costs more than the reading

    work: dict[str, Callable[[], object]] = {
        PLAIN: lambda: [vibration_plain.features(run, vibration_plain.read(run, file.path)) for file in chosen],
        ONE_CORE: one_core,
        f"{threads} threads": lambda: feature_table(run, threads=threads, files=chosen),
        SECOND_RUN: lambda: feature_table(run, folder, threads=threads, files=chosen),
        LIMIT: raw_read,
    }
    return {name: _Way(do, len(chosen)) for name, do in work.items()}


def _optional(run: Run, file: SnapshotFile) -> dict[str, _Way]:
    found: dict[str, _Way] = {}
    samples = vibration_plain.read(run, file.path)
    try:
        tsfel = importlib.import_module("tsfel")
        settings = tsfel.get_features_by_domain()
        found["tsfel, all domains"] = _Way(
            lambda: [tsfel.time_series_features_extractor(settings, x, fs=run.rate, verbose=0) for x in samples],
            1,
            True,
        )
    except ImportError:
        pass
    try:
        extract = importlib.import_module("tsfresh").extract_features
        parameters = importlib.import_module("tsfresh.feature_extraction").EfficientFCParameters()
        pandas = importlib.import_module("pandas")
        frame = pandas.DataFrame({"id": np.repeat(range(len(samples)), samples.shape[1]), "x": samples.ravel()})
        found["tsfresh, efficient set"] = _Way(
            lambda: extract(
                frame, column_id="id", default_fc_parameters=parameters, n_jobs=0, disable_progressbar=True
            ),
            1,
            True,
        )
    except ImportError:
        pass
    return found


def _usable(run: Run, files: int) -> list[SnapshotFile]:
    """`files` of the run's usable ones, spread over it."""
    usable: list[SnapshotFile] = []
    reason: BadInput | None = None
    for i in np.unique(np.linspace(0, len(run.files) - 1, min(files, len(run.files))).astype(int)):
        try:
            snapshot(run, run.files[i])
            usable.append(run.files[i])
        except BadInput as error:
            reason = error
    if not usable:
        raise reason or BadInput(Path(run.name), "the run has no files", expected="snapshots to measure with")
    return list(islice(cycle(usable), files))
