"""`gauntlet bench`: how fast the hot paths are on this machine, as ratios against the plain way, same files, same run."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from gauntlet.datasets import dataset
from gauntlet.datasets.source import locate
from gauntlet.tasks.runtime.settings import settings


def register(app: typer.Typer) -> None:
    """Add the verbs below `bench`."""
    verbs = typer.Typer(help="Measure the hot paths: ratios, same work, same run.", no_args_is_help=True)
    verbs.command()(vibration)
    verbs.command()(sound)
    verbs.command()(startup)
    app.add_typer(verbs, name="bench")


def vibration(
    data: Annotated[
        Path | None, typer.Option(help="Folder of IMS snapshots; without it real or simulated ones.")
    ] = None,
    files: Annotated[int, typer.Option(min=1, help="How many snapshots.")] = 24,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of which the median counts.")] = 5,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the parallel ways.")] = 2,
) -> None:
    """Read and featurize snapshots: against pandas and scipy, tsfel and tsfresh where installed, and the bare reading."""
    from gauntlet.tasks.vibration.bench import bench

    module = dataset("nasa")
    place = locate(module.SPEC, "auto", data, settings().data_root, module.simulation())
    runs = module.runs(place.path)
    run = next((run for run in runs if len(run.channels) == 4), runs[0])
    _print(bench(run, files, rounds, threads), f"{run.name}, {place.source} data, {len(run.channels)} channels")


def sound(
    data: Annotated[Path | None, typer.Option(help="Folder of clips; without it real or simulated ones.")] = None,
    files: Annotated[int, typer.Option(min=1, help="How many clips.")] = 8,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of which the median counts.")] = 5,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the parallel ways.")] = 2,
) -> None:
    """Read and featurize clips: against librosa file by file."""
    from gauntlet.tasks.sound.bench import bench

    module = dataset("mimii")
    place = locate(module.SPEC, "auto", data, settings().data_root, module.simulation(7, 0.1))
    found = module.read(place.path)
    _print(bench(found.clips, files, rounds, threads), f"{place.source} clips")


def startup(
    arguments: Annotated[str, typer.Option(help="What the command line is called with.")] = "--help",
    against: Annotated[Path | None, typer.Option(help="A checkout of another version to measure beside.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of which the median counts.")] = 5,
) -> None:
    """Start the command line as a whole process: against another checkout, and the bare interpreter."""
    from gauntlet.deployments.startup_bench import bench

    _print(bench(shlex.split(arguments), against, rounds), f"gauntlet {arguments}")


def _print(rows: Sequence[Any], title: str) -> None:
    """A benchmark's rows as a table: whatever numbers they have, under their names."""
    names = [field.name for field in fields(rows[0])]
    table = Table(*(name.replace("_", " ") for name in names), title=title, title_justify="left", box=None)
    for row in rows:
        values = [getattr(row, name) for name in names]
        table.add_row(*(f"{value:,.3g}" if isinstance(value, float) else str(value) for value in values))
    Console(width=max(Console().width, 130)).print(table)
