"""The story of clips: can a machine's fault be heard, how often, and at which price of false alarms?"""

from __future__ import annotations

from collections.abc import Sequence

from gauntlet.datasets.mimii_published import published
from gauntlet.datasets.records.clip import Cell
from gauntlet.tasks.contract import Story
from gauntlet.tasks.report.page import Picture, Section
from gauntlet.tasks.report.result import format_metric, results_table
from gauntlet.tasks.sound import attribution_figures, figures, sections
from gauntlet.tasks.sound.attribution import Attribution, attribute
from gauntlet.tasks.sound.evaluate import PUBLISHED, SoundJudgement
from gauntlet.tasks.sound.featurize import SoundFeatures
from gauntlet.tasks.sound.train import TrainedSound

FEW_CLIPS = 30


def story(prepared: SoundFeatures, trained: Sequence[TrainedSound], judgement: SoundJudgement) -> Story:
    """Verdict, sections and pictures."""
    attribution = attribute(prepared, next(model for model in trained if model.candidate.name == judgement.best))
    pictures = pictures_of(prepared, judgement, attribution)

    def shown(*names: str) -> tuple[Picture, ...]:
        files = [(name, f"{name}.png") for name in names]
        return tuple(Picture(pictures[file], name.replace("_", " ")) for name, file in files if file in pictures)

    results = results_table(judgement, prepared.gauntlet.primary_metric, sections.RESULTS_CAPTION)
    spectrograms = shown("spectrogram_normal", "spectrogram_abnormal")
    return Story(
        verdict=verdict(prepared, judgement),
        sections=(
            Section("Results", (), (results,)),
            Section("Every machine", (), (sections.cells_table(prepared, judgement),), shown("auc")),
            Section("Curves", (), (), shown("roc", "roc_low_false_alarms", "margins")),
            sections.clips_section(attribution, spectrograms),
            sections.attribution_section(attribution, shown("attribution", "bands", "moments")),
            sections.choice_section(trained, judgement.best),
            *sections.random_split_section(judgement),
            *sections.set_aside_section(prepared),
        ),
        pictures=pictures,
    )


def pictures_of(prepared: SoundFeatures, judgement: SoundJudgement, attribution: Attribution) -> dict[str, bytes]:
    """The pictures of the report by file name."""
    name, normal, abnormal = judgement.best, attribution.normal, attribution.abnormal
    answers, of_best = judgement.answers[name], judgement.figures[name]
    pictures = {
        "auc.png": figures.auc_bars(of_best, _published_auc(prepared), judgement.figures[judgement.naive]),
        "roc.png": figures.roc_curves(name, answers),
        "roc_low_false_alarms.png": figures.roc_curves(name, answers, partial=True),
        "margins.png": figures.margins(name, answers),
        "spectrogram_normal.png": attribution_figures.spectrogram(normal, abnormal, "most normal"),
        "spectrogram_abnormal.png": attribution_figures.spectrogram(abnormal, normal, "most abnormal"),
        "attribution.png": attribution_figures.top_features(abnormal),
        "bands.png": attribution_figures.bands(abnormal),
        "moments.png": attribution_figures.moments(abnormal),
    }
    return {file: png for file, png in pictures.items() if png is not None}


def _published_auc(prepared: SoundFeatures) -> dict[str, float]:
    if prepared.table.source != "real":
        return {}
    return {part.cell: stated["auc"] for part in prepared.split.parts if (stated := published(Cell.of(part.cell)))}


def verdict(prepared: SoundFeatures, judgement: SoundJudgement) -> tuple[str, ...]:
    """What a planner wants to know, in sentences, first."""
    table, parts = prepared.table, prepared.split.parts
    best, naive = judgement.rows[judgement.best], judgement.baselines[judgement.naive]
    machines = len({part.cell.split("/", 1)[1] for part in parts})
    stated = judgement.baselines.get(PUBLISHED)
    others = " on all clips of the challenge" if table.layout == "dcase" else ""
    beside = f", where the published autoencoder has {stated.metrics['auc']:.3f}{others}" if stated else ""
    by_level = {cell.cell: cell.metrics["auc"] for cell in judgement.figures[judgement.naive]}
    worse = [cell for cell in judgement.figures[judgement.best] if cell.metrics["auc"] < by_level[cell.cell]]
    louder = f", and more than the detector in {_counted(len(worse), 'cell')}" if worse else ""
    sentences = [
        f"Knowing only normal sound, {best.name} tells abnormal clips from normal ones with a mean AUC of "
        f"{format_metric(best, 'auc')} over {_counted(len(parts), 'cell')} of {_counted(machines, 'machine')}{beside}; "
        f"the level alone has {naive.metrics['auc']:.3f}{louder}.",
        f"With thresholds set from normal training clips for {prepared.false_alarm_rate:.0%} false alarms it catches "
        f"{1 - best.metrics['mar']:.0%} of the abnormal clips and raises {best.metrics['far']:.1%} false alarms.",
    ]
    fewest = min(int(cell.abnormal.sum()) for cell in judgement.answers[judgement.best])
    if fewest < FEW_CLIPS and table.source == "real":
        sentences.append(
            f"Few clips: a cell has no more than {fewest} abnormal ones to judge. Look at the intervals, not at the "
            "figures."
        )
    return tuple(sentences)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
