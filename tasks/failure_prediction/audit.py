"""The audit of a record: its sensors before training, and how the stated figures came to be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gauntlet.tasks.audit import Finding, Origin, Part, Protocol, Replay, audit_claims, audit_table, guard
from gauntlet.tasks.failure_prediction.evaluate import PredictorJudgement
from gauntlet.tasks.failure_prediction.featurize import PreparedRecord
from gauntlet.tasks.failure_prediction.load import Record
from gauntlet.tasks.failure_prediction.split import Decisions, split, training_places
from gauntlet.tasks.failure_prediction.train import TrainedPredictor

REPLAYED_ROWS = 3_000


def audit(record: Record) -> tuple[Finding, ...]:
    """What makes these sensors worthless for a warning; raises `Leak` unless that is allowed.

    Each feature is made of one sensor, so that a leak in a feature is one in its sensor's readings.
    """
    decisions = split(record)
    sensors = record.table.values.iloc[decisions.row[decisions.asked]].reset_index(drop=True)
    target = f"failure within {record.question.horizon_h:g} h"
    findings = audit_table(sensors, decisions.within_horizon[decisions.asked].astype(int), target_name=target)
    return guard(findings, record.request.allow_leakage)


def audit_result(
    prepared: PreparedRecord, trained: Sequence[TrainedPredictor], _: PredictorJudgement
) -> tuple[Finding, ...]:
    """What would make the stated figures worthless, for every held-out block; raises `Leak` unless that is allowed."""
    decisions = prepared.decisions
    replays = [_replay(predictor, prepared) for predictor in trained]
    findings: list[Finding] = []
    for held_out in decisions.blocks:
        # The registered models are the same for every block: they are replayed once.
        findings += audit_claims(_protocol(prepared, held_out, replays if held_out == decisions.blocks[-1] else []))
    return guard(tuple(findings), prepared.request.allow_leakage)


def _protocol(prepared: PreparedRecord, held_out: int, replays: Sequence[Replay]) -> Protocol:
    """How the figures of a held-out block came to be."""
    decisions, table, purge_h = prepared.decisions, prepared.record.table, prepared.record.question.purge_h
    others = [number for number in decisions.blocks if number != held_out]
    places = training_places(decisions, others, [held_out], purge_h)
    return Protocol(
        source=table.source,
        train=_part(decisions, places),
        test=_part(decisions, np.flatnonzero(decisions.block == held_out)),
        tuning=Part(ids=decisions.row[places]),
        purge=purge_h * 3600,
        replays=list(replays),
        origin=Origin(found=[str(table.path)], read=[str(table.path)]),
    )


def _part(decisions: Decisions, places: np.ndarray) -> Part:
    return Part(ids=decisions.row[places], groups=decisions.block[places], times=decisions.seconds[places])


def _replay(predictor: TrainedPredictor, prepared: PreparedRecord) -> Replay:
    """The registered object on raw minutes against the score from features made beforehand: nothing from outside."""
    rows = prepared.decisions.row
    known = rows[rows < REPLAYED_ROWS]
    raw = predictor.model.predict_proba(prepared.record.table.values.head(REPLAYED_ROWS))[:, 1]
    from_features = predictor.model[-1].predict_proba(prepared.features.iloc[: len(known)])[:, 1]
    return Replay(predictor.candidate.name, from_features, raw[known])
