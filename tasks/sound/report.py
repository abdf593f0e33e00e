"""The report of the sound gauntlet: can a machine's fault be heard, how often, and at which price of false alarms?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gauntlet.datasets import mimii
from gauntlet.datasets.mimii_published import published
from gauntlet.datasets.records.clip import Cell
from gauntlet.tasks.audit import Finding
from gauntlet.tasks.models.sound_listener import LOUDNESS, MAHALANOBIS, SUPERVISED
from gauntlet.tasks.registry.key import git_commit
from gauntlet.tasks.report.build import audit_section
from gauntlet.tasks.report.former import results_table
from gauntlet.tasks.report.page import Page, Picture, Section, Table, render
from gauntlet.tasks.report.result import format_metric
from gauntlet.tasks.result import GauntletResult, InputSummary, Leakage, Quarantined, Row
from gauntlet.tasks.sound import figures as pictures
from gauntlet.tasks.sound.attribution import Attribution, attribute
from gauntlet.tasks.sound.featurize.table import SoundTable
from gauntlet.tasks.sound.load import PRIMARY_METRIC, Judgement, Loaded, Trained, cell_entries
from gauntlet.tasks.sound.split import Split

FEW_CLIPS = 30
PROTOCOLS = {
    "mimii": "authors' split per machine id and SNR: the first n normal clips and the n abnormal ones are judged, "
    "the other normal ones learnt from",
    "tables": "authors' split per machine id and SNR: the first n normal clips and the n abnormal ones are judged, "
    "the other normal ones learnt from",
    "dcase": "DCASE 2020 task 2: normal clips of train/ learnt from, clips of test/ judged",
}
CHOICES = (
    "settings, threshold and champion chosen on normal training clips alone; mean over cells with 95 % intervals; "
    "the random forest out of fold over blocks of consecutive recordings"
)
RESULTS_CAPTION = (
    "auc, pauc (to 10 % false alarms), far, mar: mean over cells; the others: over all judged clips, at the "
    "threshold set in training. Only the forest was told abnormal clips; it cannot be champion."
)


def protocol(table: SoundTable) -> str:
    """The protocol in one line."""
    return f"{PROTOCOLS[table.layout]}; {CHOICES}"


def explain(table: SoundTable, parts: Split, judgement: Judgement, trained: Sequence[Trained]) -> Attribution:
    """The most normal and the most abnormal clip of the champion, and where their scores come from."""
    best = next(one for one in trained if one.candidate.name == judgement.best)
    return attribute(table, parts, best.pipeline, best.scores)


def pictures_of(judgement: Judgement, parts: Split, table: SoundTable, found: Attribution) -> dict[str, bytes]:
    """The pictures of the report by file name."""
    name = judgement.best
    answers = judgement.answers[name]
    drawn = {
        "auc.png": pictures.auc_bars(judgement.cells[name], _beside(parts, table), judgement.cells[LOUDNESS.name]),
        "roc.png": pictures.roc_curves(name, answers),
        "roc_low_false_alarms.png": pictures.roc_curves(name, answers, partial=True),
        "margins.png": pictures.margins(name, answers),
        "spectrogram_normal.png": pictures.spectrogram(found.normal, found.abnormal, "most normal"),
        "spectrogram_abnormal.png": pictures.spectrogram(found.abnormal, found.normal, "most abnormal"),
        "attribution.png": pictures.top_features(found.abnormal),
        "bands.png": pictures.bands(found.abnormal),
        "moments.png": pictures.moments(found.abnormal),
    }
    return {file: png for file, png in drawn.items() if png is not None}


def _beside(parts: Split, table: SoundTable) -> dict[str, float]:
    if table.source != "real":
        return {}
    return {one.cell: stated["auc"] for one in parts.parts if (stated := published(Cell.of(one.cell)))}


def verdict(table: SoundTable, judgement: Judgement, parts: Split, leaked: bool, rate: float) -> tuple[str, ...]:
    """What a planner wants to know, in sentences, first."""
    if leaked:
        return ("These figures are leaked: the audit found what makes them worthless, and no version can be champion.",)
    best = _row(judgement.candidates, judgement.best)
    naive = _row(judgement.baselines, LOUDNESS.name)
    machines = len({one.cell.split("/", 1)[1] for one in parts.parts})
    fewest = min(int(one.abnormal.sum()) for one in judgement.answers[judgement.best])
    stated = next((row for row in judgement.baselines if row.name == "published_autoencoder"), None)
    others = " on all clips of the challenge" if table.layout == "dcase" else ""
    beside = f", where the published autoencoder has {stated.metrics['auc']:.3f}{others}" if stated else ""
    loud = {one.cell: one.metrics["auc"] for one in judgement.cells[LOUDNESS.name]}
    beaten = sorted(one.cell for one in judgement.cells[judgement.best] if one.metrics["auc"] < loud[one.cell])
    louder = f", and more than the detector in {_counted(len(beaten), 'cell')}" if beaten else ""
    return (
        f"Knowing only normal sound, {best.name} tells abnormal clips from normal ones with a mean AUC of "
        f"{format_metric(best, 'auc')} over {_counted(len(parts.parts), 'cell')} of {_counted(machines, 'machine')}{beside}; the level alone "
        f"has {naive.metrics['auc']:.3f}{louder}.",
        f"With thresholds set from normal training clips for {rate:.0%} false alarms it catches "
        f"{1 - best.metrics['mar']:.0%} of the abnormal clips and raises {best.metrics['far']:.1%} false alarms.",
        *((f"Few clips: a cell has no more than {fewest} abnormal ones to judge. Look at the intervals, not at the "
           "figures.",) if fewest < FEW_CLIPS and table.source == "real" else ()),
        *(("The data are simulated: this shows that the pipeline works, not how your machine will do.",)
          if table.source == "simulated" else ()),
    )  # fmt: skip


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _row(rows: Sequence[Row], name: str) -> Row:
    return next(row for row in rows if row.name == name)


def result(
    table: SoundTable,
    judgement: Judgement,
    parts: Split,
    findings: Sequence[Finding],
    seed: int,
    rate: float,
) -> GauntletResult:
    """The result as far as the figures go; versions, champion and timings come with the registration."""
    return GauntletResult(
        gauntlet=mimii.SPEC.name,
        source=table.source,
        data_hash=table.data_hash,
        seed=seed,
        protocol=protocol(table),
        leakage=Leakage(tuple(findings), allowed=bool(findings)),
        primary_metric=PRIMARY_METRIC,
        candidates=judgement.candidates,
        baselines=judgement.baselines,
        best=judgement.best,
        champion=None,
        registered=(),
        timings_s={},
        input=InputSummary(
            files=len(table.rows) + len(table.quarantine) if table.layout != "tables" else len(table.cells),
            rows=len(table.rows),
            bytes=table.bytes,
            cached_files=table.cached,
            quarantined=tuple(Quarantined(file, reason) for file, reason in table.quarantine),
        ),
        report="",
        cells=cell_entries(judgement, parts, table),
        verdict=verdict(table, judgement, parts, bool(findings), rate),
    )


def cells_table(judgement: Judgement, parts: Split, table: SoundTable) -> Table:
    """Each cell: the champion with intervals, what its threshold does, and what others have."""
    loud = {one.cell: one for one in judgement.cells[LOUDNESS.name]}
    plain = {one.cell: one for one in judgement.cells[MAHALANOBIS.name]}
    known = {one.cell: len(one.train) for one in parts.parts}
    counts = {one.cell: one.abnormal for one in judgement.answers[judgement.best]}
    rows = []
    for one in judgement.cells[judgement.best]:
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
                f"{loud[one.cell].metrics['auc']:.3f}",
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


def _choice(trained: Sequence[Trained], best: str) -> Section:
    rows = tuple(
        (one.candidate.name, f"{one.strangers:.3f}" if np.isfinite(one.strangers) else "–",
         "; ".join(sorted({text for text in one.chosen.values() if text})) or "–")
        for one in trained if one.candidate != SUPERVISED
    )  # fmt: skip
    strong = tuple(k for k, one in enumerate(row[0] for row in rows) if one == best)
    lonely = ("There is no other machine of the type to hold against: the first of the list is the champion.",)
    alone = not any(np.isfinite(one.strangers) for one in trained)
    return Section(
        "How the champion was chosen",
        ("On normal training clips alone: held-out blocks of one machine against the normal clips of the other machines "
         "of its type, which stand in for faults. Shrinkage and components have the largest likelihood of held-out "
         "blocks. No judged clip took part.", *(lonely if alone else ())),
        (Table(("detector", "AUC against other machines", "settings chosen in training"), rows, strong),),
    )  # fmt: skip


def _leak_section(judgement: Judgement) -> tuple[Section, ...]:
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


def write(
    loaded: Loaded,
    table: SoundTable,
    parts: Split,
    judgement: Judgement,
    trained: Sequence[Trained],
    found: Attribution,
    told: GauntletResult,
    drawn: Mapping[str, bytes],
    facts: Sequence[tuple[str, str]],
) -> str:
    """The whole report as HTML."""

    def shown(*names: str) -> tuple[Picture, ...]:
        return tuple(Picture(drawn[f"{name}.png"], name.replace("_", " ")) for name in names if f"{name}.png" in drawn)

    no_clips = ("There are tables of features only, so that no spectrogram can be shown.",)
    page = Page(
        title="MIMII: can a fault be heard?",
        subtitle=f"{table.found} · {told.protocol}",
        source=table.source,
        leaked=told.leakage.leaked,
        verdict=told.verdict,
        sections=(
            Section("Results", (), (results_table(told, RESULTS_CAPTION),)),
            Section("Every machine", (), (cells_table(judgement, parts, table),), shown("auc")),
            Section("Curves", (), (), shown("roc", "roc_low_false_alarms", "margins")),
            Section(
                f"Most normal and most abnormal judged clip of {found.cell}",
                (
                    f"{found.normal.name} and {found.abnormal.name}.",
                    *(() if "spectrogram_abnormal.png" in drawn else no_clips),
                ),
                (),
                shown("spectrogram_normal", "spectrogram_abnormal"),
            ),
            Section(
                "Where the score comes from", _attribution_sentence(found), (), shown("attribution", "bands", "moments")
            ),
            _choice(trained, judgement.best),
            *_leak_section(judgement),
            *_set_aside(loaded, table, parts),
            audit_section(told.leakage),
        ),
        facts=(
            ("data", f"{table.path.name}/, {table.source}, sha256 {table.data_hash}"),
            ("channel", str(table.channel)),
            ("seed", str(told.seed)),
            ("code", git_commit()),
            *facts,
        ),
    )
    return render(page)


def _attribution_sentence(found: Attribution) -> tuple[str, ...]:
    one = found.abnormal
    label = "abnormal" if one.abnormal else "normal: a false alarm"
    return (
        f"The clip is truly {label}. Each feature's share of the squared distance from the normal clips"
        + (
            ", the sum per mel band, and by how much the margin falls when half a second is cut out."
            if one.bands.size
            else "."
        ),
    )


def _set_aside(loaded: Loaded, table: SoundTable, parts: Split) -> tuple[Section, ...]:
    rows = (
        *((file, reason) for file, reason in table.quarantine),
        *((cell, f"not judged: {reason}") for cell, reason in parts.left_out),
        *(("folder passed over", reason) for reason in loaded.passed_over),
    )
    if not rows:
        return ()
    return (Section("Set aside", (), (Table(("what", "why"), rows),)),)
