"""Features of a whole sound set: threads over clips, a cache by content hash, flat memory, bad clips set aside."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from gauntlet.datasets.errors import BadInput, TooManyBadFiles
from gauntlet.datasets.io import sound_tables
from gauntlet.datasets.io.sound_file import Channel, Expected, as_float, check, samples, usual_length
from gauntlet.datasets.records.clip import Cell, Clip, Layout, SoundSet
from gauntlet.datasets.spec import Provenance
from gauntlet.tasks.runtime.feature_cache import FeatureCache, content_key, in_order, stamp_of
from gauntlet.tasks.sound.featurize.clip import FEATURES, VERSION, features


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
    cache = _cache(cache_folder, sounds.path) if cache_folder is not None else None
    expected = Expected(seconds=usual_length([clip.path for clip in sounds.clips]))
    setting = f"{VERSION}|{expected}|{channel}"
    kept, values, keys, bad, cached = [], [], [], [], 0
    work = partial(_features_of, setting=setting, expected=expected, channel=channel, cache=cache)
    done = in_order(sounds.clips, partial(_unchanged, setting=setting, cache=cache), work, threads)
    names = sounds.rows["file"].tolist()
    for place, clip in enumerate(done):
        name = names[place]
        if isinstance(clip.outcome, str):
            bad.append((name, clip.outcome))
            continue
        kept.append(place)
        values.append(clip.outcome)
        keys.append(f"{name}|{clip.key}")
        cached += clip.cached
        if cache is not None:
            cache.keep(clip.key, clip.outcome, clip.stamp)
    if cache is not None:
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


def _cache(folder: Path, clips: Path) -> FeatureCache:
    """One file per folder of clips."""
    return FeatureCache.at(Path(folder) / f"sound-{hashlib.sha256(str(clips).encode()).hexdigest()[:16]}.npz")


def _unchanged(clip: Clip, setting: str, cache: FeatureCache | None) -> _ClipFeatures | None:
    if cache is None or (found := cache.unchanged(stamp := stamp_of(clip.path, setting))) is None:
        return None
    return _ClipFeatures(found[1], found[0], stamp, True)


def _features_of(
    clip: Clip, setting: str, expected: Expected, channel: Channel, cache: FeatureCache | None
) -> _ClipFeatures:
    path, stamp = clip.path, stamp_of(clip.path, setting) if cache is not None else ""
    try:
        counts, rate = samples(path, channel)
        key = content_key(counts, f"{setting}|{rate}")
        if cache is not None and (row := cache.rows.get(key)) is not None:
            return _ClipFeatures(row, key, stamp, True)
        check(counts, rate, expected, path)
        return _ClipFeatures(features(as_float(counts)), key, stamp)
    except BadInput as error:
        return _ClipFeatures(str(error).removeprefix(f"{path}: ").removeprefix(f"{path}, "))
