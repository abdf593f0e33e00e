"""The columns that a model takes, and rows brought into their types, however whoever reads them wrote them down.

Plain pandas reads 1551 as a whole number, 42.8 as a fraction, a time as text and a list from CSV as text: all of that is
taken as long as nothing is lost.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

RECIPE = "features.json"  # in the model's folder: the columns that it takes, and how features are made of them


@dataclass(frozen=True)
class Column:
    """A column of a model's input. `kind`: number, whole (number), text, time or list. `required`: rows must have it."""

    name: str
    kind: str
    required: bool = True


def columns_of(rows: pd.DataFrame) -> tuple[Column, ...]:
    """The columns of example rows; one with a gap in it is optional."""
    return tuple(Column(str(name), _kind(rows[name]), not _gaps(rows[name])) for name in rows.columns)


def columns_in(recipe: bytes | str) -> tuple[Column, ...]:
    """The columns that a model's recipe says it takes."""
    return tuple(Column(**column) for column in json.loads(recipe)["columns"])


def _kind(values: pd.Series) -> str:
    if pd.api.types.is_datetime64_any_dtype(values):
        return "time"
    if pd.api.types.is_float_dtype(values):
        return "number"
    if pd.api.types.is_integer_dtype(values) or pd.api.types.is_bool_dtype(values):
        return "whole"
    return "list" if len(values) and isinstance(values.iloc[0], (list, tuple, np.ndarray)) else "text"


def _gaps(values: pd.Series) -> bool:
    return bool(values.isna().any())


def as_declared(rows: pd.DataFrame, columns: tuple[Column, ...]) -> pd.DataFrame:
    """These columns of the rows, in their types and order; an optional one that is missing is all gaps.

    Raises:
        ValueError: a required column is missing, or a value cannot be read as its column's kind.
    """
    if missing := [column.name for column in columns if column.required and column.name not in rows.columns]:
        raise ValueError(f"columns missing: {', '.join(missing)}")
    gaps = pd.Series(np.nan, index=rows.index)
    return pd.DataFrame(
        {column.name: _converted(rows.get(column.name, gaps), column) for column in columns}, index=rows.index
    )


def _converted(values: pd.Series, column: Column) -> pd.Series:
    try:
        return _CONVERT[column.kind](values)
    except (ValueError, TypeError) as error:
        saw = " ".join(str(error).split())[:120]
        raise ValueError(f"column {column.name!r} holds what is no {column.kind}: {saw}") from None


def _number(values: pd.Series) -> pd.Series:
    return pd.Series(np.asarray(pd.to_numeric(values), np.float64), index=values.index)


def _whole(values: pd.Series) -> pd.Series:
    """Whole numbers, where all of them are; the training rows may have held no fraction by chance."""
    numbers = _number(values)
    return numbers if (numbers % 1 != 0).any() else numbers.astype(np.int64)


def _text(values: pd.Series) -> pd.Series:
    return values.astype(str).where(values.notna(), None)


def _list(values: pd.Series) -> pd.Series:
    lists = [json.loads(value) if isinstance(value, str) else list(value) for value in values]
    return pd.Series(lists, index=values.index, dtype=object)


_CONVERT: Mapping[str, Any] = {
    "number": _number,
    "whole": _whole,
    "text": _text,
    "time": pd.to_datetime,
    "list": _list,
}
