"""Features of many files: threads over them in order, and a cache by content, so that nothing is computed twice."""

from __future__ import annotations

import hashlib
import io
import logging
import os
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TypeVar
from zipfile import BadZipFile

import numpy as np

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.io.atomic import write_whole

_LOG = logging.getLogger("gauntlet")
IN_FLIGHT = 4  # files per thread: enough to keep it busy, few enough for flat memory
Item = TypeVar("Item")
Done = TypeVar("Done")


@dataclass
class FeatureCache:
    """Rows by the key of their content in one file; a torn or foreign file is an empty cache, never an error.

    `stamps`: the key of each file as it was last seen, so that one that has not changed need not be read. `new`: whether
    there is anything to save.
    """

    path: Path
    rows: dict[str, np.ndarray] = field(default_factory=dict)
    stamps: dict[str, str] = field(default_factory=dict)
    new: bool = False

    @classmethod
    def at(cls, path: Path) -> FeatureCache:
        """What the file holds."""
        cache = cls(path)
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                cache.rows = dict(zip(stored["keys"].tolist(), stored["rows"], strict=True))
                cache.stamps = dict(zip(stored["files"].tolist(), stored["hashes"].tolist(), strict=True))
        except (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error):
            cache.rows, cache.stamps = {}, {}
        return cache

    def unchanged(self, stamp: str) -> tuple[str, np.ndarray] | None:
        """(key, row) of a file that bears this stamp, None where there is none."""
        key = self.stamps.get(stamp, "")
        row = self.rows.get(key)
        return None if row is None else (key, row)

    def keep(self, key: str, row: np.ndarray, stamp: str) -> None:
        """The row of a content, and of the file that now holds it."""
        if key not in self.rows or (stamp and self.stamps.get(stamp) != key):
            self.rows[key], self.new = row, True
            if stamp:
                self.stamps[stamp] = key

    def save(self) -> None:
        """On disk, whole or not at all; nothing where nothing is new. A full disk costs the cache only, which is said."""
        if not self.new:
            return
        keys, files, hashes = (np.array(list(one), str) for one in (self.rows, self.stamps, self.stamps.values()))
        content = io.BytesIO()
        np.savez(content, keys=keys, rows=np.array(list(self.rows.values())), files=files, hashes=hashes)
        try:
            write_whole(self.path, content.getvalue())
            self.new = False
        except BadInput as error:
            _LOG.warning("features are not kept for the next run: %s", error)


def stamp_of(path: Path, setting: str) -> str:
    """What changes when the file does, or the way its features are made; empty for a file that is not there."""
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{path}|{status.st_size}|{status.st_mtime_ns}|{setting}"


def content_key(content: np.ndarray, setting: str, person: bytes = b"") -> str:
    """The content's hash with everything else that its features depend on."""
    salt = hashlib.blake2b(setting.encode(), digest_size=16).digest()
    return hashlib.blake2b(content.data, digest_size=16, person=person, salt=salt).hexdigest()


def in_order(
    items: Iterable[Item], known: Callable[[Item], Done | None], work: Callable[[Item], Done], threads: int = 0
) -> Iterator[Done]:
    """What became of each item, in their order, with a bounded number in flight.

    Args:
        known: what is to be had without work, cheap enough to ask without a thread.
    """
    threads = threads or os.cpu_count() or 1
    with ThreadPoolExecutor(threads) as pool:

        def start(item: Item) -> Done | Future[Done]:
            done = known(item)
            return pool.submit(work, item) if done is None else done

        waiting = iter(items)
        flying = deque(start(item) for item in islice(waiting, threads * IN_FLIGHT))
        while flying:
            done = flying.popleft()
            yield done.result() if isinstance(done, Future) else done
            flying.extend(start(item) for item in islice(waiting, 1))
