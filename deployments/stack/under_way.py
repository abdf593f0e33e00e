"""What would be lost if the servers were stopped now: runs that Prefect has under way, commands that hold the stack."""

from __future__ import annotations

import fcntl
from contextlib import suppress

from gauntlet.deployments.stack.process import alive, read_record
from gauntlet.tasks.runtime.connection import export_prefect
from gauntlet.tasks.runtime.settings import Settings

MOST = 50


def under_way(cfg: Settings) -> list[str]:
    """A line for each: runs by their flow's and their own name; where there are none, a command that uses the servers."""
    return _runs(cfg) or (["a `gauntlet` command that uses the servers"] if _is_held(cfg) else [])


def _runs(cfg: Settings) -> list[str]:
    """The runs of our own server; of the user's, those of our deployments. One that does not answer is not waited for."""
    record = read_record(cfg.state / "stack" / "prefect.json")
    is_ours = not cfg.own_prefect or (record is not None and cfg.prefect_api_url == f"{record.url}/api")
    if is_ours and alive(record) is None:
        return []
    export_prefect(cfg)
    from prefect import get_client
    from prefect.client.schemas.filters import (
        FlowFilter,
        FlowFilterId,
        FlowRunFilter,
        FlowRunFilterParentTaskRunId,
        FlowRunFilterState,
        FlowRunFilterStateType,
        FlowRunFilterTags,
    )
    from prefect.states import StateType

    live = FlowRunFilter(
        state=FlowRunFilterState(
            type=FlowRunFilterStateType(any_=[StateType.RUNNING, StateType.PENDING, StateType.CANCELLING])
        ),
        parent_task_run_id=FlowRunFilterParentTaskRunId(is_null_=True),
        tags=None if is_ours else FlowRunFilterTags(all_=["gauntlet"]),
    )
    with suppress(Exception), get_client(sync_client=True) as client:
        runs = client.read_flow_runs(flow_run_filter=live, limit=MOST)
        known = client.read_flows(flow_filter=FlowFilter(id=FlowFilterId(any_=[run.flow_id for run in runs])))
        flows = {flow.id: flow.name for flow in known}
        return sorted(f"{flows.get(run.flow_id, 'run')} {run.name!r}" for run in runs)
    return []


def _is_held(cfg: Settings) -> bool:
    """True while a session has the stack, such as a `gauntlet run`."""
    try:
        with (cfg.state / "stack" / "sessions").open("r+") as sessions:
            fcntl.flock(sessions, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # there never was one
        pass
    return False
