"""Every act of the loop's flows with its faults, on servers of their own; and the matrix itself finds what it is there for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gauntlet.deployments.selftest.matrix import ALWAYS, FAULTS, IN_TURN, ROWS
from gauntlet.deployments.selftest.mutants import FENCES
from gauntlet.deployments.selftest.run import columns

# The flow in which the lack of a fence shows, and a fault that shows it.
SHOWN_BY = {
    "one turn a file": ("score", "killed"),
    "recovery of cut promotions": ("promote", "killed"),
    "the manifest, written last": ("score", "killed"),
}


def selftest(file: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """The exit status of `gauntlet selftest`, and what it walked and found broken."""
    command = [str(Path(sys.executable).with_name("gauntlet")), "selftest", "--json", str(file), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1_500, check=False)
    assert file.exists(), done.stderr[-2000:] + done.stdout[-2000:]
    return done.returncode, json.loads(file.read_text())


@pytest.mark.slow
@pytest.mark.timeout(1_600)
@pytest.mark.promise("killed")
def test_every_act_with_its_faults(tmp_path: Path) -> None:
    """Killed and its answer lost after every act, and one more fault by the date: no invariant is broken."""
    status, report = selftest(tmp_path / "report.json")
    assert report["broken"] == []
    assert status == 0
    walked = {(flow, act, fault) for flow, act, fault in report["cells"]}
    due = {(row.name, act, fault.name) for row in ROWS for fault in ALWAYS for act in row.acts if fault.follows(act)}
    assert due <= walked
    rotating = {(flow, act) for flow, act, fault in walked if fault in {one.name for one in IN_TURN}}
    assert rotating == {(row.name, act) for row in ROWS for act in row.acts}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("fence", FENCES)
def test_a_build_without_a_fence_fails(fence: str, tmp_path: Path) -> None:
    """It is the invariants that say so, not the flow alone."""
    flow, fault = SHOWN_BY[fence]
    status, report = selftest(tmp_path / "report.json", "--flow", flow, "--fault", fault, "--without", fence)
    assert status == 1
    assert report["broken"]


def test_the_rotating_fault_comes_round() -> None:
    """As many days as there are faults bring each of them to each act, the standing ones every day."""
    for row in ROWS:
        days = [columns(row.acts, (), day) for day in range(len(IN_TURN))]
        assert all(
            [set(column) for column in day[:-1]] == [{a for a in row.acts if one.follows(a)} for one in ALWAYS]
            for day in days
        )
        for act in row.acts:
            assert {day[-1][act].name for day in days} == {one.name for one in IN_TURN}
    whole = columns(ROWS[0].acts, list(FAULTS.values()), 0)
    assert len(whole) == len(FAULTS)
