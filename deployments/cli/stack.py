"""`gauntlet up`, `down`, `status`, `deploy` and `worker`: the servers, what is deployed to them, and who does it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from gauntlet.datasets.errors import BadInput
from gauntlet.deployments import stack
from gauntlet.deployments.stack import probe
from gauntlet.deployments.stack import worker as working
from gauntlet.deployments.stack.under_way import under_way
from gauntlet.tasks.runtime.connection import USER, local_address, passwords_file, resolve
from gauntlet.tasks.runtime.settings import settings


def register(app: typer.Typer) -> None:
    """Add the verbs `up`, `down`, `status`, `deploy` and `worker`."""
    for verb in (up, down, status, deploy, worker):
        app.command()(verb)


def up(
    worker: Annotated[
        bool, typer.Option("--worker", help="Deploy, and start a worker that takes scheduled and triggered runs.")
    ] = False,
) -> None:
    """Start the local servers that are not up: S3, MLflow, Prefect. Safe to repeat; mends what was killed."""
    stack.up(settings())
    if worker:
        with stack.session_stack(settings(), say=lambda _: None) as urls:
            _deploy()
            api = settings().prefect_api_url or f"{urls['Prefect']}/api"
            working.up(settings(), api)
        print(working.line(settings()))


def down(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, whatever is under way.")] = False,
) -> None:
    """Stop the servers that `up` started, and nothing else; asks first where runs are under way."""
    if not yes:
        _ask_before_stopping()
    worked = working.down(settings())
    if not stack.down(settings()) and not worked:
        print("nothing to stop")


def _ask_before_stopping() -> None:
    """Nothing, when nothing is under way or a person says that it may be ended.

    Raises:
        BadInput: something is, and there is nobody to ask.
    """
    busy = under_way(settings())
    if not busy:
        return
    if not sys.stdin.isatty():
        what = f"{len(busy)} under way, which would be ended: {', '.join(busy)}"
        raise BadInput(None, what, do="wait for them, or type `gauntlet down --yes`")
    print("under way, and would be ended:")
    for line in busy:
        print(f"  {line}")
    if not typer.confirm("Stop the servers?"):
        print("nothing was stopped")
        raise typer.Exit(1)


def status(
    urls: Annotated[
        bool, typer.Option("--urls", help="Only the pages' addresses, and where user and password for them lie.")
    ] = False,
) -> None:
    """Show how each server is, ours by a real put, get and delete; exit status 0 when all are well, else 1."""
    if urls:
        _print_urls()
        return
    found = stack.status(settings())
    for service in found:
        print(service.line())
    if line := working.line(settings()):
        print(line)
    if any(service.state not in ("healthy", "yours") for service in found):
        raise typer.Exit(1)
    ours = {service.name for service in found if service.state == "healthy"}
    connection = resolve(settings(), blocks=False)
    probes = {"S3": probe.probe_s3, "MLflow": probe.probe_mlflow}
    faults = {side: ask(connection) for side, ask in probes.items() if side.lower() in ours}
    for side, fault in faults.items():
        print(f"{side}: {fault or 'put, get and delete are well'}")
    if any(faults.values()):
        raise typer.Exit(1)


def _print_urls() -> None:
    """The pages that a person opens; a password itself would stay in the terminal's history."""
    cfg = settings()
    named = {"Prefect": (cfg.prefect_api_url or "").removesuffix("/api"), "MLflow": cfg.mlflow_tracking_uri or ""}
    for page, own in named.items():
        service = page.lower()
        address = local_address(cfg, service)
        if own and own != address:
            print(f"{page:<8}  your own server")
        elif address is None:
            print(f"{page:<8}  never started: run `gauntlet up`")
        else:
            asked = f"{USER}:PASSWORD" if service == "prefect" else f"user {USER}, then PASSWORD"
            print(f"{page:<8}  {address:<28}  {asked}, which is {service!r} in {passwords_file(cfg)}")


def deploy() -> None:
    """Register block types, blocks, work pool and scheduled deployments with Prefect. Safe to repeat."""
    with stack.session_stack(settings()):
        _deploy()


def worker(
    healthcheck: Annotated[
        bool, typer.Option("--with-healthcheck", help="Answer `/health`, as a container's supervisor asks.")
    ] = False,
) -> None:
    """Take runs from the configured Prefect server until told to end; refuses to start where the keys are not."""
    working.take_over(settings(), healthcheck=healthcheck)


def _deploy() -> None:
    from gauntlet.deployments.deploy import deploy as deploy_all  # Prefect must find its address when it is imported

    for line in deploy_all(settings()):
        print(line)
