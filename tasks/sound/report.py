"""The story of clips: can a machine's fault be heard, how often, and at which price of false alarms?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gauntlet.datasets.mimii_published import published
from gauntlet.datasets.records.clip import Cell
from gauntlet.tasks.contract import Story
from gauntlet.tasks.report.page import Picture, Section, Table
from gauntlet.tasks.report.result import format_metric, results_table
from gauntlet.tasks.result import Row
from gauntlet.tasks.sound import figures
from gauntlet.tasks.sound.attribution import Attribution, attribute
from gauntlet.tasks.sound.evaluate import SoundJudgement
from gauntlet.tasks.sound.featurize import Clips
from gauntlet.tasks.sound.featurize.table import SoundTable
from gauntlet.tasks.sound.gauntlets import LOUDNESS, MAHALANOBIS, SUPERVISED
from gauntlet.tasks.sound.split import Split
from gauntlet.tasks.sound.train import TrainedSoundModel

FEW_CLIPS = 30
NO_CLIPS = "There are tables of features only, so that no spectrogram can be shown."
RESULTS_CAPTION = (
    "auc, pauc (to 10 % false alarms), far, mar: mean over cells; the others: over all judged clips, at the "
    "threshold set in training. Only the forest was told abnormal clips; it cannot be champion."
)


def story(prepared: Clips, trained: Sequence[TrainedSoundModel], judgement: SoundJudgement) -> Story:
    """Verdict, sections and pictures; the most normal and the most abnormal clip of the champion looked at closely."""
    best = next(one for one in trained if one.candidate.name == judgement.best)
    attribution = attribute(prepared.table, prepared.parts, best.model, best.scores)
    pictures = pictures_of(judgement, prepared.parts, prepared.table, attribution)
    sections = _sections(prepared, trained, judgement, attribution, pictures)
    return Story(verdict(prepared, judgement), sections, pictures)


def _sections(
    prepared: Clips,
    trained: Sequence[TrainedSoundModel],
    judgement: SoundJudgement,
    attribution: Attribution,
    pictures: dict[str, bytes],
) -> tuple[Section, ...]:
    def shown(*names: str) -> tuple[Picture, ...]:
        return tuple(
            Picture(pictures[f"{name}.png"], name.replace("_", " ")) for name in names if f"{name}.png" in pictures
        )

    table, parts = prepared.table, prepared.parts
    both = f"{attribution.normal.name} and {attribution.abnormal.name}."
    results = results_table(judgement, prepared.gauntlet.primary_metric, RESULTS_CAPTION)
    return (
        Section("Results", (), (results,)),
        Section("Every machine", (), (cells_table(judgement, parts, table),), shown("auc")),
        Section("Curves", (), (), shown("roc", "roc_low_false_alarms", "margins")),
        Section(
            f"Most normal and most abnormal judged clip of {attribution.cell}",
            (both, *(() if "spectrogram_abnormal.png" in pictures else (NO_CLIPS,))),
            (),
            shown("spectrogram_normal", "spectrogram_abnormal"),
        ),
        Section(
            "Where the score comes from",
            _attribution_sentence(attribution),
            (),
            shown("attribution", "bands", "moments"),
        ),
        _choice(trained, judgement.best),
        *_leak_section(judgement),
        *_set_aside(prepared),
    )


def pictures_of(
    judgement: SoundJudgement, parts: Split, table: SoundTable, attribution: Attribution
) -> dict[str, bytes]:
    """The pictures of the report by file name."""
    name = judgement.best
    answers = judgement.answers[name]
    made = {
        "auc.png": figures.auc_bars(judgement.by_cell[name], _beside(parts, table), judgement.by_cell[LOUDNESS.name]),
        "roc.png": figures.roc_curves(name, answers),
        "roc_low_false_alarms.png": figures.roc_curves(name, answers, partial=True),
        "margins.png": figures.margins(name, answers),
        "spectrogram_normal.png": figures.spectrogram(attribution.normal, attribution.abnormal, "most normal"),
        "spectrogram_abnormal.png": figures.spectrogram(attribution.abnormal, attribution.normal, "most abnormal"),
        "attribution.png": figures.top_features(attribution.abnormal),
        "bands.png": figures.bands(attribution.abnormal),
        "moments.png": figures.moments(attribution.abnormal),
    }
    return {file: png for file, png in made.items() if png is not None}


def _beside(parts: Split, table: SoundTable) -> dict[str, float]:
    if table.source != "real":
        return {}
    return {one.cell: stated["auc"] for one in parts.parts if (stated := published(Cell.of(one.cell)))}


def verdict(prepared: Clips, judgement: SoundJudgement) -> tuple[str, ...]:
    """What a planner wants to know, in sentences, first."""
    table, parts, rate = prepared.table, prepared.parts, prepared.false_alarm_rate
    best, naive = judgement.rows[judgement.best], judgement.baselines[LOUDNESS.name]
    machines = len({one.cell.split("/", 1)[1] for one in parts.parts})
    fewest = min(int(one.abnormal.sum()) for one in judgement.answers[judgement.best])
    stated = judgement.baselines.get("published_autoencoder")
    others = " on all clips of the challenge" if table.layout == "dcase" else ""
    beside = f", where the published autoencoder has {stated.metrics['auc']:.3f}{others}" if stated else ""
    loud = {one.cell: one.metrics["auc"] for one in judgement.by_cell[LOUDNESS.name]}
    beaten = sorted(one.cell for one in judgement.by_cell[judgement.best] if one.metrics["auc"] < loud[one.cell])
    louder = f", and more than the detector in {_counted(len(beaten), 'cell')}" if beaten else ""
    return (
        f"Knowing only normal sound, {best.name} tells abnormal clips from normal ones with a mean AUC of "
        f"{format_metric(best, 'auc')} over {_counted(len(parts.parts), 'cell')} of {_counted(machines, 'machine')}{beside}; the level alone "
        f"has {naive.metrics['auc']:.3f}{louder}.",
        f"With thresholds set from normal training clips for {rate:.0%} false alarms it catches "
        f"{1 - best.metrics['mar']:.0%} of the abnormal clips and raises {best.metrics['far']:.1%} false alarms.",
        *(
            (
                f"Few clips: a cell has no more than {fewest} abnormal ones to judge. Look at the intervals, not at the "
                "figures.",
            )
            if fewest < FEW_CLIPS and table.source == "real"
            else ()
        ),
    )


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def cells_table(judgement: SoundJudgement, parts: Split, table: SoundTable) -> Table:
    """Each cell: the champion with intervals, what its threshold does, and what others have."""
    loudness = {one.cell: one for one in judgement.by_cell[LOUDNESS.name]}
    plain = {one.cell: one for one in judgement.by_cell[MAHALANOBIS.name]}
    known = {one.cell: len(one.train) for one in parts.parts}
    counts = {one.cell: one.abnormal for one in judgement.answers[judgement.best]}
    rows = []
    for one in judgement.by_cell[judgement.best]:
        stated = published(Cell.of(one.cell)) if table.source == "real" else {}
        shown = Row(one.cell, one.metrics, one.intervals)
        abnormal = counts[one.cell]
        rows.append(
            (
                one.cell,
                f"{known[one.cell]:,}",
                f"{int((~abnormal).sum()):,} + {int(abnormal.sum()):,}",
                format_metric(shown, "auc"),
                f"{stated['auc']:.3f}" if stated else "–",
                f"{plain[one.cell].metrics['auc']:.3f}",
                f"{loudness[one.cell].metrics['auc']:.3f}",
                format_metric(shown, "pauc"),
                f"{one.metrics['far']:.3f}",
                f"{1 - one.metrics['mar']:.3f}",
            )
        )
    headings = (
        "cell",
        "learnt from",
        "judged",
        "auc",
        "published auc",
        "Mahalanobis auc",
        "loudness auc",
        "pauc",
        "far",
        "caught",
    )
    counted = "judged: normal + abnormal clips; caught: abnormal clips that alarm."
    others = (
        "published: the authors' autoencoder, fan id_06 and other machines from a rerun of their code; of DCASE the "
        "organisers' autoencoder, mean over the ids on all test clips."
    )
    return Table(headings, tuple(rows), caption=f"{counted} {others}" if table.source == "real" else counted)


def _choice(trained: Sequence[TrainedSoundModel], best: str) -> Section:
    rows = tuple(
        (one.candidate.name, f"{one.auc_of_others:.3f}" if np.isfinite(one.auc_of_others) else "–",
         "; ".join(sorted({text for text in one.chosen.values() if text})) or "–")
        for one in trained if one.candidate != SUPERVISED
    )  # fmt: skip
    strong = tuple(k for k, one in enumerate(row[0] for row in rows) if one == best)
    lonely = ("There is no other machine of the type to hold against: the first of the list is the champion.",)
    alone = not any(np.isfinite(one.auc_of_others) for one in trained)
    return Section(
        "How the champion was chosen",
        ("On normal training clips alone: held-out blocks of one machine against the normal clips of the other machines "
         "of its type, which stand in for faults. Shrinkage and components have the largest likelihood of held-out "
         "blocks. No judged clip took part.", *(lonely if alone else ())),
        (Table(("detector", "AUC against other machines", "settings chosen in training"), rows, strong),),
    )  # fmt: skip


def _leak_section(judgement: SoundJudgement) -> tuple[Section, ...]:
    grouped = next((row for row in judgement.candidates if row.name == SUPERVISED.name), None)
    if grouped is None or judgement.shuffled is None:
        return ()
    names = ("accuracy", "f1", "precision", "recall", "auc")
    rows = tuple(
        (label, *(f"{row.metrics[name]:.3f}" for name in names))
        for label, row in (("blocks of recordings kept together", grouped), ("dealt at random", judgement.shuffled))
    )
    gain = judgement.shuffled.metrics["auc"] - grouped.metrics["auc"]
    said = "; ".join(f"{one.kind}: {one.detail}" for one in judgement.refused)
    refusal = f"The audit refuses the random split ({said})." if said else ""
    return (
        Section(
            "What a random split would have claimed",
            (f"The same forest gains {gain:+.3f} AUC when clips of one recording are on both sides of the split. "
             f"{refusal}", "Accuracy beside the F1 of the abnormal class: the first hides what the second shows."),
            (Table(("random forest", *names), rows),),
        ),
    )  # fmt: skip


def _attribution_sentence(attribution: Attribution) -> tuple[str, ...]:
    one = attribution.abnormal
    label = "abnormal" if one.abnormal else "normal: a false alarm"
    return (
        f"The clip is truly {label}. Each feature's share of the squared distance from the normal clips"
        + (
            ", the sum per mel band, and by how much the margin falls when half a second is cut out."
            if one.bands.size
            else "."
        ),
    )


def _set_aside(prepared: Clips) -> tuple[Section, ...]:
    rows = (
        *((file, reason) for file, reason in prepared.table.quarantine),
        *((cell, f"not judged: {reason}") for cell, reason in prepared.parts.left_out),
        *(("folder passed over", reason) for reason in prepared.passed_over),
    )
    if not rows:
        return ()
    return (Section("Set aside", (), (Table(("what", "why"), rows),)),)
