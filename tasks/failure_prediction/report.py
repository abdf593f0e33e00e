"""The report of the pump gauntlet: which failures were warned of, how long ahead, at how many false alarms?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gauntlet.datasets import pump
from gauntlet.datasets.pump import Pump
from gauntlet.tasks.alarms.warnings import false_alarms_per_week
from gauntlet.tasks.audit import Finding
from gauntlet.tasks.failure_prediction.evaluate import PRIMARY_METRIC, RANDOM_ROWS, Judgement
from gauntlet.tasks.failure_prediction.figures import cost_over_share
from gauntlet.tasks.failure_prediction.load import STEP, Decisions, Question, Trained
from gauntlet.tasks.failure_prediction.slices import SliceVerdict
from gauntlet.tasks.metrics.prices import Prices
from gauntlet.tasks.metrics.warnings import cost_over_limit
from gauntlet.tasks.registry.key import git_commit
from gauntlet.tasks.report.build import audit_section
from gauntlet.tasks.report.former import results_table
from gauntlet.tasks.report.page import Page, Picture, Section, Table, render
from gauntlet.tasks.report.result import format_metric
from gauntlet.tasks.report.timeline import contribution_bars, score_timeline
from gauntlet.tasks.result import GauntletResult, InputSummary, Leakage

PROTOCOL = (
    "leave one failure out: whole blocks from recovery to recovery held out, training rows within 24 h of them left out; "
    "limits chosen by scores held out inside the training blocks; a decision every 15 minutes; 95 % intervals over blocks"
)


def pictures_of(
    decisions: Decisions, trained: Sequence[Trained], judgement: Judgement, question: Question, prices: Prices
) -> dict[str, bytes]:
    """The pictures of the report by file name."""
    said = judgement.said[judgement.best]
    days = np.concatenate([episode.seconds for episode in said.episodes]) / 86_400
    past = np.concatenate(list(said.scores)) - np.repeat(said.limits, [len(s) for s in said.scores])
    failures = [e.failure / 86_400 for e in said.episodes if e.failure is not None]
    spans = [
        (e.seconds[a.raised] / 86_400, e.seconds[a.cleared if a.cleared is not None else -1] / 86_400)
        for e, judged in zip(said.episodes, said.judged, strict=True)
        for a in judged.events
    ]
    drawn = {
        "timeline.png": score_timeline(
            days, past - past.min(), float(-past.min()), spans, f"{judgement.best}: score over the record",
            marks=failures, unit="days", span_label="alarm",
        ),
        "cost.png": cost_over_share(
            {name: cost_over_limit(one, question.horizon_h, question.least_lead_h, prices)
             for name, one in judgement.said.items()}
        ),
    }  # fmt: skip
    for name, shares in spoke(decisions, trained, judgement).items():
        drawn[f"sensors_{name}.png"] = contribution_bars(shares, f"alarm before {name.replace('_', ' ')}", most=8)
    return drawn


def spoke(decisions: Decisions, trained: Sequence[Trained], judgement: Judgement) -> dict[str, dict[str, float]]:
    """Mean share of each sensor in the score while the right warning stood, for each failure that was warned of.

    By the final fit of the model of expected behaviour, whatever the best candidate is: contributions are its own.
    """
    residual = next(one for one in trained if one.candidate.question == "residual")
    model = residual.pipeline[-1].estimator_
    found = {}
    failure = 0
    for episode, judged in zip(
        judgement.said[judgement.best].episodes, judgement.said[judgement.best].judged, strict=True
    ):
        failure += episode.failure is not None
        if judged.raised is None:
            continue
        at = np.flatnonzero(decisions.asked & (decisions.block == episode.number))[judged.raised :]
        shares = model.contributions(decisions.features.iloc[at]).mean(0)
        names = [name.rpartition(" ")[0] for name in model.columns_]
        found[f"failure_{failure}"] = dict(zip(names, map(float, shares), strict=True))
    return found


def _verdict(table: Pump, judgement: Judgement, question: Question, leaked: bool) -> tuple[str, ...]:
    if leaked:
        return ("These figures are leaked: see the audit. They say nothing about a machine.",)
    said = judgement.said[judgement.best]
    row = next(one for one in judgement.candidates if one.name == judgement.best)
    leads = [one.lead_h for one in said.judged if one.lead_h is not None and one.lead_h >= question.least_lead_h]
    failures = sum(one.failure is not None for one in said.episodes)
    return (
        f"{len(leads)} of {failures} failures were warned of at least {question.least_lead_h:g} h ahead"
        + (f" (median {np.median(leads):.1f} h)" if leads else "")
        + f", at {false_alarms_per_week(said.judged):.2f} false alarms per week.",
        f"Best candidate: {judgement.best}, PR-AUC {format_metric(row, PRIMARY_METRIC)} for a failure within "
        f"{question.horizon_h:g} h.",
        "Each figure hangs on a handful of failures: read the intervals.",
        *(("The data are simulated: this shows that the pipeline works, not how your machine will do.",)
          if table.source == "simulated" else ()),
    )  # fmt: skip


def result(
    table: Pump, judgement: Judgement, findings: Sequence[Finding], question: Question, seed: int
) -> GauntletResult:
    """The result as far as the figures go; versions, champion and timings come with the registration."""
    return GauntletResult(
        gauntlet=pump.SPEC.name,
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
        input=InputSummary(files=1, rows=len(table.time), bytes=table.bytes),
        report="",
        machines=judgement.machines,
        cells=judgement.status,
        verdict=_verdict(table, judgement, question, bool(findings)),
    )


def write(
    table: Pump,
    judgement: Judgement,
    slices: Sequence[SliceVerdict],
    told: GauntletResult,
    drawn: Mapping[str, bytes],
    facts: Sequence[tuple[str, str]],
) -> str:
    """The whole report as HTML."""

    def shown(*starts: str) -> tuple[Picture, ...]:
        return tuple(
            Picture(png, name[:-4].replace("_", " ")) for name, png in drawn.items() if name.startswith(starts)
        )

    caption = "recall, precision: failures and warnings; cost: per 30 days of running"
    results = results_table(told, caption)
    page = Page(
        title="Pump: will it break?",
        subtitle=f"{len(table.time):,} minutes, {table.values.shape[1]} sensors, {len(table.failures)} failures · {PROTOCOL}",
        source=table.source,
        leaked=told.leakage.leaked,
        verdict=told.verdict,
        sections=(
            Section("Will it break within the horizon?", (), (results,)),
            Section("Failure by failure", (), (_failures(judgement),), shown("timeline")),
            Section("Which sensors spoke", ("By what the other sensors do not explain.",), (), shown("sensors")),
            Section("Cost", ("At every limit, for the same limit on all blocks.",), (), shown("cost")),
            Section("Is it NORMAL now?", _status_sentences(judgement), (_status(judgement),)),
            *_slices(slices),
            Section("What was handled while reading", table.mended.sentences or ("Nothing.",)),
            audit_section(told.leakage),
        ),
        facts=(
            ("data", f"{table.path.name}, {table.source}, sha256 {table.sha256}"),
            ("decisions", f"every {STEP} minutes"),
            ("training rows", "thinned evenly: forest 2,500, SVC 3,000, LightGBM 7,500 (status) and 5,000 (warning)"),
            ("seed", str(told.seed)),
            ("code", git_commit()),
            *facts,
        ),
    )
    return render(page)


def _failures(judgement: Judgement) -> Table:
    said = {
        name: iter([w for e, w in zip(h.episodes, h.judged, strict=True) if e.failure])
        for name, h in judgement.said.items()
    }
    rows = []
    for machine in judgement.machines:
        leads = []
        for judged in map(next, said.values()):
            lead = f"{judged.lead_h:.1f} h" if judged.lead_h is not None else "–"
            leads.append(lead + (f", {judged.false_alarms} false" if judged.false_alarms else ""))
        rows.append((str(machine["unit"]), str(machine["failure"]["time"]), *leads))  # type: ignore[index]
    weekly = [f"{false_alarms_per_week(one.judged):.2f}" for one in judgement.said.values()]
    rows.append(("false alarms per week", "all blocks", *weekly))
    short = [name.removeprefix("pump_").removesuffix("_baseline").replace("_", " ") for name in said]
    return Table(("failure", "time", *short), tuple(rows), caption="hours of warning, false alarms of its block")


def _status_sentences(judgement: Judgement) -> tuple[str, ...]:
    return (
        "A stopped pump is told from a running one by a glance at the readings. Near 100 % here is no warning of "
        "anything: the same models are in the table above.",
        "Random rows put neighbouring minutes on both sides of the split, so that their row is a reference, not a result. "
        + " ".join(f"The audit of that split: {one}." for one in judgement.random_rows),
    )


def _status(judgement: Judgement) -> Table:
    cells = judgement.status
    rows = tuple(
        (str(cell["model"]), str(cell["group"]["split"]), *(f"{value:.4f}" for value in cell["metrics"].values()))  # type: ignore[index, attr-defined]
        for cell in cells
    )
    strong = tuple(place for place, cell in enumerate(cells) if cell["group"]["split"] != RANDOM_ROWS)  # type: ignore[index]
    return Table(("model", "split", "accuracy", "f1", "mcc"), rows, strong)


def _slices(slices: Sequence[SliceVerdict]) -> tuple[Section, ...]:
    if not slices:
        return ()
    worth = (
        f"{len(slices)} real slices with a failure each prove nothing; they show that real files are read and scored."
    )
    return (Section("Real slices", (worth, *(one.sentence for one in slices))),)
