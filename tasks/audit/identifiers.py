"""Columns that name a row: declared keys, unique texts, unique moments, and counters."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.special import pdtr

from gauntlet.tasks.audit.candidates import Candidates, Column
from gauntlet.tasks.audit.findings import Finding

UNIQUE_SHARE = 0.98
FEWEST_ROWS = 20
CHANCE = 1e-6


def identifiers(table: Candidates) -> Iterator[Finding]:
    """One finding for each declared identifier, unique text or time stamp, and counter without resets."""
    for column in table.columns:
        if reason := _reason(column, table):
            yield Finding("identifier", column.name, reason)


def _reason(column: Column, table: Candidates) -> str:
    rows = int(np.count_nonzero(~np.isnan(column.values)))
    if column.words in table.identifiers:
        return f"declared an identifier, {column.distinct:,} values in {rows:,} rows"
    if rows < FEWEST_ROWS or column.distinct < UNIQUE_SHARE * rows:
        return ""
    if column.kind in ("text", "category"):
        return f"{column.distinct:,} texts in {rows:,} rows, each row has its own"
    if column.kind == "time":
        return f"{column.distinct:,} moments in {rows:,} rows, each row has its own"
    if column.kind == "whole" and uniqueness_chance(column.values, column.distinct) < CHANCE:
        low, high = np.nanmin(column.values), np.nanmax(column.values)
        return f"counts the rows: {column.distinct:,} whole numbers from {low:.0f} to {high:.0f} in {rows:,} rows"
    return ""


def uniqueness_chance(values: np.ndarray, distinct: int) -> float:
    """How likely a whole-numbered measurement has so few repeats: an upper bound.

    Birthday problem: n values in a range R repeat about n²/2R times (Poisson) when they are spread evenly, and more
    often with any other distribution. A converter's raw counts in 2^24 steps are unique by chance, row numbers are not.
    """
    present = values[~np.isnan(values)]
    span = present.max() - present.min() + 1
    return float(pdtr(len(present) - distinct, len(present) ** 2 / (2 * span)))
