"""The deployments of prefect.yaml are the table's: every gauntlet trains, those in the loop are scored and watched."""

from __future__ import annotations

from pathlib import Path

import yaml

from gauntlet.deployments.hook_start import DEPLOYMENTS
from gauntlet.flows import flow_named
from gauntlet.tasks.gauntlets import GAUNTLETS, IN_LOOP

ROWS = yaml.safe_load((Path(__file__).resolve().parents[2] / "prefect.yaml").read_text())["deployments"]


def test_every_gauntlet_has_its_deployments() -> None:
    """By the name that says which gauntlet, what, and how often; each name once."""
    names = [row["name"] for row in ROWS]
    assert len(names) == len(set(names))
    assert {name for name in names if name.endswith("-train-weekly")} == {f"{name}-train-weekly" for name in GAUNTLETS}
    for verb in ("score-hourly", "drift-check-six-hourly"):
        assert {name for name in names if name.endswith(verb)} == {f"{name}-{verb}" for name in IN_LOOP}


def test_every_entrypoint_is_a_flow_that_takes_its_parameters() -> None:
    """A misspelt parameter would be found when the schedule comes round."""
    flows = {row["entrypoint"].rpartition(".")[2] for row in ROWS}
    found = {name: flow_named(name) for name in flows}
    for row in ROWS:
        flow = found[row["entrypoint"].rpartition(".")[2]]
        assert set(row.get("parameters", {})) <= set(flow.parameters.properties)


def test_hooks_start_what_is_deployed() -> None:
    """FLOW/DEPLOYMENT, as Prefect looks them up."""
    names = {f"{flow_named(row['entrypoint'].rpartition('.')[2]).name}/{row['name']}" for row in ROWS}
    assert set(DEPLOYMENTS.values()) <= names


def test_no_run_imports_what_lies_in_its_folder() -> None:
    """Whichever worker takes it, also one that was not started by us."""
    assert {row["work_pool"]["job_variables"]["env"].get("PYTHONSAFEPATH") for row in ROWS} == {"1"}
