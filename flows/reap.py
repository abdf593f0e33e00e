"""Free the claims of workers that died, so that the next trigger works; every five minutes."""

from __future__ import annotations

from datetime import timedelta

from prefect import flow
from prefect.artifacts import create_table_artifact

from flows._loop import open_loop
from tasks import claims
from tasks.steps import say


@flow(name="reap", description=__doc__)
def reap() -> int:
    """How many claims were freed."""
    engine = open_loop().engine
    lapsed = claims.reap(engine)
    claims.forget(engine, "webhook", timedelta(days=1))  # a signature is valid for minutes
    for one in lapsed:
        say(f"freed {one.subject}, held by {one.holder} until {one.expires:%Y-%m-%d %H:%M:%S} UTC")
    if lapsed:
        rows = [{"subject": one.subject, "holder": one.holder, "expired": one.expires.isoformat()} for one in lapsed]
        create_table_artifact(rows, key="reaped-claims", description="Claims whose holder gave no sign any more")
    return len(lapsed)
