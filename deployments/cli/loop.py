"""`gauntlet score`, `drift`, `retrain`, `promote` and `models`: the loop by hand, the same flows that run on schedules."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from gauntlet.datasets.errors import BadInput
from gauntlet.deployments.cli.run import call_flow
from gauntlet.deployments.stack import session_stack
from gauntlet.deployments.stack.services import free
from gauntlet.deployments.stack.trouble import holder
from gauntlet.flows import flow_named
from gauntlet.tasks.gauntlets import in_loop
from gauntlet.tasks.runtime.settings import settings

Name = Annotated[str, typer.Argument(help="Gauntlet by name.")]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    for verb in (score, drift, retrain, promote, models, api):
        app.command()(verb)


def score(
    name: Name, data: Annotated[Path | None, typer.Option(help="Folder of new files, or one file.")] = None
) -> None:
    """Score new data with the champion: predictions in S3, and in SQL where configured; each row once."""
    if data is not None and not data.exists():
        raise BadInput(data, "there is no such folder or file", do="check --data")
    done = _call("score", gauntlet=_known(name), data=data.absolute() if data else None)
    for one in done:
        if one.state != "waits":
            print(f"refused {one.why}" if one.why else f"{one.file}: {one.state}, {one.rows} rows, {one.alarms} alarms")
        for line in one.lines:
            print(f"  {line}")


def drift(name: Name, data: Annotated[Path | None, typer.Option(help="Score these first.")] = None) -> None:
    """Compare the newest scored rows with the champion's reference, and say what is to be done."""
    if data is not None:
        score(name, data)
    told = _call("drift-check", gauntlet=_known(name))
    print(f"{name}: {str(told['verdict']).replace('_', ' ')}. {told.get('action', '')}".rstrip())
    for line in told.get("evidence", []):
        print(f"  {line}")


Request = Annotated[
    str,
    typer.Option(help="An id of your own: the same one again does nothing twice and is told what came of the first."),
]


def retrain(
    name: Name,
    reason: Annotated[str, typer.Option(help="Why, for the log.")] = "asked for on the command line",
    request: Request = "",
) -> None:
    """Train a challenger on what was scored since, if the policy lets it, and promote it if it is better."""
    told = _call(
        "retrain", gauntlet=_known(name), reason=reason, requested_by=os.environ.get("USER", ""), request=request
    )
    print(", ".join(f"{key} {value}" for key, value in told.items() if value))
    if told["state"] == "refused":
        raise typer.Exit(1)


def promote(
    name: Name,
    rollback: Annotated[bool, typer.Option("--rollback", help="Give the alias back to the champion before.")] = False,
    reason: Annotated[str, typer.Option(help="Why, for the log.")] = "",
    request: Request = "",
) -> None:
    """Compare challenger and champion and move the alias; or move it back."""
    told = _call(
        "promote",
        gauntlet=_known(name),
        rollback=rollback,
        reason=reason,
        by=os.environ.get("USER", ""),
        request=request,
    )
    print(f"{name}: {told['verdict']}; champion {told['champion']}")
    for line in told["reasons"]:
        print(f"  {line}")


def models(
    sensor_type: Annotated[
        str | None, typer.Option("--sensor-type", help="Only models for this kind of sensor.")
    ] = None,
) -> None:
    """The registered models: version that counts, kind of sensor, aliases."""
    with session_stack(settings(), say=lambda _: None):
        from gauntlet.tasks.registry.selection import get_all_registered_models, get_model_recommendations
        from gauntlet.tasks.runtime.connection import resolve

        resolve(settings()).export()
        found = get_model_recommendations(sensor_type) if sensor_type else get_all_registered_models()
    if not found:
        print(f"no model for {sensor_type} is registered" if sensor_type else "no model is registered")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("model", "version", "sensor type", "aliases", "data"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "model")
    for one in found:
        aliases = "\n".join(f"{alias} v{version}" for alias, version in sorted(one.aliases.items()))
        table.add_row(one.name, str(one.version or "–"), one.sensor_type, aliases or "–", one.tags.get("source", "–"))
    Console().print(table)


def api(
    host: Annotated[str, typer.Option(help="Address to listen at; loopback unless told otherwise.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen at.")] = 8780,
    trusted_proxy: Annotated[
        list[str] | None,
        typer.Option("--trusted-proxy", help="Address or network whose X-Forwarded-For is believed; may be repeated."),
    ] = None,
) -> None:
    """Serve the signed webhook: `POST /hooks/retrain` and `/hooks/maintenance`, health at `/healthz` and `/readyz`."""
    from gauntlet.deployments.connections import Limits, checked_proxies

    limits = Limits(trusted_proxies=checked_proxies(trusted_proxy or ()))
    if not free(port, host=host):
        what = f"--port {port} at {host}: in use by {holder(port)}"
        raise BadInput(None, what, do="end that, or name another with --port")
    with session_stack(settings()):
        from gauntlet.deployments.api import from_environment, serve

        serve(from_environment(), host, port, limits)


def _known(name: str) -> str:
    return in_loop(name).name


def _call(flow: str, **parameters: Any) -> Any:
    """The flow's result, against the servers at hand."""
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    with session_stack(settings(), say=lambda _: None):
        return call_flow(flow_named(flow), parameters, quiet=False)
