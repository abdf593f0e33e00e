"""The report on warnings: which failures were warned of, how long ahead, at how many false alarms, and by which sensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gauntlet.tasks.alarms.warnings import false_alarms_per_week
from gauntlet.tasks.contract import Story
from gauntlet.tasks.failure_prediction.evaluate import RANDOM_ROWS, PredictorJudgement
from gauntlet.tasks.failure_prediction.featurize import PreparedRecord
from gauntlet.tasks.failure_prediction.figures import cost_curves
from gauntlet.tasks.failure_prediction.slices import SliceVerdict
from gauntlet.tasks.failure_prediction.train import TrainedPredictor
from gauntlet.tasks.failure_prediction.warnings import cost_over_threshold
from gauntlet.tasks.report.page import Picture, Section, Table
from gauntlet.tasks.report.result import format_metric, results_table
from gauntlet.tasks.report.timeline import contribution_bars, score_timeline

CAPTION = "recall, precision: failures and warnings; cost: per 30 days of running"


def story(prepared: PreparedRecord, trained: Sequence[TrainedPredictor], judgement: PredictorJudgement) -> Story:
    """Verdict, sections and pictures."""
    pictures = {
        "timeline.png": _timeline(judgement),
        "cost.png": _cost(prepared, judgement),
        **_sensor_pictures(prepared, trained, judgement),
    }
    most = ", ".join(f"{predictor.candidate.name} {predictor.candidate.most_rows:,}" for predictor in trained)
    facts = (("training rows", f"evenly spaced, at most: {most}"),)
    return Story(verdict(prepared, judgement), sections(prepared, judgement, pictures), pictures, facts)


def verdict(prepared: PreparedRecord, judgement: PredictorJudgement) -> tuple[str, ...]:
    """How many failures were warned of, how long ahead, and at how many false alarms."""
    question, metric = prepared.record.question, prepared.gauntlet.primary_metric
    judged, row = judgement.warnings[judgement.best], judgement.rows[judgement.best]
    leads = [outcome.lead_h for outcome in judged.outcomes if outcome.lead_h is not None]
    leads = [lead_h for lead_h in leads if lead_h >= question.least_lead_h]
    failures = sum(episode.failure is not None for episode in judged.episodes)
    median = f" (median {np.median(leads):.1f} h)" if leads else ""
    return (
        f"{len(leads)} of {failures} failures were warned of at least {question.least_lead_h:g} h ahead{median}, "
        f"at {false_alarms_per_week(judged.outcomes):.2f} false alarms per week.",
        f"Best candidate: {judgement.best}, PR-AUC {format_metric(row, metric)} for a failure within "
        f"{question.horizon_h:g} h.",
        "Each figure hangs on a handful of failures: read the intervals.",
    )


def sections(
    prepared: PreparedRecord, judgement: PredictorJudgement, pictures: Mapping[str, bytes]
) -> tuple[Section, ...]:
    """The sections of the report in order."""

    def shown(start: str) -> tuple[Picture, ...]:
        return tuple(
            Picture(png, name.removesuffix(".png").replace("_", " "))
            for name, png in pictures.items()
            if name.startswith(start)
        )

    results = results_table(judgement, prepared.gauntlet.primary_metric, CAPTION)
    return (
        Section("Will it break within the horizon?", (), (results,)),
        Section("Failure by failure", (), (_failures(judgement),), shown("timeline")),
        Section("Contributing sensors", ("By what the other sensors do not explain.",), (), shown("sensors")),
        Section("Cost", ("At every threshold, for the same threshold on all blocks.",), (), shown("cost")),
        Section("Is it NORMAL now?", _status_sentences(judgement), (_status(judgement),)),
        *_slices(judgement.slices),
        Section("What was handled while reading", prepared.record.table.mended.sentences or ("Nothing.",)),
    )


def _timeline(judgement: PredictorJudgement) -> bytes:
    """The best candidate's score over the record, each block above or below its own threshold."""
    judged = judgement.warnings[judgement.best]
    days = np.concatenate([episode.seconds for episode in judged.episodes]) / 86_400
    thresholds = np.repeat(judged.thresholds, [len(score) for score in judged.scores])
    past = np.concatenate(list(judged.scores)) - thresholds
    spans = [
        (
            episode.seconds[alarm.raised] / 86_400,
            episode.seconds[-1 if alarm.cleared is None else alarm.cleared] / 86_400,
        )
        for episode, outcome in zip(judged.episodes, judged.outcomes, strict=True)
        for alarm in outcome.alarms
    ]
    return score_timeline(
        days,
        past - past.min(),
        float(-past.min()),
        spans,
        f"{judgement.best}: score over the record",
        marks=[episode.failure / 86_400 for episode in judged.episodes if episode.failure is not None],
        unit="days",
        span_label="alarm",
    )


def _cost(prepared: PreparedRecord, judgement: PredictorJudgement) -> bytes:
    question, prices = prepared.record.question, prepared.record.prices
    return cost_curves(
        {
            name: cost_over_threshold(judged, question.horizon_h, question.least_lead_h, prices)
            for name, judged in judgement.warnings.items()
        }
    )


def _sensor_pictures(
    prepared: PreparedRecord, trained: Sequence[TrainedPredictor], judgement: PredictorJudgement
) -> dict[str, bytes]:
    return {
        f"sensors_{name}.png": contribution_bars(shares, f"alarm before {name.replace('_', ' ')}", most=8)
        for name, shares in sensor_shares(prepared, trained, judgement).items()
    }


def sensor_shares(
    prepared: PreparedRecord, trained: Sequence[TrainedPredictor], judgement: PredictorJudgement
) -> dict[str, dict[str, float]]:
    """Mean share of each sensor in the score while the right warning stood, for each failure that was warned of.

    By the final fit of the model of expected behaviour, whatever the best candidate is: its score is a sum over sensors.
    """
    residual = next(predictor for predictor in trained if predictor.candidate.question == "residual")
    model = residual.model[-1].estimator_
    sensors = [name.rpartition(" ")[0] for name in model.columns_]
    decisions, judged = prepared.decisions, judgement.warnings[judgement.best]
    shares: dict[str, dict[str, float]] = {}
    failure = 0
    for episode, outcome in zip(judged.episodes, judged.outcomes, strict=True):
        failure += episode.failure is not None
        if outcome.raised is None:
            continue
        at = decisions.of_episode(episode, np.arange(len(decisions.row)))[outcome.raised :]
        mean = model.shares(prepared.features.iloc[at]).mean(0)
        shares[f"failure_{failure}"] = dict(zip(sensors, map(float, mean), strict=True))
    return shares


def _failures(judgement: PredictorJudgement) -> Table:
    """Hours of warning and false alarms by failure and candidate."""
    outcomes = {
        name: [o for e, o in zip(judged.episodes, judged.outcomes, strict=True) if e.failure is not None]
        for name, judged in judgement.warnings.items()
    }
    rows = []
    for place, machine in enumerate(judgement.machines or ()):
        leads = []
        for outcome in (of_candidate[place] for of_candidate in outcomes.values()):
            lead = f"{outcome.lead_h:.1f} h" if outcome.lead_h is not None else "–"
            leads.append(lead + (f", {outcome.false_alarms} false" if outcome.false_alarms else ""))
        rows.append((str(machine["unit"]), str(machine["failure"]["time"]), *leads))
    weekly = [f"{false_alarms_per_week(judged.outcomes):.2f}" for judged in judgement.warnings.values()]
    rows.append(("false alarms per week", "all blocks", *weekly))
    names = [name.removeprefix("pump_").removesuffix("_baseline").replace("_", " ") for name in outcomes]
    return Table(("failure", "time", *names), tuple(rows), caption="hours of warning, false alarms of its block")


def _status_sentences(judgement: PredictorJudgement) -> tuple[str, ...]:
    return (
        "A stopped pump is told from a running one by a glance at the readings. Near 100 % here is no warning of "
        "anything: the same models are in the table above.",
        "Random rows put neighbouring minutes on both sides of the split, so that their row is a reference, not a result. "
        + " ".join(f"The audit of that split: {finding}." for finding in judgement.random_rows),
    )


def _status(judgement: PredictorJudgement) -> Table:
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
    return (Section("Real slices", (worth, *(verdict.sentence for verdict in slices))),)
