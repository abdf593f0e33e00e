"""Features of whole runs: threads over files, a cache per file by content hash, flat memory."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.io.signal_file import Quarantined, quarantined, snapshot
from gauntlet.datasets.io.signal_text import read_bytes
from gauntlet.datasets.records.snapshot import Run, SnapshotFile
from gauntlet.tasks.vibration.featurize.snapshot import FEATURES, VERSION, features

_AHEAD = 4  # files in flight per thread: enough to keep it busy, few enough for flat memory


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """Features of a run's usable files in order. `values`: float64, files x channels x len(FEATURES).

    `index`, `seconds`: of those files in the run. `quarantine` lists the others. `read_bytes` counts all files;
    `cached` how many files were not parsed because their content was known. `hashes`: of each usable file's content
    and of how it was read, where there is a cache.
    """

    run: Run
    index: np.ndarray
    seconds: np.ndarray
    values: np.ndarray
    quarantine: tuple[Quarantined, ...] = ()
    read_bytes: int = 0
    cached: int = 0
    hashes: tuple[str, ...] = ()

    def column(self, name: str) -> np.ndarray:
        """One feature, files x channels."""
        return self.values[:, :, FEATURES.index(name)]

    def unit_channels(self, unit: str) -> list[int]:
        """Positions of a unit's channels on the second axis of `values`."""
        return [i for i, channel in enumerate(self.run.channels) if channel.unit == unit]

    def frame(self) -> pd.DataFrame:
        """The long table: run, unit, channel, index, seconds, then one column per feature."""
        files, channels, _ = self.values.shape
        frame = pd.DataFrame(self.values.reshape(files * channels, -1), columns=list(FEATURES))
        keys = {
            "run": self.run.name,
            "unit": [channel.unit for channel in self.run.channels] * files,
            "channel": [channel.name for channel in self.run.channels] * files,
            "index": np.repeat(self.index, channels),
            "seconds": np.repeat(self.seconds, channels),
        }
        for place, (name, values) in enumerate(keys.items()):
            frame.insert(place, name, values)
        return frame


@dataclass
class FeatureCache:
    """Rows by key in one file per run; a torn or foreign file is an empty cache, never an error."""

    path: Path
    rows: dict[str, np.ndarray] = field(default_factory=dict)
    stamps: dict[str, str] = field(default_factory=dict)

    @classmethod
    def open(cls, folder: Path, run: Run, first: int = 0) -> FeatureCache:
        """The cache of a run under `folder`, for the chunk of its files that begins with number `first`."""
        cache = cls(Path(folder) / f"{run.dataset}-{run.name}-{first:06d}.npz")
        try:
            with np.load(cache.path, allow_pickle=False) as stored:
                cache.rows = dict(zip(stored["keys"].tolist(), stored["rows"], strict=True))
                cache.stamps = dict(zip(stored["files"].tolist(), stored["hashes"].tolist(), strict=True))
        except (OSError, ValueError, KeyError, EOFError):
            cache.rows, cache.stamps = {}, {}
        return cache

    def save(self) -> None:
        """The cache on disk, whole or not at all."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self.path.parent, suffix=".part", delete=False) as part:
            rows = np.array(list(self.rows.values())) if self.rows else np.empty((0, 0, len(FEATURES)))
            np.savez(
                part,
                keys=np.array(list(self.rows), str),
                rows=rows,
                files=np.array(list(self.stamps), str),
                hashes=np.array(list(self.stamps.values()), str),
            )
        Path(part.name).replace(self.path)


def feature_table(
    run: Run, cache_folder: Path | None = None, threads: int | None = None, files: Sequence[SnapshotFile] | None = None
) -> FeatureTable:
    """The features of a run (or of the chunk `files` of it); bad files are quarantined, the caller enforces the limit.

    A file whose size and modification time are those of the last run is taken to hold the same content; any other is
    read and hashed, and parsed only when that content is new.
    """
    chosen = list(run.files if files is None else files)
    first = chosen[0].index if chosen else 0
    cache = FeatureCache.open(cache_folder, run, first) if cache_folder is not None else None
    kept: list[tuple[SnapshotFile, np.ndarray]] = []
    hashes: list[str] = []
    bad: list[Quarantined] = []
    size = known = fresh = 0
    for file, done in _threaded(run, chosen, cache, threads or os.cpu_count() or 1):
        size += done.size
        known += done.known
        if isinstance(done.outcome, Quarantined):
            bad.append(done.outcome)
            continue
        kept.append((file, done.outcome))
        hashes.append(done.key)
        if cache is not None and not done.known:
            cache.rows[done.key] = done.outcome
            fresh += 1
        if cache is not None and done.stamp and cache.stamps.get(done.stamp) != done.key:
            cache.stamps[done.stamp] = done.key
            fresh += 1
    if cache is not None and fresh:
        cache.save()
    values = np.array([row for _, row in kept]) if kept else np.empty((0, len(run.channels), len(FEATURES)))
    index = np.array([file.index for file, _ in kept], int)
    seconds = np.array([file.seconds for file, _ in kept], float)
    return FeatureTable(run, index, seconds, values, tuple(bad), size, known, tuple(hashes))


CHUNK = 500  # files: seconds of work, so that an orchestrator's milliseconds do not count


def chunks(run: Run, size: int = CHUNK) -> list[tuple[SnapshotFile, ...]]:
    """The files of a run in pieces; a piece keeps its place when files are added at the end."""
    return [run.files[start : start + size] for start in range(0, len(run.files), size)]


def joined(tables: Sequence[FeatureTable]) -> FeatureTable:
    """One table of the chunks of one run, in their order."""
    return FeatureTable(
        tables[0].run,
        np.concatenate([one.index for one in tables]),
        np.concatenate([one.seconds for one in tables]),
        np.concatenate([one.values for one in tables]),
        tuple(bad for one in tables for bad in one.quarantine),
        sum(one.read_bytes for one in tables),
        sum(one.cached for one in tables),
        tuple(content for one in tables for content in one.hashes),
    )


@dataclass(frozen=True)
class _Done:
    outcome: np.ndarray | Quarantined
    size: int = 0
    key: str = ""
    stamp: str = ""
    known: bool = False


def _threaded(
    run: Run, files: list[SnapshotFile], cache: FeatureCache | None, threads: int
) -> Iterator[tuple[SnapshotFile, _Done]]:
    """(file, what became of it) in order, with a bounded number in flight."""
    with ThreadPoolExecutor(threads) as pool:

        def start(file: SnapshotFile) -> tuple[SnapshotFile, _Done | Future[_Done]]:
            return file, _unchanged(file, cache) or pool.submit(_one, run, file, cache)

        waiting = iter(files)
        flying = deque(start(file) for file in islice(waiting, threads * _AHEAD))
        while flying:
            file, done = flying.popleft()
            yield file, done.result() if isinstance(done, Future) else done
            flying.extend(start(file) for file in islice(waiting, 1))


def _unchanged(file: SnapshotFile, cache: FeatureCache | None) -> _Done | None:
    """What is known of a file whose name, size and time have not changed; cheap enough to ask without a thread."""
    if cache is None or not cache.stamps:
        return None
    stamp = _stamp(file.path)
    key = cache.stamps.get(stamp, "")
    row = cache.rows.get(key)
    return None if row is None else _Done(row, int(stamp.split("|")[-2]), key, stamp, True)


def _one(run: Run, file: SnapshotFile, cache: FeatureCache | None) -> _Done:
    try:
        stamp = _stamp(file.path) if cache is not None else ""
        content = read_bytes(file.path)
        key = _key(run, content) if cache is not None else ""
        if cache is not None and (row := cache.rows.get(key)) is not None:
            return _Done(row, len(content), key, stamp, True)
        raw = snapshot(run, file, content)
        row = features(raw.samples, run.rate, run.bearing, run.shaft_hz)
        return _Done(row, len(content), key, stamp)
    except BadInput as error:
        return _Done(quarantined(file.path, error))


def _stamp(path: Path) -> str:
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{path}|{status.st_size}|{status.st_mtime_ns}"


def _key(run: Run, content: np.ndarray) -> str:
    """The content's hash with everything else that the features depend on."""
    setting = f"{VERSION}|{run.rate}|{run.shaft_hz}|{run.bearing}|{run.layout}|{run.off_level}"
    return hashlib.blake2b(content.data, digest_size=16, person=b"vibration", salt=_salt(setting)).hexdigest()


def _salt(setting: str) -> bytes:
    return hashlib.blake2b(setting.encode(), digest_size=16).digest()
