"""Features of a whole sound set: threads over clips, a cache by content hash, flat memory, bad clips set aside."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd

from gauntlet.datasets.errors import BadInput, TooManyBadFiles
from gauntlet.datasets.io import sound_tables
from gauntlet.datasets.io.sound_file import Channel, Expected, as_float, check, samples, usual_length
from gauntlet.datasets.records.clip import Cell, Clip, Layout, SoundSet
from gauntlet.datasets.spec import Provenance
from gauntlet.tasks.sound.featurize.clip import FEATURES, VERSION, features

IN_FLIGHT = 4  # clips per thread: enough to keep it busy, few enough for flat memory


@dataclass(frozen=True, eq=False)
class SoundTable:
    """The usable clips of a set with their features.

    `rows`: see `SoundSet.rows`, only usable clips, numbered from 0. `values`: float64, clips x len(features).
    `quarantine`: (file, reason) of the others. `cached`: clips that were not decoded since their content was known.
    """

    path: Path
    layout: Layout
    source: Provenance
    rows: pd.DataFrame
    values: np.ndarray
    features: tuple[str, ...]
    data_hash: str
    bytes: int
    channel: Channel = 0
    quarantine: tuple[tuple[str, str], ...] = ()
    cached: int = 0

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The cells that have usable clips, sorted."""
        return tuple(sorted({Cell.of(name) for name in self.rows["cell"].unique()}))

    @property
    def abnormal(self) -> np.ndarray:
        """The labels, bool, shape (clips,)."""
        return self.rows["abnormal"].to_numpy(dtype=bool)

    def frame(self) -> pd.DataFrame:
        """What the models take: the column `cell`, then one column per feature."""
        frame = pd.DataFrame(self.values, columns=list(self.features))
        frame.insert(0, "cell", self.rows["cell"].astype(str).to_numpy(dtype=object))
        return frame


def sound_table(
    sounds: SoundSet, cache_folder: Path | None = None, channel: Channel = 0, limit: float = 0.05, threads: int = 0
) -> SoundTable:
    """The features of a set: computed from its clips, or taken from its tables as they are.

    A clip whose size and modification time are those of the last run is taken to hold the same content; any other is
    read and hashed, and its features are computed only when that content is new.

    Raises:
        TooManyBadFiles: more than the share `limit` of the files cannot be used.
    """
    if sounds.layout == "tables":
        return _from_tables(sounds, limit)
    cache = FeatureCache.open(cache_folder, sounds.path) if cache_folder is not None else None
    expected = Expected(seconds=usual_length([clip.path for clip in sounds.clips]))
    setting = f"{VERSION}|{expected}|{channel}"
    kept, values, keys, bad, cached, fresh = [], [], [], [], 0, 0
    names = sounds.rows["file"].tolist()
    for place, clip in enumerate(_threaded(sounds.clips, setting, expected, channel, cache, threads)):
        name = names[place]
        if isinstance(clip.outcome, str):
            bad.append((name, clip.outcome))
            continue
        kept.append(place)
        values.append(clip.outcome)
        keys.append(f"{name}|{clip.key}")
        cached += clip.cached
        fresh += cache.keep(clip) if cache is not None else 0
    if cache is not None and fresh:
        cache.save()
    _enforce(sounds, bad, limit)
    rows = sounds.rows.iloc[kept].reset_index(drop=True)
    data_hash = hashlib.sha256("\n".join([setting, *keys]).encode()).hexdigest()
    return SoundTable(
        path=sounds.path,
        layout=sounds.layout,
        source=sounds.source,
        rows=rows,
        values=np.array(values).reshape(-1, len(FEATURES)),
        features=FEATURES,
        data_hash=data_hash,
        bytes=sounds.bytes,
        channel=channel,
        quarantine=tuple(bad),
        cached=cached,
    )


def _from_tables(sounds: SoundSet, limit: float) -> SoundTable:
    _enforce(sounds, list(sounds.quarantined), limit)
    keys = sounds.rows.drop(columns=list(sounds.features))
    values = sounds.rows[list(sounds.features)].to_numpy(np.float64)
    return SoundTable(
        path=sounds.path,
        layout=sounds.layout,
        source=sounds.source,
        rows=keys,
        values=values,
        features=sounds.features,
        data_hash=sound_tables.content_hash(sounds.path),
        bytes=sounds.bytes,
        quarantine=sounds.quarantined,
    )


def _enforce(sounds: SoundSet, bad: list[tuple[str, str]], limit: float) -> None:
    files = max(len(sounds.rows), len(sounds.clips)) + (len(bad) if sounds.layout == "tables" else 0)
    if files and len(bad) > limit * files:
        raise TooManyBadFiles(sounds.path, bad, files, limit)


@dataclass(frozen=True, eq=False)
class _ClipFeatures:
    """Features, or the reason why there are none."""

    outcome: np.ndarray | str
    key: str = ""
    stamp: str = ""
    cached: bool = False


@dataclass
class FeatureCache:
    """Rows by key in one file per folder of clips; a torn or foreign file is an empty cache, never an error."""

    path: Path
    rows: dict[str, np.ndarray] = field(default_factory=dict)
    stamps: dict[str, str] = field(default_factory=dict)

    @classmethod
    def open(cls, folder: Path, clips: Path) -> FeatureCache:
        """The cache below `folder` for the clips in `clips`."""
        cache = cls(Path(folder) / f"sound-{hashlib.sha256(str(clips).encode()).hexdigest()[:16]}.npz")
        try:
            with np.load(cache.path, allow_pickle=False) as stored:
                cache.rows = dict(zip(stored["keys"].tolist(), stored["rows"], strict=True))
                cache.stamps = dict(zip(stored["files"].tolist(), stored["hashes"].tolist(), strict=True))
        except (OSError, ValueError, KeyError, EOFError):
            cache.rows, cache.stamps = {}, {}
        return cache

    def keep(self, clip: _ClipFeatures) -> bool:
        """Whether this clip brought anything new."""
        if not clip.stamp or self.stamps.get(clip.stamp) == clip.key:
            return False
        assert not isinstance(clip.outcome, str)
        self.rows[clip.key], self.stamps[clip.stamp] = clip.outcome, clip.key
        return True

    def save(self) -> None:
        """The cache on disk, whole or not at all."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self.path.parent, suffix=".part", delete=False) as part:
            rows = np.array(list(self.rows.values())) if self.rows else np.empty((0, len(FEATURES)))
            keys, files, hashes = (
                np.array(list(names), str) for names in (self.rows, self.stamps, self.stamps.values())
            )
            np.savez(part, keys=keys, rows=rows, files=files, hashes=hashes)
        Path(part.name).replace(self.path)


def _threaded(
    clips: tuple[Clip, ...],
    setting: str,
    expected: Expected,
    channel: Channel,
    cache: FeatureCache | None,
    threads: int,
) -> Iterator[_ClipFeatures]:
    """What became of each clip, in order, with a bounded number in flight."""
    threads = threads or os.cpu_count() or 1
    with ThreadPoolExecutor(threads) as pool:

        def start(clip: Clip) -> _ClipFeatures | Future[_ClipFeatures]:
            stamp = _stamp(clip.path, setting) if cache is not None else ""
            return _unchanged(stamp, cache) or pool.submit(
                _features_of, clip.path, stamp, setting, expected, channel, cache
            )

        waiting = iter(clips)
        flying = deque(start(clip) for clip in islice(waiting, threads * IN_FLIGHT))
        while flying:
            clip = flying.popleft()
            yield clip.result() if isinstance(clip, Future) else clip
            flying.extend(start(clip) for clip in islice(waiting, 1))


def _unchanged(stamp: str, cache: FeatureCache | None) -> _ClipFeatures | None:
    if cache is None or (row := cache.rows.get(key := cache.stamps.get(stamp, ""))) is None:
        return None
    return _ClipFeatures(row, key, stamp, True)


def _features_of(
    path: Path, stamp: str, setting: str, expected: Expected, channel: Channel, cache: FeatureCache | None
) -> _ClipFeatures:
    try:
        counts, rate = samples(path, channel)
        key = hashlib.blake2b(counts.data, digest_size=16, salt=_salt(f"{setting}|{rate}")).hexdigest()
        if cache is not None and (row := cache.rows.get(key)) is not None:
            return _ClipFeatures(row, key, stamp, True)
        check(counts, rate, expected, path)
        return _ClipFeatures(features(as_float(counts)), key, stamp)
    except BadInput as error:
        return _ClipFeatures(str(error).removeprefix(f"{path}: ").removeprefix(f"{path}, "))


def _stamp(path: Path, setting: str) -> str:
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{path}|{status.st_size}|{status.st_mtime_ns}|{setting}"


def _salt(setting: str) -> bytes:
    return hashlib.blake2b(setting.encode(), digest_size=16).digest()
