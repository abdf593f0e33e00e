"""Remove runs of the Prefect server, with their logs and artifacts, that ended longer ago than a stated age."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from prefect import flow, get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowRunFilter,
    FlowRunFilterEndTime,
)
from prefect.client.schemas.objects import FlowRun

from gauntlet.datasets.errors import BadInput
from gauntlet.tasks.runtime.steps import say

PAGE = 100


@flow(name="housekeeping", description=__doc__)
def housekeeping(days: float = 30.0, keep_tag: str = "keep") -> int:
    """How many runs were removed.

    Args:
        days: Runs that ended longer ago than this go.
        keep_tag: Runs with this tag stay.
    """
    if days <= 0:
        raise BadInput(None, f"days {days:g}", expected="more than 0")
    before = datetime.now(UTC) - timedelta(days=days)
    removed = 0
    with get_client(sync_client=True) as client:
        while page := _old_runs(client, before, keep_tag):
            for one in page:
                for artifact in client.read_artifacts(
                    artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[one.id])), limit=PAGE
                ):
                    client.delete_artifact(artifact.id)
                client.delete_flow_run(one.id)  # its task runs and logs go with it
            removed += len(page)
    say(f"{removed} flow runs that ended before {before:%Y-%m-%d %H:%M} UTC were removed")
    return removed


def _old_runs(client: SyncPrefectClient, before: datetime, keep_tag: str) -> list[FlowRun]:
    """The next page of runs to remove; those that are kept are passed over."""
    old, offset = FlowRunFilter(end_time=FlowRunFilterEndTime(before_=before)), 0
    while found := client.read_flow_runs(flow_run_filter=old, limit=PAGE, offset=offset):
        page = [one for one in found if keep_tag not in one.tags]
        if page:
            return page
        offset += PAGE
    return []
