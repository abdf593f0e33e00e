"""`gauntlet keys`: the keys that sign models and the loop's documents, by name; a key itself is never shown."""

from __future__ import annotations

import typer

from gauntlet.datasets.errors import BadInput
from gauntlet.tasks.runtime.settings import settings


def register(app: typer.Typer) -> None:
    """Add the verbs `keys list`, `keys rotate` and `keys new`."""
    keys = typer.Typer(
        help="The keys that sign models and the loop's documents: names, a new current one.", no_args_is_help=True
    )
    keys.command("list")(show)
    keys.command()(rotate)
    keys.command()(new)
    app.add_typer(keys, name="keys")


def show() -> None:
    """The names of the keys, the current one first, and where they lie."""
    from gauntlet.tasks.registry.keys import signing_key

    path = settings().key_file
    for place, name in enumerate(signing_key(path).names):
        print(f"{name}  {'signs and verifies' if place == 0 else 'verifies what it signed'}")
    print(f"in {path}: keep a copy elsewhere; without it no registered version can be loaded")


def rotate() -> None:
    """A new key signs from now on; what the older ones signed is still read. Copy the file to further hosts at once."""
    from gauntlet.tasks.registry.keys import rotate as add_key

    path = settings().key_file
    names = add_key(path).names
    print(f"{names[0]} signs from now on; {', '.join(names[1:])} still verify")
    print(f"copy {path} to its backup and to every further host: without the new key they refuse what it signs")


def new() -> None:
    """Begin anew where the keys are lost: what they signed can never be loaded again, and is registered anew."""
    from gauntlet.tasks.registry.keys import make_key

    path = settings().key_file
    if path.exists():
        raise BadInput(path, "there are keys already", do="run `gauntlet keys rotate` for a new current one")
    print(f"{make_key(path).names[0]} signs from now on; it lies in {path}: keep a copy elsewhere")
