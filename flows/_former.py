"""What every gauntlet's flow shares: the run that is watched, and the result that is told."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import TypeVar

from prefect import get_client
from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.futures import PrefectFutureList, as_completed
from prefect.runtime import flow_run

from gauntlet.tasks.registry.register import champion_of
from gauntlet.tasks.report.result import results_rows, verdict_markdown
from gauntlet.tasks.result import GauntletResult, Quarantined, Registered, as_json
from gauntlet.tasks.runtime.connection import Connection, data_root, resolve
from gauntlet.tasks.runtime.former_steps import step
from gauntlet.tasks.runtime.settings import settings
from gauntlet.tasks.runtime.steps import STOPWATCH, run_id, say
from gauntlet.tasks.runtime.tracking import TrackedRun, experiment, log, log_dataset, log_files, servers, tracked

Result = TypeVar("Result")


@dataclass(frozen=True)
class Run:
    """A gauntlet under way: its servers, its MLflow run, its key and when it began."""

    name: str
    connection: Connection
    tracked: TrackedRun
    key_file: Path
    data_root: Path
    began: float

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """Where to find this run again, for the report."""
        return (("MLflow run", self.tracked.url), ("Prefect flow run", run_id()))


def run_name() -> str:
    """The flow run's name in Prefect, until the data say what they are."""
    return f"{flow_run.flow_name} · {flow_run.parameters.get('source', 'auto')}"


def _open_experiment(name: str, connection: Connection) -> str:
    with servers(connection):
        return experiment(name, connection)


open_experiment = step(_open_experiment, "connect", calls_server=True)


@contextmanager
def gauntlet_run(name: str, experiment_name: str, parameters: Mapping[str, object]) -> Iterator[Run]:
    """A tracked run against the configured servers, or a `ServiceDown` before any work is done."""
    began = time.monotonic()
    cfg = settings()
    connection = resolve(cfg)
    connection.export()
    experiment_id = open_experiment(experiment_name, connection)
    tags = {"gauntlet": name, "prefect_flow_run": run_id()}
    with tracked(connection, experiment_id, name, tags) as mlflow_run:
        log(mlflow_run, parameters=parameters)
        key_file = cfg.signing_key or cfg.state / "keys" / "signing.pem"
        yield Run(name, connection, mlflow_run, key_file, data_root(cfg), began)


def watched(futures: PrefectFutureList[Result], what: str) -> list[Result]:
    """The results in the order of the futures; a bar in the Prefect UI follows how many are done."""
    futures = PrefectFutureList(futures)
    bar = create_progress_artifact(0.0, key=what, description=f"{what}: {len(futures)} side by side")
    for done, _ in enumerate(as_completed(list(futures)), start=1):
        update_progress_artifact(bar, 100.0 * done / len(futures))
    return futures.result()


def quarantine_artifact(run: Run, files: Sequence[Quarantined]) -> None:
    """The files that were set aside as a table of the flow run, with their reasons; none, no table."""
    if files:
        say(f"{len(files)} file{'s' * (len(files) > 1)} set aside, see the artifact {run.name}-quarantine")
        table = [{"file": one.file, "reason": one.reason} for one in files]
        create_table_artifact(table, key=f"{run.name}-quarantine", description="Files set aside, and why")


def _publish_result(run: Run, result: GauntletResult, page: str) -> None:
    with servers(run.connection):
        best = next((row.metrics for row in result.candidates if row.name == result.best), {})
        tags = {"source": result.source, "leaked": str(result.leakage.leaked).lower()}
        log(run.tracked, metrics={name: value for name, value in best.items() if isfinite(value)}, tags=tags)
        log_dataset(run.tracked, result.gauntlet, result.data_hash, result.source)
        log_files(run.tracked, {"report.html": page.encode(), "result.json": as_json(result).encode()})


publish_result = step(_publish_result, "publish", calls_server=True)


def conclude(run: Run, result: GauntletResult, registered: tuple[Registered, ...], page: str) -> GauntletResult:
    """The finished result: told to MLflow and Prefect, with versions, champion, timings and the report's address."""
    names = [one.name for one in registered]
    result = replace(
        result,
        registered=registered,
        champion=champion_of(names, run.connection) if names else None,
        report=f"{run.tracked.artifact_uri}/report.html",
    )
    publish_result(run, result, page)
    _tell_prefect(run, result)
    timings = STOPWATCH.timings(run_id(), run.began)
    say(f"{run.name}: {timings['total']:.0f} s, of which orchestration {timings['orchestration']:.1f} s")
    return replace(result, timings_s={name: round(seconds, 3) for name, seconds in timings.items()})


def _tell_prefect(run: Run, result: GauntletResult) -> None:
    """Verdict, table and links as artifacts of the flow run, which is named by what the data were."""
    create_markdown_artifact(
        verdict_markdown(result, run.tracked.url), key=f"{run.name}-verdict", description="Verdict"
    )
    if rows := results_rows(result):
        create_table_artifact(rows, key=f"{run.name}-results", description="Results table")
    link = f"{run.tracked.url}/artifacts/report.html"
    create_link_artifact(link, key=f"{run.name}-report", link_text="Report", description="HTML report in MLflow")
    with get_client(sync_client=True) as client:
        leaked = ["leaked"] if result.leakage.leaked else []
        name = " · ".join([run.name, result.source, *leaked])
        client.update_flow_run(flow_run.id, name=name, tags=sorted({*flow_run.tags, run.name, result.source, *leaked}))
