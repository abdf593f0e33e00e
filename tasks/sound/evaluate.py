"""Every model on every cell with intervals, beside the loudness, the published autoencoder and the majority."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gauntlet.datasets.mimii_published import published
from gauntlet.datasets.records.clip import Cell
from gauntlet.tasks.audit import Finding, Part, Protocol, audit_claims
from gauntlet.tasks.contract import Judgement
from gauntlet.tasks.metrics.detection import CellFigures, CellScores, decision_metrics, figures, mean_row
from gauntlet.tasks.result import Row
from gauntlet.tasks.sound.featurize import Clips
from gauntlet.tasks.sound.featurize.table import SoundTable
from gauntlet.tasks.sound.gauntlets import LOUDNESS, SUPERVISED
from gauntlet.tasks.sound.split import Split, recording_groups, shuffled_folds
from gauntlet.tasks.sound.train import TrainedSoundModel, champion, train


@dataclass(frozen=True, eq=False, kw_only=True)
class SoundJudgement(Judgement):
    """`by_cell`, `answers`: of every model. `shuffled`: the forest under a random split, which the audit `refused`."""

    by_cell: Mapping[str, tuple[CellFigures, ...]]
    answers: Mapping[str, tuple[CellScores, ...]]
    shuffled: Row | None
    refused: tuple[Finding, ...]


def evaluate(prepared: Clips, trained: Sequence[TrainedSoundModel], seed: int) -> SoundJudgement:
    """The results table: every model on every cell with intervals, and baselines that need no learning."""
    table, parts = prepared.table, prepared.parts
    naive = train(LOUDNESS, prepared, seed)
    answers = {one.candidate.name: answers_of(one, one.scores, table, parts) for one in (*trained, naive)}
    cells = {name: tuple(figures(cell, seed) for cell in of_model) for name, of_model in answers.items()}
    rows = {name: _row(name, cells[name], answers[name]) for name in cells if cells[name]}
    forest = next(one for one in trained if one.candidate == SUPERVISED)
    shuffled = answers_of(forest, forest.shuffled, table, parts) if forest.shuffled is not None else ()
    random_row = _row("random split", tuple(figures(c, seed) for c in shuffled), shuffled) if shuffled else None
    baselines = (rows[LOUDNESS.name], *_published_row(table, parts), _majority(table, parts))
    return SoundJudgement(
        candidates=tuple(rows[one.candidate.name] for one in trained if one.candidate.name in rows),
        baselines={row.name: row for row in baselines},
        naive=LOUDNESS.name,
        best=champion(trained),
        chosen_on="normal training clips, against other machines of the type",
        cells=cell_entries(cells, parts, table),
        by_cell=cells,
        answers=answers,
        shuffled=random_row,
        refused=_audit_of_random_split(table, seed),
    )


def answers_of(
    one: TrainedSoundModel, scores: np.ndarray | None, table: SoundTable, parts: Split
) -> tuple[CellScores, ...]:
    """Scores of the judged clips, cell by cell; of the forest all clips of a cell, since none of them taught it."""
    assert scores is not None
    supervised = one.candidate == SUPERVISED
    threshold = 0.5 if supervised else 0.0
    answers = []
    for part in parts.parts:
        rows = np.flatnonzero(table.rows["cell"].to_numpy() == part.cell) if supervised else part.test
        rows = rows[np.isfinite(scores[rows])]
        abnormal = table.abnormal[rows]
        if len(np.unique(abnormal)) == 2:
            answers.append(CellScores(part.cell, abnormal, scores[rows], scores[rows] >= threshold))
    return tuple(answers)


def _row(name: str, cells: Sequence[CellFigures], answers: Sequence[CellScores]) -> Row:
    row = mean_row(name, cells)
    pooled = decision_metrics(
        np.concatenate([one.abnormal for one in answers]), np.concatenate([one.alarmed for one in answers])
    )
    return replace(row, metrics={**row.metrics, **pooled})


def _published_row(table: SoundTable, parts: Split) -> tuple[Row, ...]:
    """The published autoencoder, averaged over these cells; only beside real clips, and where all have a figure."""
    stated = [published(Cell.of(one.cell)) for one in parts.parts]
    if table.source != "real" or not all(stated):
        return ()
    metrics = {name for one in stated for name in one}
    shared = [name for name in ("auc", "pauc") if name in metrics and all(name in one for one in stated)]
    return (Row("published_autoencoder", {name: float(np.mean([one[name] for one in stated])) for name in shared}),)


def _majority(table: SoundTable, parts: Split) -> Row:
    """Always "normal": what accuracy is worth."""
    abnormal = table.abnormal[np.concatenate([one.test for one in parts.parts])]
    silent = decision_metrics(abnormal, np.zeros_like(abnormal))
    metrics = {"auc": 0.5, "pauc": 0.5, "far": 0.0, "mar": 1.0, **silent}
    return Row("majority", metrics, {"auc": (0.5, 0.5)})


def _audit_of_random_split(table: SoundTable, seed: int) -> tuple[Finding, ...]:
    """What the audit says of dealing clips at random, as most published notebooks do; this run states no such figure."""
    folds, groups, rows = shuffled_folds(table.rows, seed), recording_groups(table.rows), np.arange(len(table.rows))
    learn = folds != 0
    train_part = Part(ids=rows[learn], groups=groups[learn])
    return audit_claims(Protocol(train=train_part, test=Part(ids=rows[~learn], groups=groups[~learn])))


def cell_entries(
    cells: Mapping[str, Sequence[CellFigures]], parts: Split, table: SoundTable
) -> tuple[dict[str, Any], ...]:
    """The cells of the result document, every model and the published figure."""
    entries = []
    for name, of_model in cells.items():
        for one in of_model:
            cell = Cell.of(one.cell)
            group = {"snr": cell.snr, "machine": cell.machine, "id": cell.id}
            entries.append({"group": group, "model": name, "metrics": dict(one.metrics), "intervals": one.intervals})
    for part in parts.parts if table.source == "real" else ():
        cell = Cell.of(part.cell)
        if stated := published(cell):
            group = {"snr": cell.snr, "machine": cell.machine, "id": cell.id}
            entries.append({"group": group, "model": "published_autoencoder", "metrics": stated})
    return tuple(entries)
