"""Warnings judged failure by failure, beside silence and constant alarm; the status question both ways."""

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
from gauntlet.tasks.failure_prediction.featurize import Decisions, Question, Record
from gauntlet.tasks.failure_prediction.train import TrainedWarner, episode_scores, unfitted
from gauntlet.tasks.metrics.warnings import Warnings, judged_warnings, warning_row

TIME_BLOCKS, RANDOM_ROWS = "held-out blocks of time", "random rows (leaked)"


@dataclass(frozen=True, eq=False, kw_only=True)
class WarningJudgement(Judgement):
    """`warnings`: by candidate. `random_rows`: what the audit says of a split by random rows. `cells`: the status question."""

    warnings: Mapping[str, Warnings]
    random_rows: tuple[Finding, ...]


def evaluate(prepared: Record, trained: Sequence[TrainedWarner], seed: int) -> WarningJudgement:
    """Candidates beside silence and constant alarm on the warning question; the status question by both splits."""
    decisions, question, prices = prepared.decisions, prepared.question, prepared.prices
    warnings = {one.candidate.name: warnings_of(one, decisions, question) for one in trained}
    rows = tuple(warning_row(one, question.least_lead_h, prices, seed) for one in warnings.values())
    best = max(rows, key=lambda row: row.metrics[prepared.gauntlet.primary_metric]).name
    asked = [decisions.asked & (decisions.block == episode.number) for episode in decisions.episodes]
    soon = [decisions.soon[at] for at in asked]
    flat = [np.zeros(len(one)) for one in soon]
    constant = {
        name: judged_warnings(name, decisions.episodes, flat, soon, [limit] * len(flat), question.horizon_h)
        for name, limit in (("majority", 1.0), ("always_alarm", -1.0))
    }
    status = [one for one in trained if one.candidate.question == "status"]
    deal = np.random.default_rng(seed).random(len(decisions.row)) < 0.2
    return WarningJudgement(
        candidates=rows,
        baselines={name: warning_row(one, question.least_lead_h, prices, seed) for name, one in constant.items()},
        naive="majority",
        best=best,
        chosen_on="the stated figures over held-out blocks",
        machines=_machines(prepared.table, warnings[best]),
        cells=tuple(cell for one in status for cell in status_cells(one, decisions, deal, seed)),
        warnings=warnings,
        random_rows=audit_of_random_rows(decisions, deal),
    )


def warnings_of(one: TrainedWarner, decisions: Decisions, question: Question) -> Warnings:
    """What a candidate warned of, each block by the model that had not seen it."""
    scores = [episode_scores(decisions, episode, one.score) for episode in decisions.episodes]
    soon = [episode_scores(decisions, episode, decisions.soon) for episode in decisions.episodes]
    limits = [one.limits[episode.number] for episode in decisions.episodes]
    return judged_warnings(one.candidate.name, decisions.episodes, scores, soon, limits, question.horizon_h)


def status_cells(one: TrainedWarner, decisions: Decisions, test: np.ndarray, seed: int) -> list[dict[str, object]]:
    """The status question, NORMAL or not, by held-out blocks and by random rows, which leak."""
    train = np.flatnonzero(~test)
    model = unfitted(replace(one.candidate, most_rows=len(train)), decisions.features, seed)
    model = model.fit(decisions.features.iloc[train], decisions.not_normal[train])
    leaked = model.predict_proba(decisions.features[test])[:, 1] > 0.5
    return [
        _cell(one.candidate.name, TIME_BLOCKS, decisions.not_normal, one.score > 0.5),
        _cell(one.candidate.name, RANDOM_ROWS, decisions.not_normal[test], leaked),
    ]


def _cell(name: str, split: str, y: np.ndarray, flagged: np.ndarray) -> dict[str, object]:
    metrics = {
        "accuracy": float(accuracy_score(y, flagged)),
        "f1": float(f1_score(y, flagged, zero_division=0.0)),
        "mcc": float(matthews_corrcoef(y, flagged)),
    }
    return {"group": {"question": "status", "split": split}, "model": name, "metrics": metrics}


def audit_of_random_rows(decisions: Decisions, test: np.ndarray) -> tuple[Finding, ...]:
    """What the audit says of the split by random rows, in the words of the cause."""

    def part(rows: np.ndarray) -> Part:
        levels = [name for name in decisions.features.columns if name.endswith(" mean15")][:10]
        features = decisions.features.loc[rows, levels].ffill().bfill()
        return Part(times=decisions.row[rows], features=features, labels=decisions.not_normal[rows].astype(int))

    return audit_claims(Protocol(train=part(~test), test=part(test)))


def _machines(table: Pump, warnings: Warnings) -> tuple[dict[str, object], ...]:
    """One entry for each failure: when the best candidate warned of it; `onset` null where it did not."""

    def moment(row: int) -> dict[str, object]:
        return {"index": int(row), "time": str(pd.Timestamp(table.time[row]))}

    found: list[dict[str, object]] = []
    for episode, judged in zip(warnings.episodes, warnings.judged, strict=True):
        if episode.failure is None:
            continue
        failure = int(table.failures[np.searchsorted(table.failures, episode.rows[-1])])
        raised = judged.raised
        found.append(
            {
                "run": table.path.name,
                "unit": f"failure {len(found) + 1}",
                "onset": moment(int(episode.rows[raised])) if raised is not None else None,
                "failure": moment(failure),
                "lead_time_h": judged.lead_h,
                "false_alarms_per_week": false_alarms_per_week([judged]),
            }
        )
    return tuple(found)
