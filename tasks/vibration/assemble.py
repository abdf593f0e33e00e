"""Assemble: the chunks' features become one table per run, and every bearing's life, which models are judged on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.io.signal_file import enforce_limit
from gauntlet.tasks.contract import Prepared, Summary
from gauntlet.tasks.result import InputSummary, Quarantined
from gauntlet.tasks.vibration.definition import Candidate, VibrationGauntlet
from gauntlet.tasks.vibration.featurize.table import FeatureTable, joined
from gauntlet.tasks.vibration.lives import Life, lives_of
from gauntlet.tasks.vibration.load import LoadedRuns, VibrationData


@dataclass(frozen=True, eq=False)
class PreparedLives(Prepared):
    """`tables`: features by run. `lives`: of the bearings that are seen long enough to learn a healthy beginning from."""

    gauntlet: VibrationGauntlet
    data: VibrationData
    tables: tuple[FeatureTable, ...]
    lives: tuple[Life, ...]

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """Who is trained: nobody where no life is long enough."""
        return self.gauntlet.detectors if self.lives else ()


def assemble(loaded: LoadedRuns, chunks: Sequence[FeatureTable]) -> PreparedLives:
    """Runs and lives as candidates are trained and judged on them.

    Raises:
        TooManyBadFiles: too large a share of a run's files cannot be used; with the list.
        BadInput: a run has no usable file.
    """
    data, gauntlet = loaded.data, loaded.gauntlet
    tables = joined_by_run(chunks, loaded.request.quarantine_limit)
    lives = lives_of(data, tables)
    files = sum(len(run.files) for run in data.runs)
    runs = dict.fromkeys([*(run.name for run in data.runs), *(life.run for life in lives)])
    summary = Summary(
        dataset=gauntlet.module.SPEC,
        source=data.source,
        data_hash=data_hash(data, tables),
        input=InputSummary(
            files=files,
            rows=sum(len(life.rows) for life in lives),
            bytes=sum(table.read_bytes for table in tables),
            cached_files=sum(table.cached for table in tables),
            quarantined=quarantined(data, tables),
        ),
        size=f"{files:,} files of {len(runs)} runs",
        place=data.folder.name,
        protocol=gauntlet.protocol,
    )
    return PreparedLives(gauntlet, loaded.request, summary, data, tables, lives)


def joined_by_run(tables: Sequence[FeatureTable], quarantine_limit: float) -> tuple[FeatureTable, ...]:
    """One table per run.

    Raises:
        TooManyBadFiles: more than `quarantine_limit` of a run's files cannot be used; with the list.
        BadInput: a run has no usable file.
    """
    whole = []
    for run in dict.fromkeys(table.run.name for table in tables):
        table = joined([table for table in tables if table.run.name == run])
        enforce_limit(table.run, list(table.quarantine), quarantine_limit)
        if not len(table.index):
            raise BadInput(table.run.files[0].path.parent, "the machine stands still in every file")
        whole.append(table)
    return tuple(whole)


def data_hash(data: VibrationData, tables: Sequence[FeatureTable]) -> str:
    """sha256 over the content of every usable file, in order, and of the level tables; 64 hex digits."""
    total = hashlib.sha256()
    for table in tables:
        total.update(f"{table.run.name}|{len(table.index)}|".encode() + "".join(table.hashes).encode())
    for levels in data.levels:
        total.update(levels.path.read_bytes())
    return total.hexdigest()


def quarantined(data: VibrationData, tables: Sequence[FeatureTable]) -> tuple[Quarantined, ...]:
    """The files that were set aside, by their path below the folder."""
    return tuple(
        Quarantined(
            str(one.path.relative_to(data.folder) if one.path.is_relative_to(data.folder) else one.path), one.reason
        )
        for table in tables
        for one in table.quarantine
    )
