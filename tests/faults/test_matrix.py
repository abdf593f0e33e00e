"""Every act of the loop's flows with its faults, on servers of their own; and the matrix itself finds what it is there for."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gauntlet.deployments.selftest.matrix import FAULTS, IN_TURN, KILLED, LOST, ROWS
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
    """One after each act, by the date: half of them killed, a quarter without an answer. No invariant is broken."""
    status, report = selftest(tmp_path / "report.json")
    assert report["broken"] == []
    assert status == 0
    walked = {(flow, act, fault) for flow, act, fault in report["cells"]}
    assert {(flow, act) for flow, act, _ in walked} == {(row.name, act) for row in ROWS for act in row.acts}
    assert {KILLED.name, LOST.name} < {fault for *_, fault in walked}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_build_without_a_fence_fails(tmp_path: Path) -> None:
    """Another one each day; it is the invariants that say so, not the flow alone."""
    fence = list(FENCES)[date.today().toordinal() % len(FENCES)]
    flow, fault = SHOWN_BY[fence]
    status, report = selftest(tmp_path / "report.json", "--flow", flow, "--fault", fault, "--without", fence)
    assert status == 1
    assert report["broken"]


def test_the_rotating_fault_comes_round() -> None:
    """In four times as many days as there are others each act has each of them; every other day it is killed."""
    for row in ROWS:
        days = [columns(row.acts, (), day)[0] for day in range(4 * len(IN_TURN))]
        for act in row.acts:
            found = [faults[act].name for faults in days]
            assert set(found) == {one.name for one in FAULTS.values() if one.follows(act)}
            assert found.count(KILLED.name) == len(days) / 2
            assert found.count(LOST.name) == (len(days) / 4 if LOST.follows(act) else 0)
    assert len(columns(ROWS[0].acts, list(FAULTS.values()), 0)) == len(FAULTS)
