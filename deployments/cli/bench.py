"""`gauntlet bench`: how fast the hot paths are on this machine, as ratios against the plain way, same files, same run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from datasets import dataset
from datasets.source import locate
from tasks.settings import settings


def register(app: typer.Typer) -> None:
    """Add the verbs below `bench`."""
    verbs = typer.Typer(help="Measure the hot paths: ratios, same work, same run.", no_args_is_help=True)
    verbs.command()(vibration)
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
    from tasks.featurize.vibration_bench import bench

    module = dataset("nasa")
    place = locate(module.SPEC, "auto", data, settings().data_root, module.simulation())
    runs = module.runs(place.path)
    run = next((one for one in runs if len(one.channels) == 4), runs[0])
    table = Table(
        "way", "ms a snapshot", "times the plain way", "MB/s", "share of the limit", "resident MB",
        title=f"{run.name}, {place.source} data, {len(run.channels)} channels", title_justify="left", box=None,
    )  # fmt: skip
    for row in bench(run, files, rounds, threads):
        table.add_row(
            row.way, f"{row.ms:.2f}", f"{row.ratio:.2f}", f"{row.megabytes_per_s:.0f}", f"{row.share_of_limit:.3f}",
            f"{row.resident_mb:.0f}",
        )  # fmt: skip
    Console().print(table)
