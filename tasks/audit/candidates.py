"""The candidate features as the checks see them: typed columns sorted by name, the rarer class, a sample of the rows.

Nothing here depends on the order of rows or columns, so neither do the findings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.spec import Table

SAMPLE_ROWS = 50_000
MOST_LEVELS = 50
MOST_CLASSES = 20

Kind = Literal["flag", "whole", "number", "category", "text", "time"]


@dataclass(frozen=True, eq=False)
class Column:
    """One candidate. `values` (rows,) float64, NaN where missing; of a category the codes of its sorted `levels`."""

    name: str
    kind: Kind
    values: np.ndarray
    distinct: int
    levels: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The name in lower-case words: `RepairTime_hrs` is `repair time hrs`."""
        return words(self.name)


@dataclass(frozen=True, eq=False)
class Target:
    """What is to be predicted. `rare` (rows,) bool is None where it is no class, or all rows are of one class.

    `weight` (rows,) is the number of rows of the whole table for which a row of the sample stands.
    """

    name: str
    values: np.ndarray
    rare: np.ndarray | None
    rare_label: str
    weight: np.ndarray

    @property
    def rare_rows(self) -> int:
        """How many rows of the sample are of the rarer class."""
        return 0 if self.rare is None else int(self.rare.sum())

    @property
    def condition(self) -> str:
        """The rarer class in words: `Machine failure = 1`."""
        return f"{self.name} = {self.rare_label}"


@dataclass(frozen=True, eq=False)
class Candidates:
    """Everything that a check of a table may look at."""

    columns: tuple[Column, ...]
    target: Target
    spec: Table | None

    @cached_property
    def consequences(self) -> frozenset[str]:
        """Declared consequences of the label, in words."""
        return frozenset(map(words, self.spec.consequences)) if self.spec else frozenset()

    @cached_property
    def identifiers(self) -> frozenset[str]:
        """Declared identifiers, in words."""
        return frozenset(map(words, self.spec.identifiers)) if self.spec else frozenset()

    def without(self, names: frozenset[str]) -> Candidates:
        """The same without the columns of these names."""
        return Candidates(tuple(column for column in self.columns if column.name not in names), self.target, self.spec)


def words(name: str) -> str:
    """A name as lower-case words; brackets, underscores and camel case become spaces."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return " ".join(re.findall(r"[^\W\d_]+|\d+", parted) or [name]).casefold()


def candidates(features: pd.DataFrame, target: Any, spec: Table | None = None, name: str = "target") -> Candidates:
    """Typed columns of at most `SAMPLE_ROWS` rows, those of the rarer class first; rows without a target are left out.

    Raises:
        BadInput: a column stands twice, or features and target differ in length.
    """
    if not features.columns.is_unique:
        twice = str(features.columns[features.columns.duplicated()][0])
        raise BadInput(None, "the name stands twice", column=twice, expected="a name for each feature")
    if len(target) != len(features):
        raise BadInput(None, f"{len(target):,} labels", expected=f"{len(features):,}, one for each row of features")
    labels = pd.Series(target).reset_index(drop=True)
    there = labels.notna().to_numpy()
    labels, known = labels[there], features.loc[there]
    rare, label = _rare(labels)
    rows, weight = _sample(known, rare)
    columns = (_column(str(key), known[key].iloc[rows]) for key in sorted(known.columns, key=str))
    target_ = Target(name, labels.to_numpy()[rows], None if rare is None else rare[rows], label, weight)
    return Candidates(tuple(columns), target_, spec)


def _rare(labels: pd.Series) -> tuple[np.ndarray | None, str]:
    """(rows of the rarer class, its name). Of several classes, everything but the commonest counts as the rarer one."""
    counts = labels.value_counts()
    numeric = pd.api.types.is_numeric_dtype(labels) and not pd.api.types.is_bool_dtype(labels)
    if len(counts) < 2 or (len(counts) > MOST_CLASSES and (numeric or len(counts) > len(labels) / 2)):
        return None, ""
    commonest = sorted(counts.index[counts == counts.max()], key=str)[0]
    rest = [value for value in counts.index if value != commonest]
    return (labels != commonest).to_numpy(), _plain(rest[0]) if len(rest) == 1 else f"other than {_plain(commonest)}"


def _plain(value: Any) -> str:
    return str(int(value)) if isinstance(value, bool | np.bool_) else f"{value:g}" if np.isreal(value) else str(value)


def fingerprints(frame: pd.DataFrame) -> np.ndarray:
    """One uint64 for each row, equal for equal rows, whatever the order of the columns."""
    return np.asarray(pd.util.hash_pandas_object(frame[sorted(frame.columns, key=str)], index=False))


def _sample(frame: pd.DataFrame, rare: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """(positions, weights). A row is drawn by its content, so that a shuffled table gives the same sample."""
    if len(frame) <= SAMPLE_ROWS:
        return np.arange(len(frame)), np.ones(len(frame))
    order = np.argsort(fingerprints(frame), kind="stable")
    of_rare = np.zeros(len(frame), bool)[order] if rare is None else rare[order]
    few, many = order[of_rare][: SAMPLE_ROWS // 2], order[~of_rare]
    many = many[: SAMPLE_ROWS - len(few)]
    weight = [
        np.full(len(part), total / max(len(part), 1))
        for part, total in ((few, of_rare.sum()), (many, (~of_rare).sum()))
    ]
    return np.concatenate([few, many]), np.concatenate(weight)


def _column(name: str, series: pd.Series) -> Column:
    if pd.api.types.is_datetime64_any_dtype(series) or pd.api.types.is_timedelta64_dtype(series):
        stamps = series.astype("int64").to_numpy(np.float64)
        return Column(name, "time", np.where(series.isna(), np.nan, stamps), series.nunique())
    if pd.api.types.is_numeric_dtype(series) or pd.api.types.is_bool_dtype(series):
        return _number(name, series.to_numpy(np.float64, na_value=np.nan))
    texts = series.astype("str").where(series.notna())
    codes, levels = pd.factorize(texts, sort=True)
    kind: Kind = "category" if len(levels) <= MOST_LEVELS else "text"
    names = tuple(map(str, levels)) if kind == "category" else ()
    return Column(name, kind, np.where(codes < 0, np.nan, codes.astype(np.float64)), len(levels), names)


def _number(name: str, values: np.ndarray) -> Column:
    values = np.where(np.isfinite(values), values, np.nan)
    present = values[~np.isnan(values)]
    distinct = pd.unique(present)
    if set(distinct[:3]) <= {0.0, 1.0}:
        return Column(name, "flag", values, len(distinct))
    kind: Kind = "whole" if np.array_equal(distinct, np.trunc(distinct)) else "number"
    return Column(name, kind, values, len(distinct))
