"""The story of a record: which failures were warned of, how long ahead, at how many false alarms?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gauntlet.tasks.alarms.warnings import false_alarms_per_week
from gauntlet.tasks.contract import Story
from gauntlet.tasks.failure_prediction.evaluate import RANDOM_ROWS, WarningJudgement
from gauntlet.tasks.failure_prediction.featurize import Decisions, Record
from gauntlet.tasks.failure_prediction.figures import cost_over_share
from gauntlet.tasks.failure_prediction.slices import SliceVerdict
from gauntlet.tasks.failure_prediction.train import TrainedWarner
from gauntlet.tasks.metrics.warnings import cost_over_limit
from gauntlet.tasks.report.page import Picture, Section, Table
from gauntlet.tasks.report.result import format_metric, results_table
from gauntlet.tasks.report.timeline import contribution_bars, score_timeline

RESULTS_CAPTION = "recall, precision: failures and warnings; cost: per 30 days of running"


def story(prepared: Record, trained: Sequence[TrainedWarner], judgement: WarningJudgement) -> Story:
    """Verdict, sections and pictures."""
    pictures = pictures_of(prepared, trained, judgement)

    def shown(*starts: str) -> tuple[Picture, ...]:
        return tuple(
            Picture(png, name[:-4].replace("_", " ")) for name, png in pictures.items() if name.startswith(starts)
        )

    results = results_table(judgement, prepared.gauntlet.primary_metric, RESULTS_CAPTION)
    sections = (
        Section("Will it break within the horizon?", (), (results,)),
        Section("Failure by failure", (), (_failures(judgement),), shown("timeline")),
        Section("Which sensors moved the score", ("By what the other sensors do not explain.",), (), shown("sensors")),
        Section("Cost", ("At every limit, for the same limit on all blocks.",), (), shown("cost")),
        Section("Is it NORMAL now?", _status_sentences(judgement), (_status(judgement),)),
        *_slices(prepared.slices),
        Section("What was handled while reading", prepared.table.mended.sentences or ("Nothing.",)),
    )
    return Story(verdict(prepared, judgement), sections, pictures)


def pictures_of(prepared: Record, trained: Sequence[TrainedWarner], judgement: WarningJudgement) -> dict[str, bytes]:
    """The pictures of the report by file name."""
    question, prices = prepared.question, prepared.prices
    warnings = judgement.warnings[judgement.best]
    days = np.concatenate([episode.seconds for episode in warnings.episodes]) / 86_400
    past = np.concatenate(list(warnings.scores)) - np.repeat(warnings.limits, [len(s) for s in warnings.scores])
    failures = [e.failure / 86_400 for e in warnings.episodes if e.failure is not None]
    spans = [
        (e.seconds[a.raised] / 86_400, e.seconds[a.cleared if a.cleared is not None else -1] / 86_400)
        for e, judged in zip(warnings.episodes, warnings.judged, strict=True)
        for a in judged.events
    ]
    pictures = {
        "timeline.png": score_timeline(
            days,
            past - past.min(),
            float(-past.min()),
            spans,
            f"{judgement.best}: score over the record",
            marks=failures,
            unit="days",
            span_label="alarm",
        ),
        "cost.png": cost_over_share(
            {
                name: cost_over_limit(one, question.horizon_h, question.least_lead_h, prices)
                for name, one in judgement.warnings.items()
            }
        ),
    }
    for name, shares in mean_shares(prepared.decisions, trained, judgement).items():
        pictures[f"sensors_{name}.png"] = contribution_bars(shares, f"alarm before {name.replace('_', ' ')}", most=8)
    return pictures


def mean_shares(
    decisions: Decisions, trained: Sequence[TrainedWarner], judgement: WarningJudgement
) -> dict[str, dict[str, float]]:
    """Mean share of each sensor in the score while the right warning stood, for each failure that was warned of.

    By the final fit of the model of expected behaviour, whatever the best candidate is: contributions are its own.
    """
    residual = next(one for one in trained if one.candidate.question == "residual")
    model = residual.model[-1].estimator_
    means = {}
    failure = 0
    warnings = judgement.warnings[judgement.best]
    for episode, judged in zip(warnings.episodes, warnings.judged, strict=True):
        failure += episode.failure is not None
        if judged.raised is None:
            continue
        at = np.flatnonzero(decisions.asked & (decisions.block == episode.number))[judged.raised :]
        shares = model.shares(decisions.features.iloc[at]).mean(0)
        names = [name.rpartition(" ")[0] for name in model.columns_]
        means[f"failure_{failure}"] = dict(zip(names, map(float, shares), strict=True))
    return means


def verdict(prepared: Record, judgement: WarningJudgement) -> tuple[str, ...]:
    """What a planner wants to know, in sentences, first."""
    question, warnings, row = prepared.question, judgement.warnings[judgement.best], judgement.rows[judgement.best]
    leads = [one.lead_h for one in warnings.judged if one.lead_h is not None and one.lead_h >= question.least_lead_h]
    failures = sum(one.failure is not None for one in warnings.episodes)
    return (
        f"{len(leads)} of {failures} failures were warned of at least {question.least_lead_h:g} h ahead"
        + (f" (median {np.median(leads):.1f} h)" if leads else "")
        + f", at {false_alarms_per_week(warnings.judged):.2f} false alarms per week.",
        f"Best candidate: {judgement.best}, PR-AUC {format_metric(row, 'pr_auc')} for a failure within "
        f"{question.horizon_h:g} h.",
        "Each figure hangs on a handful of failures: read the intervals.",
    )


def _failures(judgement: WarningJudgement) -> Table:
    failed = {
        name: iter([w for e, w in zip(h.episodes, h.judged, strict=True) if e.failure])
        for name, h in judgement.warnings.items()
    }
    rows = []
    for machine in judgement.machines or ():
        leads = []
        for judged in map(next, failed.values()):
            lead = f"{judged.lead_h:.1f} h" if judged.lead_h is not None else "–"
            leads.append(lead + (f", {judged.false_alarms} false" if judged.false_alarms else ""))
        rows.append((str(machine["unit"]), str(machine["failure"]["time"]), *leads))
    weekly = [f"{false_alarms_per_week(one.judged):.2f}" for one in judgement.warnings.values()]
    rows.append(("false alarms per week", "all blocks", *weekly))
    short = [name.removeprefix("pump_").removesuffix("_baseline").replace("_", " ") for name in failed]
    return Table(("failure", "time", *short), tuple(rows), caption="hours of warning, false alarms of its block")


def _status_sentences(judgement: WarningJudgement) -> tuple[str, ...]:
    return (
        "A stopped pump is told from a running one by a glance at the readings. Near 100 % here is no warning of "
        "anything: the same models are in the table above.",
        "Random rows put neighbouring minutes on both sides of the split, so that their row is a reference, not a result. "
        + " ".join(f"The audit of that split: {one}." for one in judgement.random_rows),
    )


def _status(judgement: WarningJudgement) -> Table:
    cells = judgement.cells or ()
    rows = tuple(
        (str(cell["model"]), str(cell["group"]["split"]), *(f"{value:.4f}" for value in cell["metrics"].values()))
        for cell in cells
    )
    strong = tuple(place for place, cell in enumerate(cells) if cell["group"]["split"] != RANDOM_ROWS)
    return Table(("model", "split", "accuracy", "f1", "mcc"), rows, strong)


def _slices(slices: Sequence[SliceVerdict]) -> tuple[Section, ...]:
    if not slices:
        return ()
    worth = (
        f"{len(slices)} real slices with a failure each prove nothing; they show that real files are read and scored."
    )
    return (Section("Real slices", (worth, *(one.sentence for one in slices))),)
