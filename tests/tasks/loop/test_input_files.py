"""A file is scored when it is whole: at rest, its last line ended; what is hashed is what was read."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from gauntlet.tasks.loop.contract import StillWritten
from gauntlet.tasks.loop.input_files import tables, take, wait_until_quiet


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Two rows, written a minute before 10,000 s."""
    path = tmp_path / "a.csv"
    path.write_bytes(b"x\n1.25\n2.5\n")
    os.utime(path, (9_940, 9_940))
    return path


def test_what_is_hashed_is_what_was_read(path: Path) -> None:
    """The content goes along: whoever changes the file afterwards changes nothing of it."""
    (listed,) = tables(path)
    taken = take(listed)
    path.write_bytes(b"x\n9\n")
    assert taken.content == b"x\n1.25\n2.5\n"
    assert taken.sha256 == hashlib.sha256(taken.content).hexdigest()


@pytest.mark.parametrize(
    "content", [b"x\n1.25\n2.", b"x\n1.25\n2.5", "x\n1\n".encode("utf-16")[:-1], "x\n1".encode("utf-16"), b"x"]
)
def test_a_last_line_that_is_not_ended_waits(path: Path, content: bytes) -> None:
    """Cut in the middle of a number it would be another number."""
    path.write_bytes(content)
    (listed,) = tables(path)
    with pytest.raises(StillWritten, match=r"a\.csv, line \d: its last line is not ended"):
        take(listed)


@pytest.mark.parametrize(
    "content", [b"x\r\n1\r\n", b"x\r1\r", "x\r\n1\r\n".encode("utf-16"), "x\n1\n".encode("utf-16-be")]
)
def test_every_line_end_ends_a_line(path: Path, content: bytes) -> None:
    """Of any system, also in UTF-16."""
    path.write_bytes(content)
    (listed,) = tables(path)
    assert take(listed).content == content


def test_a_file_that_has_changed_since_it_was_listed_waits(path: Path) -> None:
    """Grown, rewritten at the same size, or replaced by another."""
    (listed,) = tables(path)
    path.write_bytes(b"x\n1.25\n2.5\n3\n")
    with pytest.raises(StillWritten, match="it is being written"):
        take(listed)
    (listed,) = tables(path)
    path.write_bytes(b"x\n1.25\n2.5\n4\n")
    with pytest.raises(StillWritten, match="it is being written"):
        take(listed)


@pytest.mark.parametrize(("now", "waits"), [(9_941.0, [2.0]), (9_943.0, []), (9_000.0, [2.0])])
def test_what_was_changed_within_two_seconds_is_looked_at_again(path: Path, now: float, waits: list[float]) -> None:
    """Once for all files, and where the clock of who wrote it is ahead."""
    waited: list[float] = []
    (listed,) = tables(path)

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        path.write_bytes(b"x\n1.25\n2.5\n3.75\n")

    wait_until_quiet([listed, listed], 2.0, lambda: now, sleep)
    assert waited == waits
    if waits:
        with pytest.raises(StillWritten):
            take(listed)
    else:
        take(listed)


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    """A folder of a file's name."""
    (tmp_path / "a.csv").mkdir()
    taken: Any = take(tables(tmp_path)[0])
    assert taken.fault == "Is a directory"
