"""Candidates beside silence and constant alarm as warnings of a failure, and the status question by both splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

from gauntlet.datasets.pump import Pump
from gauntlet.tasks.alarms.warnings import false_alarms_per_week
from gauntlet.tasks.audit import Finding, Part, Protocol, audit_claims
from gauntlet.tasks.contract import Judgement
from gauntlet.tasks.failure_prediction.featurize import PreparedRecord
from gauntlet.tasks.failure_prediction.slices import SliceVerdict, score_slices
from gauntlet.tasks.failure_prediction.train import TrainedPredictor, unfitted
from gauntlet.tasks.failure_prediction.warnings import JudgedWarnings, judge_warnings, warning_row

TIME_BLOCKS, RANDOM_ROWS = "held-out blocks of time", "random rows (leaked)"
TEST_SHARE = 0.2  # of random rows


@dataclass(frozen=True, eq=False, kw_only=True)
class PredictorJudgement(Judgement):
    """With each candidate's warnings, episode by episode; `cells` are the status question by model and split.

    `random_rows`: what the audit finds in the split by random rows. `slices`: verdicts on pieces too short to judge on.
    """

    warnings: Mapping[str, JudgedWarnings]
    random_rows: tuple[Finding, ...]
    slices: tuple[SliceVerdict, ...]


def evaluate(prepared: PreparedRecord, trained: Sequence[TrainedPredictor], seed: int) -> PredictorJudgement:
    """The results table on the warning question with intervals over blocks; the status question by both splits."""
    question, prices = prepared.record.question, prepared.record.prices
    warnings = {predictor.candidate.name: judged_warnings(predictor, prepared) for predictor in trained}
    rows = tuple(warning_row(judged, question.least_lead_h, prices, seed) for judged in warnings.values())
    best = max(rows, key=lambda row: row.metrics[prepared.gauntlet.primary_metric]).name
    constant = (_constant(prepared, "majority", threshold=1.0), _constant(prepared, "always_alarm", threshold=-1.0))
    test = np.random.default_rng(seed).random(len(prepared.decisions.row)) < TEST_SHARE
    status = [predictor for predictor in trained if predictor.candidate.question == "status"]
    return PredictorJudgement(
        candidates=rows,
        baselines={judged.name: warning_row(judged, question.least_lead_h, prices, seed) for judged in constant},
        naive="majority",
        best=best,
        chosen_on="the stated figures of the held-out blocks",
        machines=_machines(prepared.record.table, warnings[best]),
        cells=tuple(cell for predictor in status for cell in status_cells(predictor, prepared, test, seed)),
        warnings=warnings,
        random_rows=audit_of_random_rows(prepared, test),
        slices=score_slices(prepared.request.root),
    )


def judged_warnings(predictor: TrainedPredictor, prepared: PreparedRecord) -> JudgedWarnings:
    """The candidate's warnings by scores held out, each block at the threshold chosen inside the others."""
    episodes = prepared.decisions.episodes
    thresholds = [predictor.thresholds[episode.number] for episode in episodes]
    return _judged(prepared, predictor.candidate.name, predictor.score, thresholds)


def _constant(prepared: PreparedRecord, name: str, threshold: float) -> JudgedWarnings:
    """The baseline that gives every decision the same score."""
    score = np.zeros(len(prepared.decisions.row))
    return _judged(prepared, name, score, [threshold] * len(prepared.decisions.episodes))


def _judged(prepared: PreparedRecord, name: str, score: np.ndarray, thresholds: Sequence[float]) -> JudgedWarnings:
    decisions = prepared.decisions
    scores = [decisions.of_episode(episode, score) for episode in decisions.episodes]
    truth = [decisions.of_episode(episode, decisions.within_horizon) for episode in decisions.episodes]
    return judge_warnings(name, decisions.episodes, scores, truth, thresholds, prepared.record.question.horizon_h)


def status_cells(
    predictor: TrainedPredictor, prepared: PreparedRecord, test: np.ndarray, seed: int
) -> list[dict[str, object]]:
    """The status question, NORMAL or not, by held-out blocks and by random rows (`test`, (m,) bool), which leak."""
    features, not_normal, train = prepared.features, prepared.decisions.not_normal, np.flatnonzero(~test)
    model = unfitted(replace(predictor.candidate, most_rows=len(train)), features, seed)
    model = model.fit(features.iloc[train], not_normal[train])
    leaked = model.decision_function(features[test]) > 0.5
    return [
        _cell(predictor.candidate.name, TIME_BLOCKS, not_normal, predictor.score > 0.5),
        _cell(predictor.candidate.name, RANDOM_ROWS, not_normal[test], leaked),
    ]


def _cell(name: str, split: str, y: np.ndarray, flagged: np.ndarray) -> dict[str, object]:
    metrics = {
        "accuracy": float(accuracy_score(y, flagged)),
        "f1": float(f1_score(y, flagged, zero_division=0.0)),
        "mcc": float(matthews_corrcoef(y, flagged)),
    }
    return {"group": {"question": "status", "split": split}, "model": name, "metrics": metrics}


def audit_of_random_rows(prepared: PreparedRecord, test: np.ndarray) -> tuple[Finding, ...]:
    """Findings of the audit in a split by random rows (`test`, (m,) bool): the reference that the status question states."""
    decisions = prepared.decisions
    levels = [name for name in prepared.features.columns if name.endswith(" mean15")][:10]

    def part(rows: np.ndarray) -> Part:
        features = prepared.features.loc[rows, levels].ffill().bfill()
        return Part(times=decisions.row[rows], features=features, labels=decisions.not_normal[rows].astype(int))

    return audit_claims(Protocol(train=part(~test), test=part(test)))


def _machines(table: Pump, judged: JudgedWarnings) -> tuple[dict[str, object], ...]:
    """One entry for each failure: when it was warned of; `onset` null where it was not."""

    def moment(row: int) -> dict[str, object]:
        return {"index": int(row), "time": str(pd.Timestamp(table.time[row]))}

    machines: list[dict[str, object]] = []
    for episode, outcome in zip(judged.episodes, judged.outcomes, strict=True):
        if episode.failure is None:
            continue
        failure = int(table.failures[np.searchsorted(table.failures, episode.rows[-1])])
        raised = outcome.raised
        machines.append(
            {
                "run": table.path.name,
                "unit": f"failure {len(machines) + 1}",
                "onset": moment(int(episode.rows[raised])) if raised is not None else None,
                "failure": moment(failure),
                "lead_time_h": outcome.lead_h,
                "false_alarms_per_week": false_alarms_per_week([outcome]),
            }
        )
    return tuple(machines)
