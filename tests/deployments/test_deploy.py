"""`gauntlet deploy` on a real Prefect server: everything is there, twice is once, a user's edit stays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from prefect import get_client

from gauntlet.blocks import BLOCKS, TrackingServer
from gauntlet.deployments.deploy import WORK_POOL, deploy
from gauntlet.tasks.runtime.connection import block_name


@pytest.fixture(scope="module")
def deployed(stack: Any) -> Iterator[list[str]]:
    """What the first deployment said; its blocks are gone afterwards."""
    yield list(deploy(stack.cfg))
    for kind in BLOCKS:
        kind.delete(block_name(kind))


def _deployment() -> Any:
    with get_client(sync_client=True) as client:
        return client.read_deployment_by_name("ai4i/ai4i-train-weekly")


def test_the_deployment_says_what_it_is(deployed: list[str]) -> None:
    """Description, tags, schedule, parameters with their schema, and the pool that runs it."""
    found = _deployment()
    assert "failure classifiers" in found.description
    assert set(found.tags) == {"gauntlet", "ai4i"}
    assert [one.schedule.cron for one in found.schedules] == ["0 3 * * 1"]
    assert found.parameters == {"source": "auto", "seed": 7}
    assert found.parameter_openapi_schema["properties"]["source"]["enum"] == ["auto", "real", "simulated"]
    assert found.work_pool_name == WORK_POOL
    assert any("ai4i-train-weekly" in line for line in deployed)


def test_twice_is_once_and_an_edit_survives(deployed: list[str], stack: Any) -> None:
    """The same deployment, the same pool, and the block that a user edited in between as the user left it."""
    first = _deployment().id
    TrackingServer(tracking_uri="http://mlflow.plant.example:5000").save(block_name(TrackingServer), overwrite=True)
    again = list(deploy(stack.cfg))
    assert _deployment().id == first
    assert TrackingServer.load(block_name(TrackingServer)).tracking_uri == "http://mlflow.plant.example:5000"
    assert f"work pool    {WORK_POOL} (was there)" in again
    assert not [line for line in again if line.startswith("block        ")]
