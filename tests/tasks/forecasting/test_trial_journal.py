"""Trials are kept for the next run; what went wrong with their file costs the file only."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gauntlet.tasks.forecasting.tuning import Trial, search

SPACE = {"x": (-3.0, 3.0, False)}


class Bowl:
    """Least at x = 1; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, settings: dict[str, float]) -> float:
        self.asked += 1
        return (settings["x"] - 1) ** 2


def searched(file: Path | None) -> tuple[tuple[Trial, ...], int]:
    """Six trials, and how many of them were tried now."""
    bowl = Bowl()
    return search("s", SPACE, bowl, 6, 7, file), bowl.asked


@pytest.mark.parametrize("cut", [0, 1, 3, 0.4, 0.7, -1])
def test_a_journal_cut_off_anywhere_loses_trials_and_not_the_search(tmp_path: Path, cut: float) -> None:
    """By a kill in the middle of a line, or a disk that lost its end; what is tried again ends as it did, and is kept."""
    file = tmp_path / "tuning" / "s.log"
    whole, _ = searched(file)
    content = file.read_bytes()
    file.write_bytes(content[: int(cut * len(content)) if isinstance(cut, float) else cut])
    again, asked = searched(file)
    assert [(one.settings, one.error) for one in again] == [(one.settings, one.error) for one in whole]
    assert asked <= 6
    assert searched(file) == (again, 0)


@pytest.mark.parametrize("content", [b"torn", b"\0" * 512, b'{"op_code": 4}\n', b"[]\n", b'{"a": 1}\n{"b": 2}\n'])
def test_a_file_of_something_else_is_an_empty_journal(tmp_path: Path, content: bytes) -> None:
    """Also one of lines that another program could have written."""
    file = tmp_path / "s.log"
    file.write_bytes(content)
    trials, asked = searched(file)
    assert (trials, asked) == (searched(None)[0], 6)
    assert searched(file) == (trials, 0)


FULL = """
import logging, resource, signal, sys
from pathlib import Path
from gauntlet.tasks.forecasting.tuning import search
logging.basicConfig(format="%(message)s")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_024, 1_024))
found = search("s", {"x": (-3.0, 3.0, False)}, lambda s: (s["x"] - 1) ** 2, 6, 7, Path(sys.argv[1]))
print(len(found))
"""


@pytest.mark.promise("beside")
def test_a_full_disk_costs_the_journal_only(tmp_path: Path) -> None:
    """It is said once, what was kept before can be read, and no part of a file stays behind."""
    file = tmp_path / "tuning" / "s.log"
    done = subprocess.run([sys.executable, "-c", FULL, str(file)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "6"
    assert done.stderr.count("trials are not kept for the next run") == 1
    assert [one.name for one in file.parent.iterdir()] == ["s.log"]
    assert 0 < searched(file)[1] < 6
