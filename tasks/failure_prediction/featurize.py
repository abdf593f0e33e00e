"""Features of every decision: what its sensors read and what came before it."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from gauntlet.tasks.contract import Prepared, Summary
from gauntlet.tasks.failure_prediction.load import Record
from gauntlet.tasks.failure_prediction.split import STEP, Decisions
from gauntlet.tasks.models.pump_features import PumpFeatures
from gauntlet.tasks.result import InputSummary


@dataclass(frozen=True, eq=False)
class PreparedRecord(Prepared):
    """The record with its decisions and their features, m x features."""

    record: Record
    decisions: Decisions
    features: pd.DataFrame


def featurize(record: Record, decisions: Decisions) -> PreparedRecord:
    """The decisions as candidates are trained and judged on them."""
    table, gauntlet = record.table, record.gauntlet
    features = PumpFeatures().fit(table.values).transform(table.values).iloc[decisions.row].reset_index(drop=True)
    features = features.copy()  # in one block: three hundred columns of their own are slow to take rows from
    summary = Summary(
        dataset=record.spec,
        source=table.source,
        data_hash=table.sha256,
        input=InputSummary(files=1, rows=len(table.time), bytes=table.bytes),
        size=f"{len(table.time):,} minutes, {table.values.shape[1]} sensors, {len(table.failures)} failures",
        place=table.path.name,
        protocol=gauntlet.protocol,
        facts=(("decisions", f"every {STEP} minutes"),),
    )
    return PreparedRecord(gauntlet, record.request, summary, record, decisions, features)
