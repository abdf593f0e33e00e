"""`gauntlet data`: which data sets there are, fetching and simulating them."""

from __future__ import annotations

from types import ModuleType
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from datasets import DATASETS, dataset
from datasets.errors import BadInput
from datasets.provenance import provenance
from datasets.source import holds
from tasks.settings import settings


def register(app: typer.Typer) -> None:
    """Add the verbs `data list`, `data get` and `data simulate`."""
    verbs = typer.Typer(help="The data sets: list, fetch, simulate.", no_args_is_help=True)
    verbs.command("list")(list_)
    verbs.command()(get)
    verbs.command()(simulate)
    app.add_typer(verbs, name="data")


def list_() -> None:
    """The data sets, and whether their real files are here."""
    table = Table("name", "title", "licence", "here", "from", box=None, pad_edge=False)
    for name in DATASETS:
        spec = dataset(name).SPEC
        homes = [settings().data_root / folder for folder in spec.folders]
        here = next((f"{provenance(folder)} files" for folder in homes if holds(folder, spec)), "–")
        table.add_row(name, spec.title, spec.licence, here, spec.homepage)
    Console().print(table)


def get(name: Annotated[str, typer.Argument(help="Name of a data set, see `data list`.")]) -> None:
    """Download a data set from its publisher and check its hash."""
    print(_module(name).fetch(settings().data_root / name))


def simulate(
    name: Annotated[str, typer.Argument(help="Name of a data set, see `data list`.")],
    scale: Annotated[float, typer.Option(min=0.001, help="Size, as a share of the published one.")] = 1.0,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same files.")] = 7,
) -> None:
    """Write a simulated data set in its publisher's format; it is marked as simulated."""
    module = _module(name)
    drawn = module.simulation(seed, scale)
    print(drawn.write(settings().data_root / f"{name}-simulated" / drawn.draw))


def _module(name: str) -> ModuleType:
    if name not in DATASETS:
        raise BadInput(None, f"no data set {name!r}", expected=f"one of {', '.join(DATASETS)}")
    return dataset(name)
