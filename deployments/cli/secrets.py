"""`gauntlet secrets`: the secrets of the compose file, as files that only its containers read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the verb `secrets`."""
    app.command()(secrets)


def secrets(
    folder: Annotated[
        Path | None, typer.Option(help="Where they go; `secrets/` beside the compose file, which mounts them.")
    ] = None,
) -> None:
    """Make the secrets of the compose file that are not there; one that is there stays. They are never shown."""
    from gauntlet.deployments.secret_files import FOLDER, containers_user, make_secrets

    place = folder or FOLDER
    made = make_secrets(place)
    print(f"made in {place}: {', '.join(made)}" if made else f"{place}: all are there")
    print(f"they belong to the user {containers_user()}: GAUNTLET_UID={containers_user()} in deployments/.env")
    print("keep a copy elsewhere; to replace one, remove its file, and see docs/operations.md")
