"""The steps of the sound gauntlet (MIMII), as pure functions: load, featurize, split, audit, train, evaluate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gauntlet.datasets import mimii
from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.io.sound_file import Channel
from gauntlet.datasets.mimii_published import published
from gauntlet.datasets.records.clip import Cell, SoundSet
from gauntlet.datasets.source import locate
from gauntlet.datasets.spec import Source
from gauntlet.tasks.audit import Finding, Origin, Part, Protocol, Replay, audit_claims, guard
from gauntlet.tasks.metrics.detection import CellFigures, CellScores, decision_metrics, figures, mean_row
from gauntlet.tasks.models.sound_listener import (
    LOUDNESS,
    STRANGERS,
    SUPERVISED,
    Candidate,
    Held,
    Listener,
    forest,
    held_out,
    kinds,
    level_column,
    out_of_fold,
)
from gauntlet.tasks.result import Row
from gauntlet.tasks.sound.featurize.table import SoundTable, sound_table
from gauntlet.tasks.sound.split import Split, recording_folds, recording_groups, shuffled_folds
from gauntlet.tasks.sound.split import split as split_cells

PRIMARY_METRIC = "auc"
REPLAYED = 400


@dataclass(frozen=True)
class Loaded:
    """What was found, nothing decoded yet, and which other folders were passed over and why."""

    set: SoundSet
    passed_over: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Trained:
    """A candidate: the model for all machines, and what training clips alone told about it.

    `scores`: margins (or probabilities of the forest, out of fold) of all clips in the table, NaN where none was made.
    `chosen`: the settings that were chosen, per cell. `shuffled`: the forest's probabilities under a random split.
    """

    candidate: Candidate
    pipeline: Any
    scores: np.ndarray
    held: Mapping[str, Held]
    chosen: Mapping[str, str]
    shuffled: np.ndarray | None = None

    @property
    def strangers(self) -> float:
        """Mean over cells of the AUC of held-out training clips against other machines' normal clips; NaN for none."""
        found = [one.strangers for one in self.held.values() if np.isfinite(one.strangers)]
        return float(np.mean(found)) if found else float("nan")


@dataclass(frozen=True, eq=False)
class Judgement:
    """The result in figures: the table, every cell of every model, and the forest on both ways of splitting."""

    candidates: tuple[Row, ...]
    baselines: tuple[Row, ...]
    best: str
    cells: Mapping[str, tuple[CellFigures, ...]]
    answers: Mapping[str, tuple[CellScores, ...]]
    shuffled: Row | None
    refused: tuple[Finding, ...]


def load(data: Path | None, source: Source, root: Path, seed: int, scale: float = 0.25) -> Loaded:
    """The folder that the user names, or the first of the known real ones that can be judged, or a simulation.

    Raises:
        BadInput: no clips of a known layout; clips that are not what `source` asks for; nothing that can be judged.
    """
    simulation = mimii.simulation(seed, scale)
    if data is not None:
        found = mimii.read(data)  # names what is wrong with the folder better than its marker could
        split_cells(found.rows, found.path)
        locate(mimii.SPEC, source, found.path, root, simulation)
        return Loaded(found)
    passed_over = []
    for home in mimii.HOMES if source != "simulated" else ():
        if not (root / home).is_dir():
            continue
        try:
            found = mimii.read(root / home)
            split_cells(found.rows, found.path)
        except BadInput as error:
            passed_over.append(f"{home}/: {str(error).removeprefix(f'{root / home}: ')}")
            continue
        if source in ("auto", found.source):
            return Loaded(found, tuple(passed_over))
    if source == "real":
        why = passed_over[0] if passed_over else "no folder " + " or ".join(mimii.HOMES)
        raise BadInput(root, "real files of mimii are wanted", saw=why, do="name their folder with --data DIR")
    place = locate(mimii.SPEC, "simulated", None, root, simulation).path
    return Loaded(mimii.read(place), tuple(passed_over))


def featurize(loaded: Loaded, cache: Path | None, channel: Channel) -> SoundTable:
    """The features of all usable clips; bad ones are set aside with the reason."""
    return sound_table(loaded.set, cache, channel)


def split(table: SoundTable) -> Split:
    """The authors' split of every cell, or DCASE's own; decided before anything is fitted."""
    return split_cells(table.rows, table.path)


def audit(table: SoundTable, parts: Split, allow_leakage: bool) -> tuple[Finding, ...]:
    """What makes the split worthless before anything is trained; raises `Leak` unless that is allowed."""
    return guard(audit_claims(_protocol(table, parts)), allow_leakage)


def _protocol(table: SoundTable, parts: Split, replays: Sequence[Replay] = ()) -> Protocol:
    """The evidence. A copy of a clip shows in every fifth feature too, and comparing all takes minutes."""
    values = table.values[:, ::5] if not replays else None
    train = np.concatenate([one.train for one in parts.parts])
    test = np.concatenate([one.test for one in parts.parts])
    names = table.rows["file"].to_numpy()
    read = set(names)
    return Protocol(
        source=table.source,
        train=Part(ids=train, features=None if values is None else values[train]),
        test=Part(ids=test, features=None if values is None else values[test], labels=table.abnormal[test]),
        # Shrinkage, components, thresholds and the champion are chosen on these rows, block against block.
        tuning=Part(ids=train),
        replays=replays,
        origin=Origin(found=[*read, *(file for file, _ in table.quarantine)], read=list(read), of_samples=list(names)),
    )


def train(candidate: Candidate, table: SoundTable, parts: Split, seed: int, false_alarm_rate: float) -> Trained:
    """One candidate: a detector for each cell from its normal training clips, or the forest out of fold."""
    if candidate == SUPERVISED:
        return _supervised(candidate, table, seed)
    make = kinds(seed, level_column(table.features))[candidate.kind]
    detectors, held, chosen = {}, {}, {}
    for one in parts.parts:
        known = table.values[one.train]
        fitted = make().fit(known)
        strangers = table.values[_strangers(one.cell, parts)]
        detectors[one.cell], held[one.cell] = fitted, held_out(fitted, known, strangers)
        settings = {name: getattr(fitted, f"{name}_", None) for name in ("shrinkage", "components")}
        chosen[one.cell] = ", ".join(f"{name} {value:g}" for name, value in settings.items() if value is not None)
    listener = Listener(false_alarm_rate).assemble(table.features, detectors, held)
    scores = np.full(len(table.rows), np.nan)
    frame = table.frame()
    for one in parts.parts:
        scores[one.test] = listener.decision_function(frame.iloc[one.test])
    return Trained(candidate, listener, scores, held, chosen)


def _strangers(cell: str, parts: Split) -> np.ndarray:
    """Positions of normal training clips of the other machines of this type at this SNR, evenly taken."""
    kind = cell.rsplit("/", 1)[0]
    others = [one.train for one in parts.parts if one.cell != cell and one.cell.rsplit("/", 1)[0] == kind]
    if not others:
        return np.empty(0, int)
    pool = np.concatenate(others)
    return pool[:: max(1, len(pool) // STRANGERS)]


def _supervised(candidate: Candidate, table: SoundTable, seed: int) -> Trained:
    frame, abnormal = table.frame(), table.abnormal
    grouped = out_of_fold(forest(seed), frame, abnormal, recording_folds(table.rows))
    shuffled = out_of_fold(forest(seed), frame, abnormal, shuffled_folds(table.rows, seed))
    fitted = forest(seed).fit(frame, abnormal.astype(int))
    return Trained(candidate, fitted, grouped, {}, {}, shuffled)


def champion(trained: Sequence[Trained]) -> str:
    """The detector that best tells its machine from its like, judged on training clips alone; the first of equals.

    No test clip takes part: normal training clips of the other machines of the type stand in for faults. The forest is
    no candidate, since on a new machine there are no abnormal clips to learn from.
    """
    eligible = [one for one in trained if one.candidate != SUPERVISED]
    ranked = [one.strangers if np.isfinite(one.strangers) else -1.0 for one in eligible]
    return eligible[int(np.argmax(ranked))].candidate.name


def evaluate(table: SoundTable, parts: Split, trained: Sequence[Trained], seed: int, rate: float) -> Judgement:
    """The results table: every model on every cell with intervals, and baselines that need no learning."""
    naive = train(LOUDNESS, table, parts, seed, rate)
    answers = {one.candidate.name: _answers(one, one.scores, table, parts) for one in (*trained, naive)}
    cells = {name: tuple(figures(cell, seed) for cell in of_model) for name, of_model in answers.items()}
    rows = {name: _row(name, cells[name], answers[name]) for name in cells if cells[name]}
    supervised = next(one for one in trained if one.candidate == SUPERVISED)
    shuffled = _answers(supervised, supervised.shuffled, table, parts) if supervised.shuffled is not None else ()
    random_row = _row("random split", tuple(figures(c, seed) for c in shuffled), shuffled) if shuffled else None
    return Judgement(
        candidates=tuple(rows[one.candidate.name] for one in trained if one.candidate.name in rows),
        baselines=(rows[LOUDNESS.name], *_published_row(table, parts), _majority(table, parts)),
        best=champion(trained),
        cells=cells,
        answers=answers,
        shuffled=random_row,
        refused=_audit_of_random_split(table, seed),
    )


def _answers(one: Trained, scores: np.ndarray | None, table: SoundTable, parts: Split) -> tuple[CellScores, ...]:
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


def audit_result(
    table: SoundTable, parts: Split, trained: Sequence[Trained], allow_leakage: bool
) -> tuple[Finding, ...]:
    """What would make the stated figures worthless; raises `Leak` unless that is allowed."""
    test = np.concatenate([one.test for one in parts.parts])
    rows = test[:: max(1, len(test) // REPLAYED)]
    raw = table.frame().iloc[rows]
    replays = [
        Replay(one.candidate.name, one.scores[rows], one.pipeline.decision_function(raw))
        for one in trained
        if one.candidate != SUPERVISED  # judged out of fold: the registered forest has seen these clips
    ]
    groups, clips, learn = recording_groups(table.rows), np.arange(len(table.rows)), recording_folds(table.rows) != 0
    grouped = Protocol(
        train=Part(ids=clips[learn], groups=groups[learn]), test=Part(ids=clips[~learn], groups=groups[~learn])
    )
    return guard((*audit_claims(_protocol(table, parts, replays)), *audit_claims(grouped)), allow_leakage)


def cell_entries(judgement: Judgement, parts: Split, table: SoundTable) -> tuple[dict[str, Any], ...]:
    """The cells of the result document, every model and the published figure."""
    entries = []
    for name, of_model in judgement.cells.items():
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
