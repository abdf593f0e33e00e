"""Columns that carry the label: declared or named so, or found out by how well they give it away."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from gauntlet.tasks.audit.candidates import Candidates, Column, words
from gauntlet.tasks.audit.evidence import (
    FEWEST_RARE,
    PRECISION,
    SEPARATION_F1,
    SEPARATION_F1_OF_MEASUREMENT,
    best_threshold,
    is_telling,
    precision_of,
    stands_apart,
)
from gauntlet.tasks.audit.findings import Finding

CORRELATION = 0.9999
GROUP_SHARE = 0.95
GROUP_PRECISION = 0.9
ROWS_PER_LEVEL = 20
FEW_VALUES = 10

_NAMED = re.compile(
    r"\b((failure|fault|defect|anomaly|breakdown) (type|mode|class|label|reason|cause|category)"
    r"|(is|has) (failed|failure|fault|faulty|anomaly|anomalous|broken)|root cause|diagnosis|labels?|ground truth)\b"
)
_HISTORY = re.compile(r"\b(since|last|previous|prior|past|history|historical|count)\b")
# Failure modes of published tables, one set for each table; one that says little by itself (RNF) is known by its kin.
_MODES = (frozenset(("twf", "hdf", "pwf", "osf", "rnf")),)


def label_derived_by_name(table: Candidates) -> Iterator[Finding]:
    """One finding for each column that is declared or named to carry the label, or is the target itself."""
    yield from _findings(table, partial(_declared, table), partial(_named, table))


def label_derived_by_values(table: Candidates) -> Iterator[Finding]:
    """One finding for each column whose values give the label away, alone or as one of a group of flags."""
    group = disjunction(table)
    yield from _findings(
        table,
        partial(_copies_number, table),
        partial(_gives_class_away, table),
        partial(_separates, table),
        lambda column: group.get(column.name, ""),
    )


def _findings(table: Candidates, *reasons: Callable[[Column], str]) -> Iterator[Finding]:
    """A finding for each column for which a reason holds, with the first such reason."""
    for column in table.columns:
        if why := next(filter(None, (reason(column) for reason in reasons)), ""):
            yield Finding("label_derived", column.name, why)


def _shown(table: Candidates, column: Column) -> str:
    return f": {precision_of(column.values == 1, table.target)}" if _is_flag(table, column) else ""


def _is_flag(table: Candidates, column: Column) -> bool:
    return table.target.rare is not None and column.kind == "flag"


def _declared(table: Candidates, column: Column) -> str:
    if column.words in table.consequences:
        return f"declared a consequence of {table.target.name}{_shown(table, column)}"
    names = {words(table.target.name), words(table.spec.target) if table.spec else ""} - {"", "target"}
    return f"is the target {table.target.name}" if column.words in names else ""


def _named(table: Candidates, column: Column) -> str:
    if _NAMED.search(column.words) and not _HISTORY.search(column.words):
        return f"by its name, it states {table.target.name}{_shown(table, column)}"
    present = {other.words for other in table.columns}
    if any(column.words in modes and len(present & modes) > 1 for modes in _MODES):
        return f"is known as a failure mode of a published table{_shown(table, column)}"
    return ""


def _copies_number(table: Candidates, column: Column) -> str:
    """For a target that is a quantity: a column that is the target up to scale and offset."""
    if table.target.rare is not None or column.kind not in ("whole", "number"):
        return ""
    if table.target.values.dtype.kind not in "iuf" or len(column.values) < FEWEST_RARE:
        return ""
    both = np.stack([column.values, table.target.values.astype(np.float64)])
    both = both[:, np.isfinite(both).all(0)]
    if both.shape[1] < FEWEST_RARE or (np.ptp(both, axis=1) == 0).any():
        return ""
    r = float(np.corrcoef(both)[0, 1])
    return f"correlation {r:.5f} with {table.target.name} on {both.shape[1]:,} rows" if abs(r) >= CORRELATION else ""


def _gives_class_away(table: Candidates, column: Column) -> str:
    """A flag, or levels of a category, that hold only where the rarer class is."""
    target = table.target
    if target.rare is None or not (column.kind in ("flag", "category") or 2 < column.distinct <= FEW_VALUES):
        return ""
    levels = np.arange(len(column.levels)) if column.kind == "category" else np.unique(column.values)
    levels = levels[~np.isnan(levels)]
    if len(column.values) < ROWS_PER_LEVEL * len(levels):
        return ""
    telling = [level for level in levels if precision_of(column.values == level, target).precision >= PRECISION]
    if column.kind not in ("flag", "category") and 0.0 in telling:
        return ""
    if column.kind not in ("flag", "category") and set(telling) != set(levels) - {0.0}:
        return ""  # of a small count, only "not zero" is a statement; a threshold on it is a rule
    seen = precision_of(np.isin(column.values, telling), target)
    if not is_telling(seen):
        return ""
    shown = [column.levels[int(level)] if column.levels else f"{level:g}" for level in telling]
    return f"{' or '.join(shown)} only where {target.condition}: {seen}"


def _separates(table: Candidates, column: Column) -> str:
    """One threshold, with empty space around it, that gives both classes."""
    target = table.target
    if target.rare is None or target.rare_rows < FEWEST_RARE or column.kind in ("text", "category", "time"):
        return ""
    cut = best_threshold(column, target)
    if column.distinct > FEW_VALUES:  # a sensor may tell two states apart without having been made from them
        enough = cut.f1 >= SEPARATION_F1_OF_MEASUREMENT and stands_apart(column.values, cut.threshold)
    else:
        enough = cut.f1 >= SEPARATION_F1 and (column.distinct <= 2 or stands_apart(column.values, cut.threshold))
    if not enough:
        return ""
    side = ">" if cut.above else "<="
    return f"{side} {cut.threshold:.4g} separates {target.condition} with F1 {cut.f1:.3f}"


def disjunction(table: Candidates) -> dict[str, str]:
    """Why, by name, for the flags of which one or more are set where the rarer class is, and almost only there."""
    target = table.target
    if target.rare is None or target.rare_rows < FEWEST_RARE:
        return {}
    flags = [column for column in table.columns if column.kind == "flag"]
    seen = {column.name: precision_of(column.values == 1, target) for column in flags}
    group = [
        column
        for column in flags
        if (one := seen[column.name]).precision >= GROUP_PRECISION and one.base**one.hits < 1e-3
    ]
    if len(group) < 2:
        return {}
    whole = precision_of(np.any([column.values == 1 for column in group], axis=0), target)
    if whole.precision < PRECISION or whole.share < GROUP_SHARE:
        return {}
    return {column.name: f"one of {len(group)} flags that together are {target.condition}: {whole}" for column in group}
