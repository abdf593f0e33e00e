"""How long the command line takes as a whole process: beside the bare interpreter, and beside another checkout of it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from gauntlet.datasets.errors import BadInput

OURS, OTHER, BARE = "this", "the other checkout", "bare interpreter"


@dataclass(frozen=True)
class StartupRow:
    """One command, whole processes. `ms`: median; `share`: of it, in the other's time or else the bare interpreter's."""

    way: str
    ms: float
    share: float
    rounds: int


def bench(arguments: Sequence[str] = ("--help",), against: Path | None = None, rounds: int = 5) -> list[StartupRow]:
    """Rows for this command line, the other checkout's where one is given, and the interpreter that does nothing.

    All take turns in every round; each has a home of its own, which it finds empty. The share is the median of the
    shares within a round.

    Args:
        arguments: what the command line is called with.
        against: a checkout of another version, run by this interpreter with its own code first on the path.

    Raises:
        BadInput: the folder is no checkout that can be run, or a command failed.
    """
    ways: dict[str, tuple[str, Path | None]] = {OURS: (_call("gauntlet.deployments.cli:main"), None)}
    if against is not None:
        ways[OTHER] = (_call(_entry_point(against)), against)
    ways[BARE] = ("pass", None)
    taken: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(rounds + 1):
        for way, (code, folder) in ways.items():
            seconds = _timed(code, arguments if way != BARE else (), folder)
            if number:  # the first time compiles, and fills the page cache
                taken[way].append(seconds)
    beside = taken[OTHER if against is not None else BARE]
    shares = {
        way: median(own / other for own, other in zip(times, beside, strict=True)) for way, times in taken.items()
    }
    return [StartupRow(way, median(times) * 1e3, shares[way], rounds) for way, times in taken.items()]


def _call(entry_point: str) -> str:
    module, _, name = entry_point.partition(":")
    return f"from {module} import {name}; {name}()"


def _entry_point(checkout: Path) -> str:
    try:
        scripts = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
        return str(scripts["gauntlet"])
    except (OSError, KeyError, tomllib.TOMLDecodeError) as error:
        raise BadInput(
            checkout,
            f"no checkout of Gauntlet ({type(error).__name__})",
            expected="pyproject.toml with the script gauntlet",
            do="give the folder of a clone, such as one of `git worktree add DIR COMMIT`",
        ) from None


def _timed(code: str, arguments: Sequence[str], folder: Path | None) -> float:
    with tempfile.TemporaryDirectory() as home:
        env: Mapping[str, str] = {**os.environ, "GAUNTLET_HOME": home}
        if folder is not None:
            env = {**env, "PYTHONPATH": str(folder.resolve())}
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-P", "-c", code, *arguments],
            cwd=folder,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.monotonic() - began
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["silent"]
        raise BadInput(folder, f"`gauntlet {' '.join(arguments)}` ended with {done.returncode}: {said[-1]}")
    return seconds
