"""The report of the process gauntlet: what is this model worth to a maintenance planner, and why believe it?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gauntlet.datasets import ai4i
from gauntlet.tasks.audit import CAUSES, Finding
from gauntlet.tasks.metrics.classification import COST_PER_ROWS
from gauntlet.tasks.registry.key import git_commit
from gauntlet.tasks.report.page import Page, Picture, Section, Table, render
from gauntlet.tasks.report.result import format_metric, results_table
from gauntlet.tasks.result import GauntletResult, InputSummary, Leakage, Row
from gauntlet.tasks.tabular import figures as pictures
from gauntlet.tasks.tabular.explanation_figures import importance_bars, shap_beeswarm
from gauntlet.tasks.tabular.load import PRIMARY_METRIC, Judgement, ProcessTable, Trained
from gauntlet.tasks.tabular.train import Prices

PROTOCOL = (
    "5-fold stratified cross-validation, dealt twice; calibration and thresholds chosen inside each training part; "
    "95 % bootstrap intervals over rows"
)
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


def pictures_of(judgement: Judgement, trained: Sequence[Trained], prices: Prices) -> dict[str, bytes]:
    """The pictures of the report by file name."""
    name, answer = judgement.best, judgement.answers[judgement.best]
    best = next(one for one in trained if one.candidate.name == name)
    short = {one.removeprefix("ai4i_classifier_"): answer for one, answer in judgement.answers.items()}
    drawn = {
        "precision_recall.png": pictures.pr_curves(short, judgement.oracle),
        "roc.png": pictures.roc_curves(short, judgement.oracle),
        "confusion.png": pictures.confusion_matrix(name, answer),
        "calibration.png": pictures.calibration(name, answer),
        "cost.png": pictures.cost_curve(name, answer, prices, best.pipeline[-1].cheapest_threshold_),
        "importance.png": importance_bars(judgement.explanation),
        "shap.png": shap_beeswarm(judgement.explanation),
    }
    return {file: png for file, png in drawn.items() if png is not None}


def verdict(table: ProcessTable, judgement: Judgement, prices: Prices, leaked: bool) -> tuple[str, ...]:
    """What a planner wants to know, in sentences, first."""
    best = next(row for row in judgement.candidates if row.name == judgement.best)
    silence = next(row for row in judgement.baselines if row.name == "majority")
    if leaked:
        return (
            f"These figures are leaked (accuracy {best.metrics['accuracy']:.1%}): columns that only exist because the "
            "failure is known were given to the models. They say nothing about a machine, and no version from this run "
            "can become champion.",
        )
    cheap = judgement.answers[judgement.best].cheap
    caught = cheap[:, table.y == 1].mean()
    false = cheap[:, table.y == 0].sum(1).mean() / len(table.y) * COST_PER_ROWS
    always = (1 - table.y.mean()) * prices.false_alarm * COST_PER_ROWS
    idle = min(silence.metrics["cost"], always)
    beside = "where the best that needs no model costs nothing"
    if idle:
        saved = 1 - best.metrics["cost"] / idle
        more = "less" if saved >= 0 else "more"
        beside = f"{abs(saved):.0%} {more} than the best that needs no model ({idle:,.0f})"
    return (
        f"Of 100 failures the model announces {100 * caught:.0f}, at the price of {false:.1f} false alarms per "
        f"{COST_PER_ROWS:,} processes.",
        f"At {prices.miss:,.0f} for a missed failure and {prices.false_alarm:,.0f} for a false alarm it costs "
        f"{best.metrics['cost']:,.0f} per {COST_PER_ROWS:,} processes, {beside}.",
        f"Best candidate: {best.name}, PR-AUC {format_metric(best, 'pr_auc')}, F1 {format_metric(best, 'f1')}.",
        *_fall(best, judgement.blocked),
        *(("The data are simulated: this shows that the pipeline works, not how your machine will do.",)
          if table.source == "simulated" else ()),
    )  # fmt: skip


def _fall(best: Row, blocked: Row | None) -> tuple[str, ...]:
    """A warning where neighbouring rows, kept together, are judged worse than chance explains."""
    if blocked is None or blocked.intervals["pr_auc"][1] >= best.intervals["pr_auc"][0]:
        return ()
    return (
        f"On blocks of neighbouring rows it falls to PR-AUC {format_metric(blocked, 'pr_auc')}: on days unlike those learnt "
        "from expect that.",
    )


def _modes_section(judgement: Judgement) -> tuple[Section, ...]:
    if not judgement.modes:
        return ()
    names = {"TWF": "tool wear (random)", "HDF": "heat dissipation", "PWF": "power", "OSF": "overstrain"}
    rows = tuple(
        (f"{mode}: {names[mode]}", str(count), f"{share:.2f}" if count else "–")
        for mode, (count, share) in judgement.modes.items()
    )
    return (
        Section(
            "Which failures are seen",
            ("For analysis only: no model saw these columns. Tool wear failures strike at a random wear, so that no "
             "model can announce many of them without false alarms.",),
            (Table(("failure mode", "rows", "recall"), rows),),
        ),
    )  # fmt: skip


def audit_section(leakage: Leakage) -> Section:
    """What the audit looked for and what it found."""
    findings = leakage.findings
    if not findings:
        return Section("Audit", (f"No finding. {len(CAUSES)} causes were looked for: {', '.join(sorted(CAUSES))}.",))
    rows = tuple((one.kind, one.column, one.detail) for one in findings)
    return Section(
        "Audit",
        (f"{len(findings)} finding{'s' if len(findings) > 1 else ''}; the caller allowed the run to go on.",),
        (Table(("kind", "column", "detail"), rows),),
    )


def result(
    table: ProcessTable, judgement: Judgement, findings: Sequence[Finding], prices: Prices, seed: int
) -> GauntletResult:
    """The result as far as the figures go; versions, champion and timings come with the registration."""
    return GauntletResult(
        gauntlet=ai4i.SPEC.name,
        source=table.source,
        data_hash=table.sha256,
        seed=seed,
        protocol=PROTOCOL,
        leakage=Leakage(tuple(findings), allowed=bool(findings)),
        primary_metric=PRIMARY_METRIC,
        candidates=judgement.candidates,
        baselines=judgement.baselines,
        best=judgement.best,
        champion=None,
        registered=(),
        timings_s={},
        input=InputSummary(files=1, rows=len(table.y), bytes=table.bytes),
        report="",
        verdict=verdict(table, judgement, prices, bool(findings)),
    )


def write(
    table: ProcessTable,
    judgement: Judgement,
    told: GauntletResult,
    drawn: Mapping[str, bytes],
    facts: Sequence[tuple[str, str]],
) -> str:
    """The whole report as HTML."""

    def shown(*names: str) -> tuple[Picture, ...]:
        return tuple(Picture(drawn[f"{name}.png"], name.replace("_", " ")) for name in names if f"{name}.png" in drawn)

    page = Page(
        title="AI4I: which processes will fail?",
        subtitle=f"{len(table.y):,} processes, {int(table.y.sum()):,} failures · {PROTOCOL}",
        source=table.source,
        leaked=told.leakage.leaked,
        verdict=told.verdict,
        sections=(
            Section("Results", _blocked_sentence(judgement), (results_table(told, RESULTS_CAPTION),)),
            Section("Beside what others state", (), (PUBLISHED,)),
            Section("Curves", (), (), shown("precision_recall", "roc")),
            Section("The best candidate", (), (), shown("confusion", "calibration", "cost")),
            Section("What it looks at", (), (), shown("importance", "shap")),
            *_modes_section(judgement),
            audit_section(told.leakage),
        ),
        facts=(
            ("data", f"{table.path.name}, {table.source}, sha256 {table.sha256}"),
            ("seed", str(told.seed)),
            ("code", git_commit()),
            *facts,
        ),
    )
    return render(page)


def _blocked_sentence(judgement: Judgement) -> tuple[str, ...]:
    if judgement.blocked is None:
        return ()
    return (
        f"On five blocks of neighbouring rows instead of shuffled ones the best candidate has PR-AUC "
        f"{format_metric(judgement.blocked, 'pr_auc')} and F1 {format_metric(judgement.blocked, 'f1')}: shuffled folds "
        "share neighbours in time, blocks do not.",
    )
