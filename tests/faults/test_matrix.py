"""Every act of the loop's flows with its faults, on servers of their own; and the matrix itself finds what it is there for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gauntlet.deployments.selftest.matrix import FAULTS, IN_TURN, LOST, ROWS
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
    """Killed after every act, and one more fault by the date, every other day a lost answer: no invariant is broken."""
    status, report = selftest(tmp_path / "report.json")
    assert report["broken"] == []
    assert status == 0
    walked = {(flow, act, fault) for flow, act, fault in report["cells"]}
    acts = {(row.name, act) for row in ROWS for act in row.acts}
    assert {(flow, act) for flow, act, fault in walked if fault == "killed"} == acts
    assert {(flow, act) for flow, act, fault in walked if fault != "killed"} == acts
    assert LOST.name in {fault for *_, fault in walked}


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
    """Kill -9 every day; in twice as many days as there are others, each of them, and lost answers every other day."""
    due = {fault.name for fault in IN_TURN}
    for row in ROWS:
        days = [columns(row.acts, (), day) for day in range(2 * len(IN_TURN))]
        assert all(list(killed) == list(row.acts) for killed, _ in days)
        for act in row.acts:
            found = [turning[act].name for _, turning in days]
            assert set(found) == due | ({LOST.name} if LOST.follows(act) else set())
            assert found.count(LOST.name) == (len(IN_TURN) if LOST.follows(act) else 0)
    assert len(columns(ROWS[0].acts, list(FAULTS.values()), 0)) == len(FAULTS)
