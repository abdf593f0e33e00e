"""Every model on every machine and noise level, beside baselines that need no learning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gauntlet.datasets.mimii_published import published
from gauntlet.datasets.records.clip import Cell
from gauntlet.tasks.audit import Finding, Part, Protocol, audit_claims
from gauntlet.tasks.contract import Judgement
from gauntlet.tasks.result import Row
from gauntlet.tasks.sound.detection import CellFigures, CellScores, decision_metrics, figures, mean_row
from gauntlet.tasks.sound.featurize import SoundFeatures
from gauntlet.tasks.sound.featurize.table import SoundTable
from gauntlet.tasks.sound.gauntlets import LOUDNESS
from gauntlet.tasks.sound.split import recording_groups, shuffled_folds
from gauntlet.tasks.sound.train import TrainedSound, train

PUBLISHED = "published_autoencoder"
CHOSEN_ON = "held-out blocks of normal training clips against other machines' normal training clips"
NOT_CHOSEN = "nothing: there is one machine of each type, so that the first detector of the list is taken"


@dataclass(frozen=True, eq=False, kw_only=True)
class SoundJudgement(Judgement):
    """With the answers behind the figures, per model and cell, and the forest under both ways of splitting.

    `shuffled`: the forest under a random split; `refused`: what the audit says of that split.
    """

    figures: Mapping[str, tuple[CellFigures, ...]]
    answers: Mapping[str, tuple[CellScores, ...]]
    shuffled: Row | None
    refused: tuple[Finding, ...]


def evaluate(prepared: SoundFeatures, trained: Sequence[TrainedSound], seed: int) -> SoundJudgement:
    """The results table: every model on every cell with intervals, beside loudness, publication and majority."""
    naive = train(LOUDNESS, prepared, seed)
    answers = {model.candidate.name: cell_answers(model, model.scores, prepared) for model in (*trained, naive)}
    by_cell = {name: tuple(figures(cell, seed) for cell in of_model) for name, of_model in answers.items()}
    rows = {name: _row(name, by_cell[name], answers[name]) for name in by_cell if by_cell[name]}
    baselines = (rows[LOUDNESS.name], *_published_row(prepared), _majority(prepared))
    return SoundJudgement(
        candidates=tuple(rows[model.candidate.name] for model in trained if model.candidate.name in rows),
        baselines={row.name: row for row in baselines},
        naive=LOUDNESS.name,
        best=best_detector(trained),
        chosen_on=CHOSEN_ON if any(np.isfinite(model.separation) for model in trained) else NOT_CHOSEN,
        cells=_cell_entries(by_cell, prepared),
        figures=by_cell,
        answers=answers,
        shuffled=_random_split(trained, prepared, seed),
        refused=_audit_of_random_split(prepared.table, seed),
    )


def best_detector(trained: Sequence[TrainedSound]) -> str:
    """The detector that best tells its machine from others of its type, by training clips alone; the first of equals.

    No judged clip takes part: normal training clips of the other machines of the type stand in for faults. The forest
    cannot be it, since on a new machine there are no abnormal clips to learn from.
    """
    eligible = [model for model in trained if not model.supervised]
    ranked = [model.separation if np.isfinite(model.separation) else -1.0 for model in eligible]
    return str(eligible[int(np.argmax(ranked))].candidate.name)


def cell_answers(model: TrainedSound, scores: np.ndarray, prepared: SoundFeatures) -> tuple[CellScores, ...]:
    """Scores of the judged clips, cell by cell; of the forest all clips of a cell, since it is judged out of fold."""
    table = prepared.table
    answers = []
    for part in prepared.split.parts:
        rows = np.flatnonzero(table.rows["cell"].to_numpy() == part.cell) if model.supervised else part.test
        rows = rows[np.isfinite(scores[rows])]
        abnormal = table.abnormal[rows]
        if len(np.unique(abnormal)) == 2:
            alarmed = scores[rows] >= 0.5 if model.supervised else scores[rows] > 0
            answers.append(CellScores(part.cell, abnormal, scores[rows], alarmed))
    return tuple(answers)


def _row(name: str, by_cell: Sequence[CellFigures], answers: Sequence[CellScores]) -> Row:
    row = mean_row(name, by_cell)
    abnormal = np.concatenate([cell.abnormal for cell in answers])
    pooled = decision_metrics(abnormal, np.concatenate([cell.alarmed for cell in answers]))
    return replace(row, metrics={**row.metrics, **pooled})


def _published_row(prepared: SoundFeatures) -> tuple[Row, ...]:
    """The published autoencoder, averaged over these cells; only beside real clips, and where all have a figure."""
    stated = [published(Cell.of(part.cell)) for part in prepared.split.parts]
    if prepared.table.source != "real" or not all(stated):
        return ()
    shared = [name for name in ("auc", "pauc") if all(name in cell for cell in stated)]
    return (Row(PUBLISHED, {name: float(np.mean([cell[name] for cell in stated])) for name in shared}),)


def _majority(prepared: SoundFeatures) -> Row:
    """Always "normal": what accuracy is worth."""
    abnormal = prepared.table.abnormal[prepared.judged]
    silent = decision_metrics(abnormal, np.zeros_like(abnormal))
    metrics = {"auc": 0.5, "pauc": 0.5, "far": 0.0, "mar": 1.0, **silent}
    return Row("majority", metrics, {"auc": (0.5, 0.5)})


def _random_split(trained: Sequence[TrainedSound], prepared: SoundFeatures, seed: int) -> Row | None:
    """The forest under a random split; None where no fold could teach it, or it is not among the candidates."""
    for model in trained:
        if model.shuffled is not None and (answers := cell_answers(model, model.shuffled, prepared)):
            return _row("random split", tuple(figures(cell, seed) for cell in answers), answers)
    return None


def _audit_of_random_split(table: SoundTable, seed: int) -> tuple[Finding, ...]:
    """What the audit says of splitting clips at random, as most published notebooks do; no such figure is stated here."""
    folds, groups, rows = shuffled_folds(table.rows, seed), recording_groups(table.rows), np.arange(len(table.rows))
    training = folds != 0
    train_part = Part(ids=rows[training], groups=groups[training])
    return audit_claims(Protocol(train=train_part, test=Part(ids=rows[~training], groups=groups[~training])))


def _cell_entries(
    by_cell: Mapping[str, Sequence[CellFigures]], prepared: SoundFeatures
) -> tuple[Mapping[str, Any], ...]:
    """The cells of the result document, every model and the published figure."""
    entries = [
        {"group": _group(cell.cell), "model": name, "metrics": dict(cell.metrics), "intervals": cell.intervals}
        for name, of_model in by_cell.items()
        for cell in of_model
    ]
    for part in prepared.split.parts if prepared.table.source == "real" else ():
        if stated := published(Cell.of(part.cell)):
            entries.append({"group": _group(part.cell), "model": PUBLISHED, "metrics": stated})
    return tuple(entries)


def _group(name: str) -> dict[str, str]:
    cell = Cell.of(name)
    return {"snr": cell.snr, "machine": cell.machine, "id": cell.id}
