"""Features of raw vibration snapshots: the files of a run in pieces of seconds, a row of features per file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gauntlet.datasets.records.snapshot import Run, SnapshotFile
from gauntlet.tasks.vibration.featurize.table import FeatureTable, chunks, feature_table
from gauntlet.tasks.vibration.load import LoadedRuns


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some files of a run, the work of one task."""

    run: Run
    files: tuple[SnapshotFile, ...]

    @property
    def label(self) -> str:
        """For the task's name: which files of which run."""
        return f"{self.run.name} {self.files[0].index + 1}-{self.files[-1].index + 1}"


def cut(loaded: LoadedRuns) -> list[Chunk]:
    """The work, in pieces of seconds."""
    return [Chunk(run, files) for run in loaded.data.runs for files in chunks(run)]


def featurize(chunk: Chunk, cache: Path) -> FeatureTable:
    """The features of a chunk; files that were read before are taken from the cache by their content."""
    return feature_table(chunk.run, cache, files=chunk.files)
