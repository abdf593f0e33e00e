"""The tables in a folder that are to be scored, known by their content, once that has come to rest."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.provenance import provenance
from gauntlet.tasks.loop.contract import InputFile, StillWritten

_LINE_ENDS = (b"\n", b"\r", b"\n\0", b"\r\0")  # the last two in UTF-16 as Windows writes it
_LITTLE_ENDIAN = b"\xff\xfe"


def tables(folder: Path) -> list[InputFile]:
    """The CSV and TSV files of a folder in the order of their names, or the one file; also those that cannot be read.

    Raises:
        BadInput: there is none.
    """
    if not folder.exists():
        raise BadInput(folder, "there is no such folder or file", do="check --data")
    files = sorted(folder.glob("*.[ct]sv")) if folder.is_dir() else [folder]
    if not files:
        raise BadInput(folder, "no table to score", expected="files that end in .csv or .tsv")
    return [InputFile(file, provenance(file), stamp=stamp_of(file)) for file in files]


def stamp_of(path: Path) -> tuple[object, ...]:
    """When the file was last changed [ns since 1970], its size and its number on the disk; empty where it is gone."""
    try:
        state = path.stat()
    except OSError:
        return ()
    return state.st_mtime_ns, state.st_size, state.st_ino


def changed_ns(stamp: tuple[object, ...]) -> int:
    """When what bears this stamp was last changed [ns since 1970]; 0 where it is gone."""
    return stamp[0] if stamp and isinstance(stamp[0], int) else 0


def wait_until_quiet(
    files: Sequence[InputFile],
    quiet_s: float,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Once `quiet_s` [s], where a file was changed within that, or is dated ahead: who takes it finds out what changed since."""
    now = clock()
    if any(changed_ns(file.stamp) / 1e9 > now - quiet_s for file in files):
        sleep(quiet_s)


def take(file: InputFile) -> InputFile:
    """The file with its content, read once: what is hashed is what is scored.

    Raises:
        StillWritten: it has changed since it was listed, or its last line is not ended.
    """
    try:
        content = file.path.read_bytes()
    except OSError as error:
        name = hashlib.sha256(f"name {file.path}".encode()).hexdigest()
        return replace(file, sha256=name, fault=error.strerror or type(error).__name__)
    if stamp_of(file.path) != file.stamp:
        raise changed(file)
    if content and not _ended(content):
        line = content.count(b"\n") + 1
        why = "its last line is not ended: it is being written or was cut off, and is scored once a line break ends it"
        raise StillWritten(f"{file.path}, line {line}: {why}.")
    return replace(file, sha256=hashlib.sha256(content).hexdigest(), content=content)


def changed(file: InputFile) -> StillWritten:
    """What is said of a file that somebody writes while it is being read."""
    return StillWritten(f"{file.path}: it is being written, and is scored by the first run that finds it at rest.")


def _ended(content: bytes) -> bool:
    cut_in_half = content.startswith(_LITTLE_ENDIAN) and len(content) % 2
    return content.endswith(_LINE_ENDS) and not cut_in_half
