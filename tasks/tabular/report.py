"""The report on a process table: what a model is worth to a maintenance planner, and why to believe it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gauntlet.tasks.contract import Story
from gauntlet.tasks.metrics.classification import COST_PER_ROWS
from gauntlet.tasks.report.page import Picture, Section, Table
from gauntlet.tasks.report.result import format_metric, results_table
from gauntlet.tasks.result import Row
from gauntlet.tasks.tabular import figures
from gauntlet.tasks.tabular.evaluate import Classified
from gauntlet.tasks.tabular.explanation_figures import importance_bars, shap_beeswarm
from gauntlet.tasks.tabular.featurize import ProcessRows
from gauntlet.tasks.tabular.train import TrainedClassifier

RESULTS_CAPTION = (
    "f1, precision, recall, mcc, accuracy: at the threshold chosen by F1. "
    f"cost: per {COST_PER_ROWS:,} processes, at the threshold chosen by cost, as the first two sentences of the verdict."
)
PUBLISHED = Table(
    ("published claim", "figure", "what it is"),
    (
        (
            "notebooks with the mode columns left in",
            "accuracy 99.9 %",
            "the label in other words: TWF, HDF, PWF, OSF, RNF",
        ),
        ("always “no failure”", "accuracy 96.6 %", "the share of rows without a failure"),
        ("the generator's own rules", "F1 0.917", "ceiling for the deterministic part; tool wear failures are random"),
    ),
    caption="Why accuracy is not the figure to look at: 96.6 % is free.",
)
MODE_NAMES = {"TWF": "tool wear (random)", "HDF": "heat dissipation", "PWF": "power", "OSF": "overstrain"}


def story(prepared: ProcessRows, trained: Sequence[TrainedClassifier], judgement: Classified) -> Story:
    """Verdict, sections and pictures."""
    pictures = pictures_of(prepared, trained, judgement)
    return Story(verdict(prepared, judgement), sections(prepared, judgement, pictures), pictures)


def sections(prepared: ProcessRows, judgement: Classified, pictures: Mapping[str, bytes]) -> tuple[Section, ...]:
    """The sections of the report in order, with those pictures that there are."""

    def shown(*names: str) -> tuple[Picture, ...]:
        files = {name: pictures.get(f"{name}.png") for name in names}
        return tuple(Picture(png, name.replace("_", " ")) for name, png in files.items() if png is not None)

    results = results_table(judgement, prepared.gauntlet.primary_metric, RESULTS_CAPTION)
    return (
        Section("Results", _blocked_sentence(judgement), (results,)),
        Section("Beside what others state", (), (PUBLISHED,)),
        Section("Curves", (), (), shown("precision_recall", "roc")),
        Section("The best candidate", (), (), shown("confusion", "calibration", "cost")),
        Section("What it looks at", (), (), shown("importance", "shap")),
        *_modes_section(judgement),
    )


def pictures_of(prepared: ProcessRows, trained: Sequence[TrainedClassifier], judgement: Classified) -> dict[str, bytes]:
    """The pictures of the report by file name."""
    name, answer = judgement.best, judgement.answers[judgement.best]
    best = next(classifier for classifier in trained if classifier.candidate.name == name)
    by_short_name = {
        candidate.removeprefix("ai4i_classifier_"): answer for candidate, answer in judgement.answers.items()
    }
    pictures = {
        "precision_recall.png": figures.pr_curves(by_short_name, judgement.oracle),
        "roc.png": figures.roc_curves(by_short_name, judgement.oracle),
        "confusion.png": figures.confusion_matrix(name, answer),
        "calibration.png": figures.calibration(name, answer),
        "cost.png": figures.cost_curve(name, answer, prepared.prices, best.model[-1].cheapest_threshold_),
        "importance.png": importance_bars(judgement.explanation),
        "shap.png": shap_beeswarm(judgement.explanation),
    }
    return {file: png for file, png in pictures.items() if png is not None}


def verdict(prepared: ProcessRows, judgement: Classified) -> tuple[str, ...]:
    """What a planner wants to know, in sentences, first."""
    y, prices = prepared.table.y, prepared.prices
    best, naive = judgement.rows[judgement.best], judgement.baselines[judgement.naive]
    flagged = judgement.answers[judgement.best].flagged_by_cost
    announced = flagged[:, y == 1].mean()
    false = flagged[:, y == 0].sum(1).mean() / len(y) * COST_PER_ROWS
    always = (1 - y.mean()) * prices.false_alarm * COST_PER_ROWS
    without_model = min(naive.metrics["cost"], always)
    comparison = "where the best that needs no model costs nothing"
    if without_model:
        saved = 1 - best.metrics["cost"] / without_model
        more = "less" if saved >= 0 else "more"
        comparison = f"{abs(saved):.0%} {more} than the best that needs no model ({without_model:,.0f})"
    return (
        f"Of 100 failures the model announces {100 * announced:.0f}, at the price of {false:.1f} false alarms per "
        f"{COST_PER_ROWS:,} processes.",
        f"At {prices.miss:,.0f} for a missed failure and {prices.false_alarm:,.0f} for a false alarm it costs "
        f"{best.metrics['cost']:,.0f} per {COST_PER_ROWS:,} processes, {comparison}.",
        f"Best candidate: {best.name}, PR-AUC {format_metric(best, 'pr_auc')}, F1 {format_metric(best, 'f1')}.",
        *_warning_of_blocks(best, judgement.blocked),
    )


def _warning_of_blocks(best: Row, blocked: Row | None) -> tuple[str, ...]:
    """A warning where neighbouring rows, kept together, are judged worse than chance explains."""
    if blocked is None or blocked.intervals["pr_auc"][1] >= best.intervals["pr_auc"][0]:
        return ()
    return (
        f"On blocks of neighbouring rows it falls to PR-AUC {format_metric(blocked, 'pr_auc')}: on days unlike those learnt "
        "from expect that.",
    )


def _blocked_sentence(judgement: Classified) -> tuple[str, ...]:
    if judgement.blocked is None:
        return ()
    return (
        f"On five blocks of neighbouring rows instead of shuffled ones the best candidate has PR-AUC "
        f"{format_metric(judgement.blocked, 'pr_auc')} and F1 {format_metric(judgement.blocked, 'f1')}: shuffled folds "
        "share neighbours in time, blocks do not.",
    )


def _modes_section(judgement: Classified) -> tuple[Section, ...]:
    if not judgement.modes:
        return ()
    rows = tuple(
        (f"{mode}: {MODE_NAMES[mode]}", str(count), f"{share:.2f}" if count else "–")
        for mode, (count, share) in judgement.modes.items()
    )
    warning = (
        "For analysis only: no model saw these columns. Tool wear failures strike at a random wear, so that no "
        "model can announce many of them without false alarms."
    )
    return (Section("Which failures are seen", (warning,), (Table(("failure mode", "rows", "recall"), rows),)),)
