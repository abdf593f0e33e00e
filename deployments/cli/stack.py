"""`gauntlet up`, `down`, `status` and `deploy`: the servers, and what is deployed to them."""

from __future__ import annotations

import typer

from deployments import stack
from tasks.settings import settings


def register(app: typer.Typer) -> None:
    """Add the verbs `up`, `down`, `status` and `deploy`."""
    for verb in (up, down, status, deploy):
        app.command()(verb)


def up() -> None:
    """Start the local servers that are not up: S3, MLflow, Prefect. Safe to repeat; mends what was killed."""
    stack.up(settings())


def down() -> None:
    """Stop the servers that `up` started, and nothing else."""
    if not stack.down(settings()):
        print("nothing to stop")


def status() -> None:
    """Show how each server is; exit status 0 when all are well, else 1."""
    found = stack.status(settings())
    for service in found:
        print(service.line())
    if any(service.state not in ("healthy", "yours") for service in found):
        raise typer.Exit(1)


def deploy() -> None:
    """Register block types, blocks, work pool and scheduled deployments with Prefect. Safe to repeat."""
    with stack.session_stack(settings()):
        from deployments.deploy import deploy as deploy_all  # Prefect must find its address when it is imported

        for line in deploy_all(settings()):
            print(line)
