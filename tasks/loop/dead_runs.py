"""Flow runs whose process is gone without a word: ended as crashed, so that they hold no slot of their deployment.

A worker that is killed leaves its run PENDING or RUNNING for ever. Prefect frees the slot of a pending run by a lease that
only the server's memory knows: gone when the server is restarted, and freed twice when the run is ended after its lease.
So the slots in use are counted anew wherever a dead run was found.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.states import Crashed

from gauntlet.datasets.address import one_line

_LOG = logging.getLogger("gauntlet")
HEARTBEAT = "prefect.flow-run.heartbeat"
HEARTBEATS_EVERY = "PREFECT_FLOWS_HEARTBEAT_FREQUENCY"  # in the environment of a deployment's runs, prefect.yaml
AT_WORK = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]
PAGE = 200


def end_dead_runs(client: SyncPrefectClient, silent_for: timedelta, besides: str = "") -> list[FlowRun]:
    """The runs that gave no sign for that long, crashed now: not begun since a worker took them, or no heartbeat.

    Whose process may have heartbeats switched off is left alone as long as none was heard: a deployment of ours orders
    them, so that their absence says that the process ended before its first. So is the run whose id is `besides`.
    """
    since = _server_time(client) - silent_for
    silent = [one for one in _at_work(client) if str(one.id) != besides and _is_dead(client, one, since)]
    dead = [one for one in silent if _end(client, one, silent_for)]
    for deployment in {run.deployment_id for run in dead if run.deployment_id is not None}:
        _count_slots(client, deployment)
    return dead


def _end(client: SyncPrefectClient, run: FlowRun, silent_for: timedelta) -> bool:
    minutes = silent_for.total_seconds() / 60
    try:
        client.set_flow_run_state(run.id, Crashed(message=f"Its process gave no sign for {minutes:g} minutes."))
    except PrefectHTTPStatusError as error:
        # The server fails over a run whose deployment was deleted, until the lease of its slot has ended.
        _LOG.warning("%s cannot be ended now: %s", run.name, one_line(error))
        return False
    return True


def _is_dead(client: SyncPrefectClient, run: FlowRun, since: datetime) -> bool:
    if run.state is None or run.state.timestamp > since:
        return False
    if run.state.type == StateType.PENDING:
        return True
    heard = _last_heard(client, run.id)
    return _sends_heartbeats(client, run) if heard is None else heard <= since


def _sends_heartbeats(client: SyncPrefectClient, run: FlowRun) -> bool:
    """Whether the run's deployment orders its process to send them."""
    if run.deployment_id is None:
        return False
    try:
        variables = client.read_deployment(run.deployment_id).job_variables
    except ObjectNotFound:
        return False
    return HEARTBEATS_EVERY in dict((variables or {}).get("env") or {})


def _server_time(client: SyncPrefectClient) -> datetime:
    """Now, by the clock that dates states and received heartbeats: ours may be an hour off, and would end the living."""
    ours = datetime.now(UTC)
    date = client.request("GET", "/health").headers.get("date")
    theirs = parsedate_to_datetime(date) if date else ours
    return ours if abs(theirs - ours) < timedelta(minutes=1) else theirs  # the header is a few seconds old


def _last_heard(client: SyncPrefectClient, run: UUID) -> datetime | None:
    """When the server received the run's latest heartbeat, whatever the clock of the run's host says of it."""
    any_time = {
        "since": datetime.min.replace(tzinfo=UTC).isoformat(),
        "until": datetime.max.replace(tzinfo=UTC).isoformat(),
    }
    asked = {"event": {"name": [HEARTBEAT]}, "resource": {"id": [f"prefect.flow-run.{run}"]}, "occurred": any_time}
    answer = client.request("POST", "/events/filter", json={"filter": asked, "limit": 1})
    events = answer.json()["events"]
    return datetime.fromisoformat(events[0]["received"]) if events else None


def _at_work(client: SyncPrefectClient, deployments: Iterable[UUID] = ()) -> list[FlowRun]:
    """Every run that occupies a process, or ought to."""
    busy = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=AT_WORK)))
    of = DeploymentFilter(id=DeploymentFilterId(any_=list(deployments))) if deployments else None
    found: list[FlowRun] = []
    while page := client.read_flow_runs(flow_run_filter=busy, deployment_filter=of, limit=PAGE, offset=len(found)):
        found += page
    return found


def _count_slots(client: SyncPrefectClient, deployment: UUID) -> None:
    """Let a deployment's limit have as many slots in use as it has runs at work."""
    try:
        limit = client.read_deployment(deployment).global_concurrency_limit
    except ObjectNotFound:  # deleted since, and its limit with it
        return
    if limit is None:
        return
    used = len(_at_work(client, [deployment]))
    if client.read_global_concurrency_limit_by_name(limit.name).active_slots != used:
        client.update_global_concurrency_limit(limit.name, GlobalConcurrencyLimitUpdate(active_slots=used))
