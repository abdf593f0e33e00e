"""Load: which runs are at hand, and their files in pieces of seconds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gauntlet.datasets.ims_levels import LevelTable, level_tables
from gauntlet.datasets.records.run_truth import Seen, truths
from gauntlet.datasets.records.snapshot import Run, SnapshotFile, Truth
from gauntlet.datasets.source import locate
from gauntlet.datasets.spec import Provenance
from gauntlet.tasks.gauntlet import Request
from gauntlet.tasks.vibration.featurize.table import FeatureTable, chunks, feature_table
from gauntlet.tasks.vibration.gauntlets import VibrationGauntlet


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


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some files of a run, the work of one task."""

    run: Run
    files: tuple[SnapshotFile, ...]

    @property
    def label(self) -> str:
        """For the task's name: which files of which run."""
        return f"{self.run.name} {self.files[0].index + 1}-{self.files[-1].index + 1}"


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


def cut(loaded: LoadedRuns) -> list[Chunk]:
    """The work, in pieces of seconds."""
    return [Chunk(run, files) for run in loaded.data.runs for files in chunks(run)]


def featurize(chunk: Chunk, cache: Path) -> FeatureTable:
    """The features of a chunk; files that were read before are taken from the cache by their content."""
    return feature_table(chunk.run, cache, files=chunk.files)
