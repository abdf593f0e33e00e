"""A table file read strictly: every cell is what its column says, or one line tells where it is not.

`table_text` finds out how the file is written, `table_header` which column is where; here the cells become numbers. The
rows are converted in pieces, so that memory holds the finished columns and one piece of text cells.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.io import table_header, table_text
from gauntlet.datasets.io.table_header import Column
from gauntlet.datasets.io.table_text import TableText

PIECE = 20_000  # rows converted at a time
_EMPTY = {"", "na", "n/a", "nan", "null", "none", "?", "-", "#n/a"}
_FLAGS = {"true": "1", "false": "0"}


@dataclass(frozen=True)
class TableFile:
    """A table and how it was written. `lines`: the line in the file of each row, from 1; `ignored`: columns left out."""

    frame: pd.DataFrame
    lines: np.ndarray
    path: Path
    sha256: str
    bytes: int
    encoding: str
    separator: str
    decimal: str
    ignored: tuple[str, ...]


def read_table(
    path: Path, columns: Sequence[Column], ignored: Sequence[str] = (), content: bytes | None = None
) -> TableFile:
    """The table in `path`: the columns that are there under their own names, in the order of `columns`, dtypes by kind.

    Read alike: UTF-8 with or without byte-order mark, UTF-16, Windows-1252; any line ends, blank lines; comma,
    semicolon, tab or bar between cells; decimal comma unless commas separate; quoted cells; a `sep=` line; a nameless
    running number. `content`: the file's bytes, where they were read before.

    Raises:
        BadInput: one line with file, line, column, what was seen, what was expected and what to do.
    """
    text = table_text.load(path, lambda name: table_header.is_known(name, columns), content)
    places, dropped = table_header.match(path, text.header_line, text.header, columns, ignored)
    pieces: list[pd.DataFrame] = []
    lines: list[int] = []
    for numbers, cells in _pieces(text):
        by_column = [list(column) for column in zip(*cells, strict=True)]
        wanted = [column for column in columns if column.name in places]
        pieces.append(
            pd.DataFrame(
                {column.name: _convert(text, column, by_column[places[column.name]], numbers) for column in wanted}
            )
        )
        lines += numbers
    if not pieces:
        raise BadInput(
            path,
            "there are no rows under the header",
            row=text.header_line,
            expected="at least one row",
            do="export or fetch it again",
        )
    frame = pd.concat(pieces, ignore_index=True) if len(pieces) > 1 else pieces[0]
    return TableFile(
        frame, np.asarray(lines), path, text.sha256, text.bytes, text.encoding, text.separator, text.decimal, dropped
    )


def _pieces(text: TableText) -> Iterator[tuple[list[int], list[list[str]]]]:
    """(line numbers, rows of cells) of up to `PIECE` rows at a time; every row is as wide as the header."""
    rows = _rows(text)
    while piece := list(islice(rows, PIECE)):
        yield [line for line, _ in piece], [cells for _, cells in piece]


def _rows(text: TableText) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(
        io.StringIO(text.text, newline=""), delimiter=text.separator, strict=True, skipinitialspace=True
    )
    width, end = len(text.header), text.text.rstrip().count("\n") + 1
    first = 1
    try:
        for cells in reader:
            line, first = first, reader.line_num + 1
            if line <= text.header_line or not any(cells):
                continue
            if len(cells) != width:
                cut = line >= end and len(cells) < width
                raise BadInput(
                    text.path,
                    "the last line is cut off" if cut else "the line has another number of columns",
                    row=line,
                    column=text.header[len(cells)] if len(cells) < width else None,
                    saw=f"{len(cells)} columns",
                    expected=f"{width}",
                    do="copy or fetch the file again" if cut else "mend or remove the line",
                )
            yield line, cells
    except csv.Error as error:
        do = "close the quotation mark, or remove it"
        raise BadInput(text.path, f"the cells of this line cannot be told apart ({error})", row=first, do=do) from None


def _convert(text: TableText, column: Column, cells: list[str], lines: list[int]) -> np.ndarray | pd.Series:
    if column.kind in ("text", "category"):
        return _words(text, column, cells, lines)
    if column.kind == "flag":
        cells = [_FLAGS.get(cell.strip().lower(), cell) for cell in cells]
    values = _numbers(text, column, cells, lines)
    allowed = np.ones(len(values), dtype=bool)
    if column.kind == "flag":
        allowed = (values == 0) | (values == 1)
    elif column.kind == "whole":
        allowed = (values == np.rint(values)) & (np.abs(values) < 2**53)  # past that, float64 is no count
    if not allowed.all():
        row = int(np.argmin(allowed))
        expected = "0 or 1" if column.kind == "flag" else "a whole number"
        raise _bad_cell(text, column, cells[row], lines[row], "wrong value", expected)
    low = column.low if column.low is not None else -np.inf
    high = column.high if column.high is not None else np.inf
    if values.min() < low or values.max() > high:
        row = int(np.argmax((values < low) | (values > high)))
        do = column.unit_hint or "check the sensor and the unit"
        raise _bad_cell(text, column, cells[row], lines[row], "implausible value", f"{low:g} to {high:g}", do)
    return values if column.kind == "number" else values.astype(np.int64)


def _words(text: TableText, column: Column, cells: list[str], lines: list[int]) -> pd.Series:
    words = [cell.strip() for cell in cells]
    if "" in words:
        expected = " or ".join(column.values) or "text"
        raise _bad_cell(text, column, "", lines[words.index("")], "empty cell", expected)
    if column.values:
        known = {value.lower(): value for value in column.values}
        for row, word in enumerate(words):
            if word.lower() not in known:
                raise _bad_cell(text, column, word, lines[row], "unknown value", " or ".join(column.values))
        words = [known[word.lower()] for word in words]
    return pd.Series(words, dtype="str")


def _numbers(text: TableText, column: Column, cells: list[str], lines: list[int]) -> np.ndarray:
    """The cells as float64, each the nearest to its decimal digits (thresholds are compared with them exactly)."""
    try:
        values = np.array([_number(cell, text.decimal) for cell in cells])
    except ValueError:
        values = np.array([math.nan])
    if np.isfinite(values).all():
        return values
    for line, cell in zip(lines, cells, strict=True):
        try:
            if math.isfinite(_number(cell, text.decimal)):
                continue
            what = "empty cell" if cell.strip().lower() in _EMPTY else "not a finite number"
        except ValueError:
            what = "empty cell" if cell.strip().lower() in _EMPTY else "text in a column of numbers"
        mark = "a number with a decimal " + ("comma" if text.decimal == "," else "point")
        expected = {"flag": "0 or 1", "whole": "a whole number"}.get(column.kind, mark)
        raise _bad_cell(text, column, cell, line, what, expected)
    raise AssertionError("a value that is not finite has a cell")


def _number(cell: str, decimal: str) -> float:
    if decimal == ",":
        cell = cell.replace(".", "_").replace(",", ".")  # a point would be a thousands separator: refused below
    if "_" in cell:  # float() would read 1_000
        raise ValueError(cell)
    return float(cell)


def _bad_cell(
    text: TableText, column: Column, cell: str, line: int, what: str, expected: str, do: str = "mend or remove the line"
) -> BadInput:
    saw = None if what == "empty cell" and not cell.strip() else repr(cell[:40])
    return BadInput(text.path, what, row=line, column=column.name, saw=saw, expected=expected, do=do)
