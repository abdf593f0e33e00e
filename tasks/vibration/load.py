"""Load: which runs are at hand, and what is known of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gauntlet.datasets.ims_levels import LevelTable, level_tables
from gauntlet.datasets.records.run_truth import Seen, truths
from gauntlet.datasets.records.snapshot import Run, Truth
from gauntlet.datasets.source import locate
from gauntlet.datasets.spec import Provenance
from gauntlet.tasks.gauntlet import Request
from gauntlet.tasks.vibration.definition import VibrationGauntlet


@dataclass(frozen=True, eq=False)
class VibrationData:
    """What was found in the folder: runs of raw snapshots, complete level tables beside them, and what is known."""

    folder: Path
    source: Provenance
    runs: tuple[Run, ...]
    levels: tuple[LevelTable, ...]
    truth: tuple[Truth, ...]


@dataclass(frozen=True, eq=False)
class LoadedRuns:
    """What a run of the gauntlet begins with."""

    gauntlet: VibrationGauntlet
    request: Request
    data: VibrationData


def load(gauntlet: VibrationGauntlet, request: Request) -> LoadedRuns:
    """The runs in the folder, the published ones, somebody's own in their format, or simulated ones; nothing is read.

    Raises:
        BadInput: nothing of the set is there.
    """
    simulation = gauntlet.module.simulation(request.seed)
    place = locate(gauntlet.module.SPEC, request.source, request.data, request.root, simulation)
    runs = gauntlet.module.runs(place.path)
    levels = level_tables(place.path) if gauntlet.name == "nasa" else ()
    seen = {table.run: Seen(table.first, table.rows) for table in levels}
    seen |= {run.name: Seen(run.files[0].path.name, len(run.files)) for run in runs}
    known = truths(gauntlet.module.SPEC, place.path, seen)
    return LoadedRuns(gauntlet, request, VibrationData(place.path, place.source, runs, levels, known))
