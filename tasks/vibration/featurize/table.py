"""Features of whole runs: threads over files, a cache per file by content hash, flat memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.io.signal_file import Quarantined, quarantined, snapshot
from gauntlet.datasets.io.signal_text import read_bytes
from gauntlet.datasets.records.snapshot import Run, SnapshotFile
from gauntlet.tasks.runtime.feature_cache import FeatureCache, content_key, in_order, stamp_of
from gauntlet.tasks.vibration.featurize.snapshot import FEATURES, VERSION, features


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


def feature_table(
    run: Run, cache_folder: Path | None = None, threads: int | None = None, files: Sequence[SnapshotFile] | None = None
) -> FeatureTable:
    """The features of a run (or of the chunk `files` of it); bad files are quarantined, the caller enforces the limit.

    A file whose size and modification time are those of the last run is taken to hold the same content; any other is
    read and hashed, and parsed only when that content is new.
    """
    chosen = list(run.files if files is None else files)
    first = chosen[0].index if chosen else 0
    path = Path(cache_folder) / f"{run.dataset}-{run.name}-{first:06d}.npz" if cache_folder is not None else None
    cache = FeatureCache.at(path) if path is not None else None
    kept: list[tuple[SnapshotFile, np.ndarray]] = []
    hashes: list[str] = []
    bad: list[Quarantined] = []
    size = known = 0
    setting = f"{VERSION}|{run.rate}|{run.shaft_hz}|{run.bearing}|{run.layout}|{run.off_level}"
    work = partial(_features_of, run, setting=setting, cache=cache)
    every = in_order(chosen, partial(_unchanged, setting=setting, cache=cache), work, threads or 0)
    for file, done in zip(chosen, every, strict=True):
        size += done.size
        known += done.known
        if isinstance(done.outcome, Quarantined):
            bad.append(done.outcome)
            continue
        kept.append((file, done.outcome))
        hashes.append(done.key)
        if cache is not None:
            cache.keep(done.key, done.outcome, done.stamp)
    if cache is not None:
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
        np.concatenate([table.index for table in tables]),
        np.concatenate([table.seconds for table in tables]),
        np.concatenate([table.values for table in tables]),
        tuple(bad for table in tables for bad in table.quarantine),
        sum(table.read_bytes for table in tables),
        sum(table.cached for table in tables),
        tuple(content for table in tables for content in table.hashes),
    )


@dataclass(frozen=True)
class _Done:
    outcome: np.ndarray | Quarantined
    size: int = 0
    key: str = ""
    stamp: str = ""
    known: bool = False


def _unchanged(file: SnapshotFile, setting: str, cache: FeatureCache | None) -> _Done | None:
    """What is known of a file whose name, size and time have not changed."""
    if cache is None or (found := cache.unchanged(stamp := stamp_of(file.path, setting))) is None:
        return None
    return _Done(found[1], file.path.stat().st_size, found[0], stamp, True)


def _features_of(run: Run, file: SnapshotFile, setting: str, cache: FeatureCache | None) -> _Done:
    try:
        stamp = stamp_of(file.path, setting) if cache is not None else ""
        content = read_bytes(file.path)
        key = content_key(content, setting, b"vibration") if cache is not None else ""
        if cache is not None and (row := cache.rows.get(key)) is not None:
            return _Done(row, len(content), key, stamp, True)
        raw = snapshot(run, file, content)
        row = features(raw.samples, run.rate, run.bearing, run.shaft_hz)
        return _Done(row, len(content), key, stamp)
    except BadInput as error:
        return _Done(quarantined(file.path, error))
