"""Everything that a Prefect server needs to run the gauntlets: block types, blocks, a work pool, deployments."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from prefect import get_client
from prefect.blocks.core import Block
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from prefect.exceptions import ObjectAlreadyExists

from gauntlet.blocks import (
    BLOCKS,
    AlertChannel,
    ArtifactStore,
    DataLocation,
    DriftPolicy,
    RetrainPolicy,
    TelemetryDatabase,
    TrackingServer,
)
from gauntlet.datasets.address import without_login
from gauntlet.datasets.errors import GauntletError
from gauntlet.tasks.registry.own_keys import own_keys
from gauntlet.tasks.runtime.connection import Connection, block_name, resolve
from gauntlet.tasks.runtime.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
WORK_POOL = "gauntlet"
TAG = "gauntlet"  # of every deployment in prefect.yaml


def deploy(cfg: Settings) -> Iterator[str]:
    """What was done, a line at a time. Every step may be repeated; a block that a user edited is left alone.

    Raises:
        GauntletError: Prefect refused the deployments; its reason is in the message.
        BadInput: the keys are missing although the registry holds signed versions.
    """
    connection = resolve(cfg, blocks=False)
    connection.export()
    yield f"keys         {own_keys(connection, cfg.key_file).names[0]} signs ({cfg.key_file})"
    for kind in BLOCKS:
        kind.register_type_and_schema()
        yield f"block type   {kind._block_type_name}"
    for document in _documents(cfg, connection):
        if _save_once(document):
            yield f"block        {document.get_block_type_slug()}/{block_name(document)}"
    if without_login(connection.tracking_uri) != connection.tracking_uri:
        yield "              the tracking server's login stays here: give MLFLOW_TRACKING_URI with it to each further worker"
    yield f"work pool    {WORK_POOL} ({_work_pool()})"
    yield from _deployments(cfg)


def _documents(cfg: Settings, connection: Connection) -> tuple[Block, ...]:
    keys = connection.credentials
    # Whoever may look at Prefect's pages reads them there: a login goes to each worker by its environment.
    return (
        TrackingServer(tracking_uri=without_login(connection.tracking_uri), follow_local_stack=not cfg.own_mlflow),
        ArtifactStore(
            bucket=connection.bucket,
            endpoint_url=without_login(connection.s3_endpoint_url or ""),
            region=connection.region,
            # The local stack's keys stay in its own file; an own server's are kept encrypted by Prefect.
            access_key=keys.access_key if keys and cfg.own_s3 else "",
            secret_key=keys.secret_key if keys and cfg.own_s3 else None,
            follow_local_stack=not cfg.own_s3,
        ),
        DataLocation(root=cfg.data_root),
        # As they are by default, so that an operator finds them to edit.
        DriftPolicy(),
        RetrainPolicy(),
        AlertChannel(),
        TelemetryDatabase(),
    )


def _save_once(document: Block) -> bool:
    """True when the block was saved; False when one of this name is there, which may be a user's edit."""
    try:
        document.save(block_name(document))
    except ValueError:
        return False
    return True


def _work_pool() -> str:
    with get_client(sync_client=True) as client:
        try:
            client.create_work_pool(WorkPoolCreate(name=WORK_POOL, type="process"))
        except ObjectAlreadyExists:
            return "was there"
    return "made"


def _deployments(cfg: Settings) -> Iterator[str]:
    answer = subprocess.run(
        [sys.executable, "-P", "-m", "prefect", "--no-prompt", "deploy", "--all"],
        cwd=ROOT,
        env={
            **os.environ,
            "GAUNTLET_HOME": str(cfg.state),
            "GAUNTLET_ROOT": str(ROOT),
            "PYTHONSAFEPATH": "1",
            "COLUMNS": "1000",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        lines = [line for line in (answer.stdout + answer.stderr).splitlines() if line.strip()]
        raise GauntletError(f"prefect deploy failed: {lines[-1] if lines else 'no message'}")
    with get_client(sync_client=True) as client:
        ours = DeploymentFilter(tags=DeploymentFilterTags(all_=[TAG]))
        for deployment in client.read_deployments(deployment_filter=ours):
            schedules = (
                ", ".join(str(getattr(schedule.schedule, "cron", "")) for schedule in deployment.schedules) or "by hand"
            )
            yield f"deployment   {deployment.name} ({schedules})"
