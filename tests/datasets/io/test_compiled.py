"""Compiled code is kept for the next process; what went wrong with its files costs a compilation, never an answer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

DOUBLE = """
from gauntlet.datasets.io.compiled import compiled

@compiled(nogil=True)
def double(x):
    return 2 * x
"""
CALL = """
import logging, resource, signal, sys
logging.basicConfig(format="%(message)s")
if sys.argv[1:]:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
from doubling import double
print(double(21), sum(double.stats.cache_hits.values()))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A module with a compiled function, and the cache beside it."""
    (tmp_path / "doubling.py").write_text(DOUBLE)
    return tmp_path


def answer(folder: Path, *limit: str) -> tuple[str, str]:
    """What a process of its own says: the function's answer and how often the cache had it; and its warnings."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "NUMBA_CACHE_DIR": str(folder / "cache")}
    command = [sys.executable, "-c", CALL, *limit]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip(), done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
@pytest.mark.parametrize("size", [0, 7, -20])
def test_a_torn_cache_is_compiled_anew(folder: Path, suffix: str, size: int) -> None:
    """The index, or the code that it names; the process after that has it again."""
    assert answer(folder) == ("42 0", "")
    assert answer(folder) == ("42 1", "")
    (file,) = (folder / "cache").rglob(f"*{suffix}")
    file.write_bytes(file.read_bytes()[:size])
    assert answer(folder) == ("42 0", "")
    assert answer(folder) == ("42 1", "")


@pytest.mark.slow
@pytest.mark.parametrize("limit", ["10", "1000"])
def test_a_full_disk_costs_the_cache_only(folder: Path, limit: str) -> None:
    """It has no room for the index, or none for the code: said in a line, nothing is left half written or believed."""
    said, warnings = answer(folder, limit)
    assert said == "42 0"
    assert warnings.count("compiled code is not kept for the next run") == 1
    assert not list((folder / "cache").rglob("*.tmp.*"))
    assert answer(folder) == ("42 0", "")
    assert answer(folder) == ("42 1", "")
