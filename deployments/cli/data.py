"""`gauntlet data`: which data sets there are, fetching and simulating them."""

from __future__ import annotations

from inspect import signature
from typing import Annotated

import typer

from gauntlet.datasets import dataset, modules
from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.provenance import provenance
from gauntlet.datasets.source import holds
from gauntlet.tasks.runtime.settings import settings


def register(app: typer.Typer) -> None:
    """Add the verbs `data list`, `data get` and `data simulate`."""
    verbs = typer.Typer(help="The data sets: list, fetch, simulate.", no_args_is_help=True)
    verbs.command("list")(list_)
    verbs.command()(get)
    verbs.command()(simulate)
    app.add_typer(verbs, name="data")


def list_() -> None:
    """The data sets, and whether their real files are here."""
    for name in modules():
        spec = dataset(name).SPEC
        homes = [settings().data_root / folder for folder in spec.folders]
        here = next((f"{provenance(folder)} files here" for folder in homes if holds(folder, spec)), "not here")
        print(f"{name:10} {spec.title} ({spec.licence}); {here}")
        if spec.homepage:
            print(f"{'':10} {spec.homepage}")


def get(
    name: Annotated[str, typer.Argument(help="Name of a data set, see `data list`.")],
    part: Annotated[
        list[str] | None,
        typer.Option(help="Only this archive, such as 6_dB_fan of mimii, whose twelve are 100 GB; repeatable."),
    ] = None,
) -> None:
    """Download a data set from its publisher and check its hash."""
    fetch = dataset(name).fetch
    if part and "archives" not in signature(fetch).parameters:
        raise BadInput(None, f"{name} is published in one part", do="leave --part away")
    print(fetch(settings().data_root / name, **({"archives": tuple(part)} if part else {})))


def simulate(
    name: Annotated[str, typer.Argument(help="Name of a data set, see `data list`.")],
    scale: Annotated[float, typer.Option(min=0.001, help="Size, as a share of the published one.")] = 1.0,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same files.")] = 7,
) -> None:
    """Write a simulated data set in its publisher's format; it is marked as simulated."""
    module = dataset(name)
    drawn = module.simulation(seed, scale)
    print(drawn.write(settings().data_root / f"{name}-simulated" / drawn.draw))
