"""Columns that are filled in after the event: known by name, or by having values only where the event happened."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from gauntlet.tasks.audit.candidates import Candidates, Column
from gauntlet.tasks.audit.evidence import is_telling, precision_of
from gauntlet.tasks.audit.findings import Finding

# Whole words of a lower-case name. A history ("days since last maintenance") is known beforehand and is a fair feature.
_AFTERWARDS = re.compile(
    r"\b(repairs? (time|costs?|hours|hrs|h|duration|date|action|type|status)|(time|hours|cost|costs) (to|of) repairs?"
    r"|(maintenance|service) (type|costs?|action|performed|duration|time|hours|date|status|needed|required|flag)"
    r"|(failure|breakdown|replacement|labou?r|outage) (costs?|date|time|duration|hours)|mttr|^costs?( usd| eur)?$"
    r"|down ?time|work ?orders?|technician|(spare )?parts? (replaced|used|costs?)|corrective action"
    r"|remaining useful life|rul|ttf|(time|cycles|hours|days|minutes) (to|until|before) (failure|fault|breakdown))\b"
)
_BEFOREHAND = re.compile(
    r"\b(since|last|previous|prior|past|ago|history|historical|planned|scheduled|interval|mean|average|avg)\b"
)
FEW_VALUES = 10


def known_afterwards(column: Column) -> bool:
    """Whether the name says that the value is known only after the event."""
    return bool(_AFTERWARDS.search(column.words)) and not _BEFOREHAND.search(column.words)


def post_event_by_name(table: Candidates) -> Iterator[Finding]:
    """One finding for each column whose name is that of an aftermath."""
    for column in filter(known_afterwards, table.columns):
        declared = "declared a consequence" if column.words in table.consequences else "by its name"
        yield Finding("post_event", column.name, f"{declared}, it is known only after {table.target.name}")


def post_event_by_values(table: Candidates) -> Iterator[Finding]:
    """One finding for each quantity or text that is there, or is not zero, only where the rarer class is."""
    target = table.target
    for column in () if target.rare is None else table.columns:
        few = column.distinct <= FEW_VALUES and not _mostly_missing(column)
        if column.kind == "flag" or few:
            continue
        there = ~np.isnan(column.values)
        filled = there if column.kind in ("text", "category", "time") else there & (column.values != 0)
        seen = precision_of(filled, target)
        if not filled.all() and is_telling(seen):
            what = "there" if np.array_equal(filled, there) else "not zero"
            yield Finding("post_event", column.name, f"{what} only where {target.condition}: {seen}")


def _mostly_missing(column: Column) -> bool:
    return bool(np.isnan(column.values).mean() > 0.5)
