"""Can every version with an alias be relied on? Loads, answers its example, its files are in S3, its reference is there.

versions with an alias ─> check (each, side by side) ─> S3 map as table and HTML
"""

from __future__ import annotations

from prefect import flow
from prefect.artifacts import create_link_artifact, create_table_artifact

from gauntlet.datasets.errors import GauntletError
from gauntlet.flows._loop import Loop, name_run, open_loop
from gauntlet.flows._workers import WORKERS
from gauntlet.tasks.loop import inventory
from gauntlet.tasks.loop.inventory import Checked
from gauntlet.tasks.report.page import Page, Section, Table, render
from gauntlet.tasks.runtime.steps import gathered, run_id, say, step
from gauntlet.tasks.runtime.tracking import experiment, log_files, servers, tracked

find_versions = step(inventory.versions_with_alias, "find versions", calls_server=True)
check = step(inventory.check, "check", run_name="check {name} v{version}", calls_server=True)


def _keep(loop: Loop, page: str) -> str:
    """The page in MLflow; its address."""
    with servers(loop.connection):
        place = experiment("Registry Validation", loop.connection, "Can every version with an alias be relied on?")
        with tracked(loop.connection, place, "registry validation", {"prefect_flow_run": run_id()}) as run:
            log_files(run, {"s3-map.html": page.encode()})
            return f"{run.url}/artifacts/s3-map.html"


keep = step(_keep, "keep", calls_server=True)


@flow(
    name="validate-registry",
    description=__doc__,
    task_runner=WORKERS,
)
def validate_registry(models: list[str] | None = None) -> list[Checked]:
    """Check every version that bears an alias; fails, after the table was written, when one cannot be relied on.

    Args:
        models: Only the versions of these models; empty for all.
    """
    loop = open_loop()
    found = find_versions(models or [])
    if not found:
        say("no version has an alias yet")
        return []
    checks = [check.submit(name, version, aliases, loop.connection, loop.key_file) for name, version, aliases in found]
    checked = gathered(checks, "registry-validation")
    rows = inventory.rows_of(checked)
    create_table_artifact(
        rows, key="s3-map", description="Experiment, run, model and folder of every version with an alias"
    )
    faults = [version for version in checked if version.fault]
    link = keep(loop, _page(rows, faults))
    create_link_artifact(link, key="s3-map-page", link_text="S3 map")
    name_run(f"validate-registry · {len(checked) - len(faults)} of {len(checked)} well")
    if faults:
        named = "; ".join(f"{fault.model} v{fault.version}: {fault.fault}" for fault in faults)
        loop.tell("failed", run_id(), f"registry validation: {named}")
        raise GauntletError(f"{len(faults)} of {len(checked)} versions cannot be relied on: {named}")
    return checked


def _page(rows: list[dict[str, str]], faults: list[Checked]) -> str:
    verdict = (
        f"{len(rows) - len(faults)} of {len(rows)} versions with an alias load, answer their examples and have all their "
        "files."
    )
    table = Table(tuple(rows[0]), tuple(tuple(row.values()) for row in rows))
    return render(Page("Registry validation", "S3 map", "", (verdict,), (Section("S3 map", (), (table,)),)))
