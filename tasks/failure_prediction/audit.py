"""The audit of a record: for every held-out block, nothing of it was learnt from or chosen on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gauntlet.datasets.pump import Pump
from gauntlet.tasks.audit import Finding, Origin, Part, Protocol, Replay, audit_claims, guard
from gauntlet.tasks.failure_prediction.evaluate import WarningJudgement
from gauntlet.tasks.failure_prediction.featurize import Decisions, Record
from gauntlet.tasks.failure_prediction.train import TrainedWarner, training_rows


def audit_result(
    prepared: Record, trained: Sequence[TrainedWarner], _judgement: WarningJudgement
) -> tuple[Finding, ...]:
    """What would make the stated figures worthless, for every held-out block; raises `Leak` unless that is allowed."""
    table, decisions, question = prepared.table, prepared.decisions, prepared.question
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
    return guard(tuple(findings), prepared.request.allow_leakage)


def _part(decisions: Decisions, rows: np.ndarray) -> Part:
    return Part(ids=decisions.row[rows], groups=decisions.block[rows], times=decisions.seconds[rows])


def _replay(one: TrainedWarner, table: Pump, decisions: Decisions, most: int = 3_000) -> Replay:
    """The registered object on raw minutes against the score from features made beforehand: nothing from outside."""
    raw = one.model.predict_proba(table.values.head(most))[:, 1]
    at = decisions.row[decisions.row < most]
    inside = one.model[-1].predict_proba(decisions.features.iloc[: len(at)])[:, 1]
    return Replay(one.candidate.name, inside, raw[at])
