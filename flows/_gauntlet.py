"""What every gauntlet's flow shares: its parameters, the run that is watched, and the tail from figures to the registry."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from prefect import Flow, flow, get_client
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.runtime import flow_run

from gauntlet.flows._workers import WORKERS
from gauntlet.tasks.audit import Finding
from gauntlet.tasks.contract import Artifact, Judgement, Prepared, Story, Summary
from gauntlet.tasks.gauntlet import Gauntlet, Request
from gauntlet.tasks.registry.own_keys import own_keys
from gauntlet.tasks.registry.register import assign_alias, champion_of, register
from gauntlet.tasks.registry.submission import submissions
from gauntlet.tasks.report.build import page_of, result_of
from gauntlet.tasks.report.result import results_rows, verdict_markdown
from gauntlet.tasks.result import GauntletResult, Quarantined, as_json
from gauntlet.tasks.runtime.connection import Connection, data_root, resolve
from gauntlet.tasks.runtime.settings import private_home, settings
from gauntlet.tasks.runtime.steps import LINEAGE, STOPWATCH, run_id, say, step
from gauntlet.tasks.runtime.tracking import TrackedRun, experiment, log, log_dataset, log_files, servers, tracked

P = ParamSpec("P")
R = TypeVar("R")

# The parameters that every gauntlet has; its own stand in its row of the table.
SHARED = {
    "data": "Your own folder or file in the publisher's layout; empty for the published or the simulated one.",
    "source": "auto takes real files where they are and otherwise simulates; every result says which it was.",
    "seed": "The same seed and data give the same figures, to the digit.",
    "allow_leakage": "Go on in spite of the audit's findings; everything is then marked as leaked.",
}


def gauntlet_flow(gauntlet: Gauntlet) -> Callable[[Callable[P, R]], Flow[P, R]]:
    """The function as the flow of a gauntlet: named, described by its module's text and by the table's parameters."""

    def made(function: Callable[P, R]) -> Flow[P, R]:
        helps = {**SHARED, **{name: one.help for name, one in gauntlet.parameters.items()}}
        arguments = "\n".join(f"    {name}: {helps[name]}" for name in inspect.signature(function).parameters)
        function.__doc__ = f"{function.__doc__}\n\nArgs:\n{arguments}\n"
        described = inspect.getdoc(inspect.getmodule(function))
        return flow(name=gauntlet.name, description=described, flow_run_name=run_name, task_runner=WORKERS)(function)

    return made


def run_name() -> str:
    """The flow run's name in Prefect, until the data say what they are."""
    return f"{flow_run.flow_name} · {flow_run.parameters.get('source', 'auto')}"


@dataclass(frozen=True)
class Run:
    """A gauntlet under way: what it was asked for, its servers, its MLflow run, its key and when it began."""

    gauntlet: Gauntlet
    request: Request
    connection: Connection
    tracked: TrackedRun
    key_file: Path
    began: float

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """Where to find this run again, for the report."""
        return (("MLflow run", self.tracked.url), ("Prefect flow run", run_id()))


def _connect(gauntlet: Gauntlet, connection: Connection, key_file: Path) -> str:
    own_keys(connection, key_file)
    with servers(connection):
        return experiment(gauntlet.experiment, connection, gauntlet.purpose, {"gauntlet": gauntlet.name})


@contextmanager
def gauntlet_run(gauntlet: Gauntlet, parameters: Mapping[str, Any]) -> Iterator[Run]:
    """A tracked run against the configured servers, or a `ServiceDown` before any work is done.

    `parameters`: the flow's, by name: the shared ones, and the gauntlet's own.
    """
    began = time.monotonic()
    cfg = settings()
    private_home(cfg)
    connection = resolve(cfg)
    connection.export()
    own = {name: value for name, value in parameters.items() if name in gauntlet.parameters}
    request = Request(
        data=parameters["data"],
        source=parameters["source"],
        seed=parameters["seed"],
        root=data_root(cfg),
        cache=cfg.state / "cache",
        workers=cfg.workers,
        quarantine_limit=cfg.quarantine_limit,
        allow_leakage=parameters["allow_leakage"],
        parameters=own,
    )
    experiment_id = step(_connect, calls_server=True)(gauntlet, connection, cfg.key_file)
    tags = {"gauntlet": gauntlet.name, "prefect_flow_run": run_id()}
    try:
        with tracked(connection, experiment_id, gauntlet.name, tags) as mlflow_run:
            log(mlflow_run, parameters={"seed": request.seed, "source": request.source, **own})
            yield Run(gauntlet, request, connection, mlflow_run, cfg.key_file, began)
    finally:
        LINEAGE.forget(run_id())


def conclude(
    run: Run,
    prepared: Prepared,
    judgement: Judgement,
    findings: Sequence[Finding],
    story: Story,
    artifacts: Sequence[Artifact],
) -> GauntletResult:
    """The finished result: report, versions and their aliases, told to MLflow and Prefect, with timings."""
    gauntlet, name = run.gauntlet, run.gauntlet.name
    result = result_of(gauntlet, prepared.summary, judgement, story, findings, run.request.seed)
    best = result.best if judgement.stated and not findings else None
    made = step(submissions, "prepare registration")(prepared, judgement, artifacts, findings)
    registering = step(register, run_name="register {submission.name}", calls_server=True)
    versions = registering.each(made, run.tracked, run.connection, run.key_file, label=f"{name}-registration")
    names = gauntlet.registered
    registered = step(assign_alias, calls_server=True)(made, versions, best, names, run.connection, run.key_file)
    holders = list(dict.fromkeys([*names, *(version.name for version in registered)]))
    result = replace(
        result,
        registered=registered,
        champion=champion_of(holders, run.connection) if registered else None,
        report=f"{run.tracked.artifact_uri}/report.html",
    )
    step(publish, calls_server=True)(run, prepared.summary, story, result)
    _show_in_prefect(run, result)
    timings = STOPWATCH.timings(run_id(), run.began)
    say(f"{name}: {timings['total']:.0f} s, of which orchestration {timings['orchestration']:.1f} s")
    return replace(result, timings_s={name: round(seconds, 3) for name, seconds in timings.items()})


def publish(run: Run, summary: Summary, story: Story, result: GauntletResult) -> None:
    """Figures of the best candidate, report, pictures and the whole result in the run of MLflow."""
    page = page_of(run.gauntlet, summary, story, result, run.facts)
    with servers(run.connection):
        best = next((row.metrics for row in result.candidates if row.name == result.best), {})
        leaked = result.leakage.leaked
        tags = {
            "source": result.source,
            "leaked": str(leaked).lower(),
            "best": result.best,
            "mlflow.runName": " · ".join([result.gauntlet, result.source, *(["leaked"] if leaked else [])]),
            "mlflow.note.content": " ".join(result.verdict),
        }
        log(run.tracked, metrics={name: value for name, value in best.items() if isfinite(value)}, tags=tags)
        log_dataset(run.tracked, result.gauntlet, result.data_hash, result.source)
        plots = {f"plots/{name}": png for name, png in story.pictures.items()}
        log_files(run.tracked, {"report.html": page.encode(), "result.json": as_json(result).encode(), **plots})


def show_quarantine(run: Run, files: Sequence[Quarantined]) -> None:
    """The files that were set aside as a table of the flow run, with their reasons; none, no table."""
    if files:
        key = f"{run.gauntlet.name}-quarantine"
        say(f"{len(files)} file{'s' * (len(files) > 1)} set aside, see the artifact {key}")
        table = [{"file": file.file, "reason": file.reason} for file in files]
        create_table_artifact(table, key=key, description="Files set aside, and why")


def _show_in_prefect(run: Run, result: GauntletResult) -> None:
    """Verdict, table and links as artifacts of the flow run, which is named by what the data were."""
    name = run.gauntlet.name
    create_markdown_artifact(verdict_markdown(result, run.tracked.url), key=f"{name}-verdict", description="Verdict")
    if rows := results_rows(result):
        create_table_artifact(rows, key=f"{name}-results", description="Results table")
    link = f"{run.tracked.url}/artifacts/report.html"
    create_link_artifact(link, key=f"{name}-report", link_text="Report", description="HTML report in MLflow")
    with get_client(sync_client=True) as client:
        leaked = ["leaked"] if result.leakage.leaked else []
        title = " · ".join([name, result.source, *leaked])
        client.update_flow_run(flow_run.id, name=title, tags=sorted({*flow_run.tags, name, result.source, *leaked}))
