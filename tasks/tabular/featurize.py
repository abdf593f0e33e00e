"""Features of all rows: what the audit looks at again and what drift will be measured against."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from gauntlet.tasks.contract import Prepared, Summary
from gauntlet.tasks.metrics.cross_validation import Folds
from gauntlet.tasks.metrics.prices import Prices
from gauntlet.tasks.models.process_features import engineered
from gauntlet.tasks.result import InputSummary
from gauntlet.tasks.tabular.load import ProcessTable


@dataclass(frozen=True, eq=False)
class ProcessRows(Prepared):
    """The table with its engineered features, the folds, and what being wrong costs."""

    table: ProcessTable
    features: pd.DataFrame
    folds: Folds
    prices: Prices


def featurize(table: ProcessTable, folds: Folds) -> ProcessRows:
    """The rows as candidates are trained and judged on them."""
    parameters = table.request.parameters
    rows, failures = len(table.y), int(table.y.sum())
    summary = Summary(
        dataset=table.spec,
        source=table.source,
        data_hash=table.sha256,
        input=InputSummary(files=1, rows=rows, bytes=table.bytes),
        size=f"{rows:,} processes, {failures:,} failures",
        place=table.path.name,
        protocol=table.gauntlet.protocol,
    )
    prices = Prices(parameters["price_of_miss"], parameters["price_of_false_alarm"])
    return ProcessRows(table.gauntlet, table.request, summary, table, engineered(table.X), folds, prices)
