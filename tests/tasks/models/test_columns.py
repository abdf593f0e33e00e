"""Rows are taken as plain pandas reads them, and refused in one line where a value cannot be what its column is."""

from __future__ import annotations

import io
import json

import numpy as np
import pandas as pd
import pytest

from gauntlet.tasks.models.columns import Column, as_declared, columns_in, columns_of

ROWS = pd.DataFrame(
    {
        "torque": [42.8, 46.0],
        "gap": [1.0, np.nan],
        "wear": [0, 3],
        "quality": ["M", "L"],
        "at": pd.to_datetime(["2026-01-01 00:00", "2026-01-01 01:00"]),
        "history": [[1.0, 2.0], [2.0, 3.0]],
    }
)


def test_kinds_and_what_may_be_missing() -> None:
    """One column of each kind; only the one with a gap is optional."""
    kinds = {one.name: one.kind for one in columns_of(ROWS)}
    assert kinds == {
        "torque": "number", "gap": "number", "wear": "whole", "quality": "text", "at": "time", "history": "list",
    }  # fmt: skip
    assert [one.name for one in columns_of(ROWS) if not one.required] == ["gap"]


def test_rows_that_went_through_a_file_come_back_the_same() -> None:
    """Times and lists are text in a CSV file, fractions that happen to be whole are whole numbers."""
    rows = ROWS.assign(torque=[42.0, 46.0])
    read = pd.read_csv(io.StringIO(rows.assign(torque=[42, 46]).to_csv(index=False)))
    assert read["torque"].dtype == np.int64
    back = as_declared(read, columns_of(ROWS))
    pd.testing.assert_frame_equal(back.drop(columns="at"), rows.drop(columns="at"), check_dtype=True)
    assert list(back["at"]) == list(rows["at"])


def test_order_and_further_columns_have_no_say() -> None:
    """Columns are found by name."""
    shuffled = ROWS.assign(more=1)[["more", "wear", "torque", "quality", "gap", "history", "at"]]
    assert list(as_declared(shuffled, columns_of(ROWS)).columns) == list(ROWS.columns)


def test_a_missing_optional_column_is_all_gaps() -> None:
    """A required one is named."""
    assert as_declared(ROWS.drop(columns="gap"), columns_of(ROWS))["gap"].isna().all()
    with pytest.raises(ValueError, match="columns missing: wear"):
        as_declared(ROWS.drop(columns="wear"), columns_of(ROWS))


def test_a_fraction_in_a_column_of_whole_numbers_is_taken() -> None:
    """The training rows may have held none by chance; a gap is one, too."""
    column = (Column("wear", "whole"),)
    assert as_declared(pd.DataFrame({"wear": [1.5, 2]}), column)["wear"].tolist() == [1.5, 2.0]
    assert as_declared(pd.DataFrame({"wear": [1, None]}), column)["wear"].isna().tolist() == [False, True]
    assert as_declared(pd.DataFrame({"wear": ["1", "2"]}), column)["wear"].dtype == np.int64


@pytest.mark.parametrize(
    ("kind", "value"), [("number", "M14860"), ("whole", "three"), ("time", "yesterday-ish"), ("list", 5.0)]
)
def test_what_cannot_be_read_is_one_line(kind: str, value: object) -> None:
    """It names the column and its kind."""
    with pytest.raises(ValueError, match=rf"column 'x' holds what is no {kind}") as refused:
        as_declared(pd.DataFrame({"x": [value]}), (Column("x", kind),))
    assert "\n" not in str(refused.value)


def test_numbers_as_names_are_text() -> None:
    """A machine called 7 is read as a number and is a name all the same; a missing name stays missing."""
    assert as_declared(pd.DataFrame({"machine": [7, 8]}), (Column("machine", "text"),))["machine"].tolist() == [
        "7",
        "8",
    ]
    gaps = as_declared(pd.DataFrame({"machine": ["a", None]}), (Column("machine", "text"),))["machine"]
    assert gaps.isna().tolist() == [False, True]


def test_the_recipe_names_the_columns() -> None:
    """As it was written."""
    recipe = json.dumps({"columns": [{"name": "load", "kind": "number", "required": False}]})
    assert columns_in(recipe) == (Column("load", "number", False),)
