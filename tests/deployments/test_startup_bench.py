"""The benchmark of whole processes: what it runs, in turns; never how long that takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from gauntlet.datasets.errors import BadInput
from gauntlet.deployments.startup_bench import BARE, OTHER, OURS, bench

OTHERS = """
import os, sys
def main():
    with open({log!r}, "a") as log:
        print(os.getcwd(), *sys.argv[1:], os.listdir(os.environ["GAUNTLET_HOME"]), file=log)
    sys.exit({code})
"""


def _checkout(folder: Path, code: int = 0) -> Path:
    folder.mkdir()
    (folder / "pyproject.toml").write_text('[project.scripts]\ngauntlet = "other_cli:main"\n')
    (folder / "other_cli.py").write_text(OTHERS.format(log=str(folder.parent / "log"), code=code))
    return folder


@pytest.mark.slow
def test_another_checkout_is_run_by_its_own_code_in_turn(tmp_path: Path) -> None:
    """Its folder, the arguments, an empty home; once more than is counted, as the first time compiles."""
    other = _checkout(tmp_path / "other")
    rows = bench(["--help"], other, rounds=2)
    assert [row.way for row in rows] == [OURS, OTHER, BARE]
    assert rows[1].share == 1.0
    assert all(row.ms > 0 and row.share > 0 for row in rows)
    assert (tmp_path / "log").read_text().splitlines() == [f"{other} --help []"] * 3


def test_without_another_the_bare_interpreter_is_the_measure() -> None:
    """Its own share is one."""
    rows = {row.way: row for row in bench(rounds=1)}
    assert rows[BARE].share == 1.0
    assert OTHER not in rows


def test_a_folder_that_is_none_and_a_command_that_fails_are_said(tmp_path: Path) -> None:
    """No figure of a run that did not happen."""
    with pytest.raises(BadInput, match="no checkout of Gauntlet"):
        bench(["--help"], tmp_path, rounds=1)
    with pytest.raises(BadInput, match="ended with 3"):
        bench(["--help"], _checkout(tmp_path / "broken", code=3), rounds=1)
