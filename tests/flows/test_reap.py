"""Runs whose process is gone, on a real Prefect server: ended, their deployment's slot free, the living left alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import yaml
from prefect import get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import DeploymentUpdate, GlobalConcurrencyLimitUpdate
from prefect.events import emit_event
from prefect.states import Pending, Running

from gauntlet.datasets.errors import BadInput
from gauntlet.deployments.stack.process import wait_until
from gauntlet.flows._loop import send_events
from gauntlet.flows.reap import reap
from gauntlet.tasks.loop import dead_runs
from gauntlet.tasks.loop.dead_runs import HEARTBEAT, HEARTBEATS_EVERY, _last_heard, end_dead_runs

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def client(stack: Any) -> Iterator[SyncPrefectClient]:
    with get_client(sync_client=True) as made:
        yield made


@pytest.fixture
def only_one(client: SyncPrefectClient) -> Iterator[UUID]:
    """A deployment that runs one at a time, as those of the gauntlets do; nothing of other tests is left to be reaped."""
    reap(silent_min=0)
    flow = client.create_flow_from_name(f"reaped-{uuid4().hex}")
    made = client.create_deployment(flow, "weekly", concurrency_limit=1, paused=True)
    yield made
    for run in client.read_flow_runs():
        if run.deployment_id == made:
            client.delete_flow_run(run.id)
    client.delete_deployment(made)


def taken(client: SyncPrefectClient, deployment: UUID) -> tuple[UUID, str]:
    """A run that a worker takes: its id, and the state that the server lets it have."""
    run = client.create_flow_run_from_deployment(deployment)
    client.set_flow_run_state(run.id, Pending())
    return run.id, state(client, run.id)


def state(client: SyncPrefectClient, run: UUID) -> str:
    return str(client.read_flow_run(run).state_name)


def slots(client: SyncPrefectClient, deployment: UUID) -> int:
    limit = client.read_deployment(deployment).global_concurrency_limit
    assert limit is not None
    return int(client.read_global_concurrency_limit_by_name(limit.name).active_slots)


def hear(run: UUID, ago_s: float) -> None:
    """A heartbeat as a run's process sends it."""
    emit_event(
        HEARTBEAT,
        resource={"prefect.resource.id": f"prefect.flow-run.{run}", "prefect.resource.name": "a run"},
        occurred=datetime.now(UTC) - timedelta(seconds=ago_s),
    )
    send_events()


def test_a_run_whose_worker_died_while_it_was_pending_holds_no_slot(client: SyncPrefectClient, only_one: UUID) -> None:
    """The next trigger waits for the slot for ever; after one `reap` it runs."""
    dead, said = taken(client, only_one)
    assert said == "Pending"
    _, said = taken(client, only_one)
    assert said == "AwaitingConcurrencySlot"
    assert reap(silent_min=10) == 0, "it may still be starting"
    assert (state(client, dead), slots(client, only_one)) == ("Pending", 1)
    assert reap(silent_min=0) == 1
    assert (state(client, dead), slots(client, only_one)) == ("Crashed", 0)
    following, said = taken(client, only_one)
    assert (said, slots(client, only_one)) == ("Pending", 1)
    client.set_flow_run_state(following, Running())
    assert reap(silent_min=0) == 0, "it sends no heartbeats, so that their absence says nothing"
    assert (state(client, following), slots(client, only_one)) == ("Running", 1)


def test_a_slot_that_its_lease_has_freed_is_not_freed_twice(client: SyncPrefectClient, only_one: UUID) -> None:
    """Five minutes on the server frees it by itself; the run that has it by then keeps it."""
    dead, _ = taken(client, only_one)
    limit = client.read_deployment(only_one).global_concurrency_limit
    assert limit is not None
    client.update_global_concurrency_limit(limit.name, GlobalConcurrencyLimitUpdate(active_slots=0))
    alive, said = taken(client, only_one)
    assert said == "Pending"
    client.set_flow_run_state(alive, Running())
    assert reap(silent_min=0) == 1
    assert state(client, dead) == "Crashed"
    assert slots(client, only_one) == 1
    assert taken(client, only_one)[1] == "AwaitingConcurrencySlot"


def test_a_run_is_dead_when_its_heartbeats_stop(client: SyncPrefectClient, only_one: UUID) -> None:
    """One that was heard lately works on; one that was heard, and is no more, is ended."""
    run, _ = taken(client, only_one)
    client.set_flow_run_state(run, Running())
    hear(run, ago_s=0)
    assert _eventually_heard(client, run)
    assert end_dead_runs(client, timedelta(minutes=1)) == []
    assert [one.id for one in end_dead_runs(client, timedelta(0))] == [run]
    assert (state(client, run), slots(client, only_one)) == ("Crashed", 0)
    assert end_dead_runs(client, timedelta(0)) == []


@pytest.mark.parametrize("ahead_s", [-3600, 3600])
def test_one_wrong_clock_ends_no_living_run(
    client: SyncPrefectClient, only_one: UUID, monkeypatch: pytest.MonkeyPatch, ahead_s: float
) -> None:
    """That of the run's host, by which its heartbeats are dated, and that of the reaper: the server's clock decides."""
    run, _ = taken(client, only_one)
    client.set_flow_run_state(run, Running())
    hear(run, ago_s=-ahead_s)
    assert _eventually_heard(client, run)

    class Wrong(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz) + timedelta(seconds=ahead_s)

    monkeypatch.setattr(dead_runs, "datetime", Wrong)
    assert end_dead_runs(client, timedelta(minutes=1)) == []
    header_is_old = timedelta(seconds=10)
    assert [one.id for one in end_dead_runs(client, -header_is_old)] == [run]


def test_a_run_that_dies_before_its_first_heartbeat_is_ended(client: SyncPrefectClient, only_one: UUID) -> None:
    """A deployment that orders heartbeats: that none ever came says as much as that they stopped."""
    ordered = DeploymentUpdate(job_variables={"env": {HEARTBEATS_EVERY: "30"}})
    client.update_deployment(only_one, ordered)
    run, _ = taken(client, only_one)
    client.set_flow_run_state(run, Running())
    assert end_dead_runs(client, timedelta(minutes=1)) == [], "it may still be starting"
    assert [one.id for one in end_dead_runs(client, timedelta(0))] == [run]
    assert (state(client, run), slots(client, only_one)) == ("Crashed", 0)


def test_our_deployments_order_heartbeats() -> None:
    """Of every run, by the one work pool that all rows share."""
    settings = yaml.safe_load((ROOT / "prefect.yaml").read_text())
    assert all(HEARTBEATS_EVERY in row["work_pool"]["job_variables"]["env"] for row in settings["deployments"])


def _eventually_heard(client: SyncPrefectClient, run: UUID) -> bool:
    """The server files events in a moment."""

    return wait_until(lambda: _last_heard(client, run) is not None, time.monotonic() + 30)


def test_a_run_that_the_server_cannot_end_stops_nobody_else(client: SyncPrefectClient, only_one: UUID) -> None:
    """That of a deployment which was deleted: it is passed over, and the others are ended."""
    other = client.create_deployment(client.create_flow_from_name("gone"), "gone", concurrency_limit=1, paused=True)
    stuck, _ = taken(client, other)
    client.delete_deployment(other)
    dead, _ = taken(client, only_one)
    assert [one.id for one in end_dead_runs(client, timedelta(0))] == [dead]
    client.delete_flow_run(stuck)


def test_a_negative_silence_is_refused(stack: Any) -> None:
    """In words."""
    with pytest.raises(BadInput, match="silent_min -1"):
        reap(silent_min=-1)
