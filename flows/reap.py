"""Free the claims and the slots of workers that died, and send alerts that did not arrive; every five minutes."""

from __future__ import annotations

from datetime import timedelta

from prefect import flow, get_client
from prefect.artifacts import create_table_artifact

from gauntlet.datasets.errors import BadInput
from gauntlet.flows._loop import open_loop
from gauntlet.tasks import claims
from gauntlet.tasks.loop.dead_runs import end_dead_runs
from gauntlet.tasks.runtime.steps import run_id, say


@flow(name="reap", description=__doc__)
def reap(silent_min: float = 10.0) -> int:
    """How many claims were freed and flow runs ended.

    Args:
        silent_min: Minutes after which a run that was taken and did not begin, or sends no heartbeat, is dead.
    """
    if silent_min < 0:
        raise BadInput(None, f"silent_min {silent_min:g}", expected="0 or more")
    loop = open_loop()
    engine = loop.engine
    lapsed = claims.reap(engine)
    claims.forget(engine, "webhook", timedelta(days=1))  # a signature is valid for minutes
    claims.forget(engine, "work order", timedelta(days=30))
    for claim in lapsed:
        say(f"freed {claim.subject}, held by {claim.holder} until {claim.expires:%Y-%m-%d %H:%M:%S} UTC")
    if lapsed:
        rows = [
            {"subject": claim.subject, "holder": claim.holder, "expired": claim.expires.isoformat()} for claim in lapsed
        ]
        create_table_artifact(rows, key="reaped-claims", description="Claims whose holder gave no sign any more")
    with get_client(sync_client=True) as client:
        dead = end_dead_runs(client, timedelta(minutes=silent_min), besides=run_id())
    if late := loop.send_late_alerts():
        say(f"sent {late} alerts that had not arrived")
    for run in dead:
        say(f"ended {run.name}, which was {run.state_name} and gave no sign any more")
    return len(lapsed) + len(dead)
