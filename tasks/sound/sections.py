"""Sections of the report on clips: every machine, how the champion was chosen, what a random split would claim."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gauntlet.datasets.mimii_published import published
from gauntlet.datasets.records.clip import Cell
from gauntlet.tasks.report.page import Picture, Section, Table
from gauntlet.tasks.report.result import format_metric
from gauntlet.tasks.result import Row
from gauntlet.tasks.sound.attribution import Attribution
from gauntlet.tasks.sound.detection import PARTIAL
from gauntlet.tasks.sound.evaluate import SoundJudgement
from gauntlet.tasks.sound.featurize import SoundFeatures
from gauntlet.tasks.sound.gauntlets import MAHALANOBIS, SUPERVISED
from gauntlet.tasks.sound.train import TrainedSound

RESULTS_CAPTION = (
    f"auc, pauc (to {PARTIAL:.0%} false alarms), far, mar: mean over cells; the others: over all judged clips, at the "
    "threshold set in training. Only the forest was trained on abnormal clips; it cannot be champion."
)
CELL_HEADINGS = (
    *("cell", "learnt from", "judged", "auc", "published auc"),
    *("Mahalanobis auc", "loudness auc", "pauc", "far", "caught"),
)


def cells_table(prepared: SoundFeatures, judgement: SoundJudgement) -> Table:
    """Each cell: the champion with intervals, what its threshold does, and what others have."""
    real = prepared.table.source == "real"
    by_level = {cell.cell: cell.metrics["auc"] for cell in judgement.figures[judgement.naive]}
    plain = {cell.cell: cell.metrics["auc"] for cell in judgement.figures[MAHALANOBIS.name]}
    learnt = {part.cell: len(part.train) for part in prepared.split.parts}
    rows = []
    for cell in judgement.figures[judgement.best]:
        stated = published(Cell.of(cell.cell)) if real else {}
        row = Row(cell.cell, cell.metrics, cell.intervals)
        rows.append(
            (
                cell.cell,
                f"{learnt[cell.cell]:,}",
                f"{cell.normal:,} + {cell.abnormal:,}",
                format_metric(row, "auc"),
                f"{stated['auc']:.3f}" if stated else "–",
                f"{plain[cell.cell]:.3f}",
                f"{by_level[cell.cell]:.3f}",
                format_metric(row, "pauc"),
                f"{cell.metrics['far']:.3f}",
                f"{1 - cell.metrics['mar']:.3f}",
            )
        )
    caption = "judged: normal + abnormal clips; caught: abnormal clips that alarm."
    if real:
        caption += (
            " published: the authors' autoencoder, fan id_06 and other machines from a rerun of their code; of DCASE the "
            "organisers' autoencoder, mean over the ids on all test clips."
        )
    return Table(CELL_HEADINGS, tuple(rows), caption=caption)


def clips_section(attribution: Attribution, spectrograms: tuple[Picture, ...]) -> Section:
    """The two clips that are looked at, seen as spectrograms where there are clips."""
    missing = () if spectrograms else ("There are tables of features only, so that no spectrogram can be shown.",)
    sentence = f"{attribution.normal.name} and {attribution.abnormal.name}."
    title = f"Most normal and most abnormal judged clip of {attribution.cell}"
    return Section(title, (sentence, *missing), (), spectrograms)


def attribution_section(attribution: Attribution, pictures: tuple[Picture, ...]) -> Section:
    """Where the larger of the two scores comes from."""
    clip = attribution.abnormal
    label = "abnormal" if clip.abnormal else "normal: a false alarm"
    more = ", the sum per mel band, and by how much the margin falls when half a second is cut out"
    sentence = f"The clip is truly {label}. What each feature adds to its margin{more if clip.bands.size else ''}."
    return Section("Where the score comes from", (sentence,), (), pictures)


def choice_section(trained: Sequence[TrainedSound], best: str) -> Section:
    """How the champion was chosen, on training clips alone."""
    detectors = [model for model in trained if not model.supervised]
    rows = tuple(
        (
            model.candidate.name,
            f"{model.separation:.3f}" if np.isfinite(model.separation) else "–",
            "; ".join(sorted({text for text in model.settings.values() if text})) or "–",
        )
        for model in detectors
    )
    strong = tuple(place for place, row in enumerate(rows) if row[0] == best)
    sentences = [
        "On normal training clips alone: held-out blocks of one machine against the normal clips of the other machines "
        "of its type, which stand in for faults. Shrinkage and components have the largest likelihood of held-out "
        "blocks. No judged clip took part."
    ]
    if not any(np.isfinite(model.separation) for model in detectors):
        sentences.append(
            "There is no other machine of the type to hold against: the first of the list is the champion."
        )
    headings = ("detector", "AUC against other machines", "settings chosen in training")
    return Section("How the champion was chosen", tuple(sentences), (Table(headings, rows, strong),))


def random_split_section(judgement: SoundJudgement) -> tuple[Section, ...]:
    """The forest beside what it would claim when clips are split at random; nothing where it was not judged."""
    grouped = judgement.rows.get(SUPERVISED.name)
    if grouped is None or judgement.shuffled is None:
        return ()
    names = ("accuracy", "f1", "precision", "recall", "auc")
    splits = (("blocks of recordings kept together", grouped), ("split at random", judgement.shuffled))
    rows = tuple((label, *(f"{row.metrics[name]:.3f}" for name in names)) for label, row in splits)
    gain = judgement.shuffled.metrics["auc"] - grouped.metrics["auc"]
    findings = "; ".join(f"{finding.kind}: {finding.detail}" for finding in judgement.refused)
    refusal = f"The audit refuses the random split ({findings})." if findings else ""
    sentences = (
        f"The same forest gains {gain:+.3f} AUC when clips of one recording are on both sides of the split. {refusal}",
        "Accuracy beside the F1 of the abnormal class: the first hides what the second shows.",
    )
    return (Section("What a random split would have claimed", sentences, (Table(("random forest", *names), rows),)),)


def set_aside_section(prepared: SoundFeatures) -> tuple[Section, ...]:
    """Clips, machines and folders that were left out, and why; nothing where there are none."""
    rows = (
        *prepared.table.quarantine,
        *((cell, f"not judged: {reason}") for cell, reason in prepared.split.left_out),
        *(("folder passed over", reason) for reason in prepared.passed_over),
    )
    return (Section("Set aside", (), (Table(("what", "why"), rows),)),) if rows else ()
