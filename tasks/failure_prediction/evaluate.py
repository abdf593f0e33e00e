"""The pump gauntlet's result in figures: the warning question, the status question both ways, and the audits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

from gauntlet.datasets.pump import Pump
from gauntlet.tasks.alarms.warnings import false_alarms_per_week
from gauntlet.tasks.audit import Finding, Origin, Part, Protocol, Replay, audit_claims, guard
from gauntlet.tasks.failure_prediction.load import Decisions, Question, Trained, episode_scores, training_rows
from gauntlet.tasks.failure_prediction.train import unfitted
from gauntlet.tasks.metrics.prices import Prices
from gauntlet.tasks.metrics.warnings import Heard, heard, warning_row
from gauntlet.tasks.result import Row

PRIMARY_METRIC = "pr_auc"
TIME_BLOCKS, RANDOM_ROWS = "held-out blocks of time", "random rows (leaked)"


@dataclass(frozen=True)
class Judgement:
    """The table, what each candidate said, the status question per split, and what the audit says of random rows."""

    candidates: tuple[Row, ...]
    baselines: tuple[Row, ...]
    best: str
    said: Mapping[str, Heard]
    status: tuple[Mapping[str, object], ...]
    random_rows: tuple[Finding, ...]
    machines: tuple[Mapping[str, object], ...]


def evaluate(
    table: Pump, decisions: Decisions, trained: Sequence[Trained], question: Question, prices: Prices, seed: int
) -> Judgement:
    """Candidates beside silence and constant alarm on the warning question; the status question by both splits."""
    said = {one.candidate.name: _heard(one, decisions, question) for one in trained}
    rows = tuple(warning_row(one, question.least_lead_h, prices, seed) for one in said.values())
    best = max(rows, key=lambda row: row.metrics[PRIMARY_METRIC]).name
    asked = [decisions.asked & (decisions.block == episode.number) for episode in decisions.episodes]
    soon = [decisions.soon[at] for at in asked]
    flat = [np.zeros(len(one)) for one in soon]
    constant = {
        name: heard(name, decisions.episodes, flat, soon, [limit] * len(flat), question.horizon_h)
        for name, limit in (("majority", 1.0), ("always_alarm", -1.0))
    }
    status = [one for one in trained if one.candidate.question == "status"]
    deal = np.random.default_rng(seed).random(len(decisions.row)) < 0.2
    return Judgement(
        candidates=rows,
        baselines=tuple(warning_row(one, question.least_lead_h, prices, seed) for one in constant.values()),
        best=best,
        said=said,
        status=tuple(cell for one in status for cell in _status_cells(one, decisions, deal, seed)),
        random_rows=audit_of_random_rows(decisions, deal),
        machines=_machines(table, said[best]),
    )


def _heard(one: Trained, decisions: Decisions, question: Question) -> Heard:
    scores = [episode_scores(decisions, episode, one.score) for episode in decisions.episodes]
    soon = [episode_scores(decisions, episode, decisions.soon) for episode in decisions.episodes]
    limits = [one.limits[episode.number] for episode in decisions.episodes]
    return heard(one.candidate.name, decisions.episodes, scores, soon, limits, question.horizon_h)


def _status_cells(one: Trained, decisions: Decisions, test: np.ndarray, seed: int) -> list[dict[str, object]]:
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


def _machines(table: Pump, said: Heard) -> tuple[dict[str, object], ...]:
    """One entry for each failure: when the best candidate warned of it; `onset` null where it did not."""

    def moment(row: int) -> dict[str, object]:
        return {"index": int(row), "time": str(pd.Timestamp(table.time[row]))}

    found: list[dict[str, object]] = []
    for episode, judged in zip(said.episodes, said.judged, strict=True):
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


def audit_result(
    table: Pump, decisions: Decisions, trained: Sequence[Trained], question: Question, allow_leakage: bool
) -> tuple[Finding, ...]:
    """What would make the stated figures worthless, for every held-out block; raises `Leak` unless that is allowed."""
    findings: list[Finding] = []
    present = [int(k) for k in np.unique(decisions.block)]
    for held_out in present:
        rows = training_rows(decisions, [k for k in present if k != held_out], [held_out], question.purge_h)
        at = np.flatnonzero(decisions.block == held_out)
        last = held_out == present[-1]
        protocol = Protocol(
            source=table.source,
            train=_part(decisions, rows),
            test=_part(decisions, at),
            tuning=Part(ids=decisions.row[rows]),
            purge=question.purge_h * 3600,
            replays=[_replay(one, table, decisions) for one in trained] if last else [],
            origin=Origin(found=[str(table.path)], read=[str(table.path)]),
        )
        findings += audit_claims(protocol)
    return guard(tuple(findings), allow_leakage)


def _part(decisions: Decisions, rows: np.ndarray) -> Part:
    return Part(ids=decisions.row[rows], groups=decisions.block[rows], times=decisions.seconds[rows])


def _replay(one: Trained, table: Pump, decisions: Decisions, most: int = 3_000) -> Replay:
    """The registered object on raw minutes against the score from features made beforehand: nothing from outside."""
    raw = one.pipeline.predict_proba(table.values.head(most))[:, 1]
    at = decisions.row[decisions.row < most]
    inside = one.pipeline[-1].predict_proba(decisions.features.iloc[: len(at)])[:, 1]
    return Replay(one.candidate.name, inside, raw[at])
