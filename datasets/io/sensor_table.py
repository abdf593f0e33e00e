"""A table of sensors over time, read fast: one time column, sensors with gaps, labels; what was mended is counted.

Unlike `table_file`, an empty cell of a sensor is a gap, not an error: real sensors have them. Text where a number
belongs is an error all the same. 220,320 x 52 cells take seconds, through pandas' parser.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.io import table_text
from gauntlet.datasets.io.table_header import key
from gauntlet.datasets.io.table_text import TableText

_EMPTY = ["", "na", "n/a", "nan", "NaN", "NA", "N/A", "null", "NULL", "None", "none", "?", "-", "#N/A"]
MOST_MISSING = 0.9  # of the sensors' cells; of one sensor before it is left out
MOST_DISORDER = 0.05  # of the steps in time that go back: more is a shuffled table
JUMP = 8.0  # ratio of neighbouring blocks' medians that only another unit explains (the least common one is 9/5 + 32)
BLOCKS = 40


@dataclass(frozen=True)
class Schema:
    """The declared columns. `time`: accepted names, the first one is used from here on. `labels`: name to accepted
    spellings of the column. `sensors`: the columns to take, in this order; empty takes every other column."""

    time: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...] = ()
    sensors: tuple[str, ...] = ()
    needed: int = 1


@dataclass(frozen=True)
class Mended:
    """What was handled while reading, to be reported: counts of rows, names of sensors."""

    duplicates: int = 0
    unordered: int = 0
    gaps: int = 0
    longest_gap_s: float = 0.0
    empty: tuple[str, ...] = ()
    constant: tuple[str, ...] = ()
    unit_jumps: tuple[str, ...] = ()
    missing: float = 0.0

    @property
    def sentences(self) -> tuple[str, ...]:
        """One sentence for each thing found."""
        said = [
            (self.duplicates, f"{self.duplicates:,} rows of a moment that was there already were left out."),
            (self.unordered, f"{self.unordered:,} rows stood out of order and were put in order of time."),
            (self.gaps, f"{self.gaps:,} gaps in time, the longest {self.longest_gap_s:,.0f} s."),
            (self.empty, f"Left out, nine in ten cells empty or more: {', '.join(self.empty)}."),
            (self.constant, f"Left out, never moves: {', '.join(self.constant)}."),
            (self.unit_jumps, f"The level jumps as if the unit changed: {', '.join(self.unit_jumps)}."),
            (self.missing > 0, f"{self.missing:.1%} of the sensors' cells are empty."),
        ]
        return tuple(sentence for found, sentence in said if found)


@dataclass(frozen=True)
class SensorTable:
    """`time` (n,) datetime64[ns], strictly rising; `values` n x sensors float64, NaN is a gap; `labels` as text."""

    time: np.ndarray
    values: pd.DataFrame
    labels: pd.DataFrame
    path: Path
    sha256: str
    bytes: int
    columns: tuple[str, ...]
    mended: Mended


def read_sensors(path: Path, schema: Schema) -> SensorTable:
    """The table in `path`, in order of time, with what was mended.

    Raises:
        BadInput: no time column, text in a sensor, a moment that cannot be read, a shuffled table, nine in ten cells
            empty, too few sensors; one line with file, line, column, what was seen and what to do.
    """
    known = {key(name) for name in (*schema.time, *(n for label in schema.labels for n in label), *schema.sensors)}
    text = table_text.load(path, lambda name: key(name) in known)
    names = {key(name): name for name in text.header}
    if len(text.header) < 2:
        raise BadInput(
            path,
            "the columns cannot be told apart",
            row=text.header_line,
            saw=repr(",".join(text.header)[:60]),
            expected="columns separated by comma, semicolon, tab or bar",
            do="export it again",
        )
    stamp = _found(text, names, schema.time, "time column")
    labels = {spellings[0]: names[k] for spellings in schema.labels for k in map(key, spellings) if k in names}
    sensors = _sensors(text, names, schema, {stamp, *labels.values()})
    frame = _parse(text)
    time = _moments(text, frame[stamp])
    values = pd.DataFrame({name: _numbers(text, frame[column]) for name, column in sensors.items()})
    words = pd.DataFrame(
        {name: frame[column].astype("str").str.strip() for name, column in labels.items()}, index=frame.index
    )
    time, values, words, mended = _in_order(path, time, values, words)
    return SensorTable(time, values, words, path, text.sha256, text.bytes, text.header, mended)


def _found(text: TableText, names: dict[str, str], spellings: Sequence[str], what: str) -> str:
    for spelling in spellings:
        if key(spelling) in names:
            return names[key(spelling)]
    raise BadInput(
        text.path,
        f"no {what}",
        row=text.header_line,
        saw=", ".join(map(repr, text.header[:6])),
        expected=" or ".join(map(repr, spellings)),
        do=f"name the {what} {spellings[0]!r}",
    )


def _sensors(text: TableText, names: dict[str, str], schema: Schema, taken: set[str]) -> dict[str, str]:
    if schema.sensors:
        found = {name: names[key(name)] for name in schema.sensors if key(name) in names}
    else:
        found = {name: name for k, name in names.items() if name not in taken and k and not k.startswith("unnamed")}
    if len(found) >= schema.needed:
        return found
    missing = [name for name in schema.sensors if name not in found][:5] or ["a sensor's name"]
    raise BadInput(
        text.path,
        f"{len(found)} sensor columns",
        row=text.header_line,
        column=missing[0],
        saw=", ".join(map(repr, text.header[:6])),
        expected=f"at least {schema.needed}",
        do="check that it is the right file",
    )


def _parse(text: TableText) -> pd.DataFrame:
    last = text.text.rstrip("\n").rpartition("\n")[2]
    if last.count(text.separator) < len(text.header) - 1 and '"' not in last:
        raise BadInput(
            text.path,
            "the last line is cut off",
            row=text.text.rstrip("\n").count("\n") + 1,
            saw=f"{last.count(text.separator) + 1} columns",
            expected=f"{len(text.header)}",
            do="copy or fetch the file again",
        )
    try:
        frame = pd.read_csv(
            io.BytesIO(text.text.encode()),
            sep=text.separator,
            decimal=text.decimal,
            skiprows=text.header_line - 1,
            na_values=_EMPTY,
            low_memory=False,
            skip_blank_lines=True,
            index_col=False,
            float_precision="high",
        )
    except pd.errors.ParserError as error:
        raise BadInput(
            text.path,
            "a line has another number of columns",
            saw=str(error).split("C error:")[-1].strip(),
            do="mend or remove the line",
        ) from None
    if not len(frame):
        raise BadInput(text.path, "there are no rows under the header", row=text.header_line, do="export it again")
    frame.columns = pd.Index(text.header)
    return frame


def _line(text: TableText, row: int) -> int:
    """The line of the file that holds the row, blank lines counted."""
    seen = -1
    for number, line in enumerate(text.text.split("\n")[text.header_line :], start=text.header_line + 1):
        seen += bool(line.strip())
        if seen == row:
            return number
    return text.header_line + 1 + row


def _moments(text: TableText, column: pd.Series) -> np.ndarray:
    """Moments as datetime64[ns], a time zone taken off after conversion to UTC."""
    for form in ("ISO8601", "mixed"):
        moments = pd.to_datetime(column.astype("str"), format=form, errors="coerce", utc=True)
        if moments.notna().all() and not pd.api.types.is_numeric_dtype(column):
            return moments.dt.tz_localize(None).to_numpy(dtype="datetime64[ns]")
    row = int(np.argmax(moments.isna())) if moments.isna().any() else 0
    raise BadInput(
        text.path,
        "this is no moment in time",
        row=_line(text, row),
        column=str(column.name),
        saw=repr(str(column.iloc[row])[:40]),
        expected="2018-04-01 00:00:00",
        do="mend or remove the line",
    )


def _numbers(text: TableText, column: pd.Series) -> np.ndarray:
    if pd.api.types.is_numeric_dtype(column) and column.dtype != bool:
        values = column.to_numpy(dtype=np.float64)
    else:
        values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64)
    bad = (np.isnan(values) & column.notna().to_numpy()) | np.isinf(values)
    if bad.any():
        row = int(np.argmax(bad))
        raise BadInput(
            text.path,
            "text in a column of numbers",
            row=_line(text, row),
            column=str(column.name),
            saw=repr(str(column.iloc[row])[:40]),
            expected=f"a number with a decimal {'comma' if text.decimal == ',' else 'point'}",
            do="mend the cell, or empty it: an empty cell is a gap",
        )
    return values


def _in_order(
    path: Path, time: np.ndarray, values: pd.DataFrame, words: pd.DataFrame
) -> tuple[np.ndarray, pd.DataFrame, pd.DataFrame, Mended]:
    back = int((np.diff(time) < np.timedelta64(0)).sum())
    if back > max(3, MOST_DISORDER * len(time)):
        raise BadInput(
            path,
            "the rows are in no order of time",
            saw=f"{back:,} of {len(time):,} steps go back",
            expected="rows as they were recorded",
            do="sort the table by time, and check that it was not shuffled",
        )
    order = np.argsort(time, kind="stable")
    keep = order[np.r_[True, np.diff(time[order]) > np.timedelta64(0)]]
    duplicates = len(time) - len(keep)
    if duplicates or back:
        time, values, words = (
            time[keep],
            values.iloc[keep].reset_index(drop=True),
            words.iloc[keep].reset_index(drop=True),
        )
    array = values.to_numpy()
    share = np.isnan(array).mean(axis=0)
    if share.mean() >= MOST_MISSING:
        raise BadInput(
            path,
            f"{share.mean():.0%} of the sensors' cells are empty",
            expected=f"less than {MOST_MISSING:.0%}",
            do="check the export: the decimal mark, the separator, the period",
        )
    empty = tuple(values.columns[share >= MOST_MISSING])
    with np.errstate(invalid="ignore"):
        low, high = np.nanmin(array[:, share < 1], axis=0), np.nanmax(array[:, share < 1], axis=0)
    constant = tuple(name for name, a, b in zip(values.columns[share < 1], low, high, strict=True) if a == b)
    kept = [name for name in values.columns if name not in {*empty, *constant}]
    if not kept:
        raise BadInput(path, "no sensor moves", expected="at least one that does", do="check that it is the right file")
    steps = np.diff(time).astype(np.int64) / 1e9
    usual = float(np.median(steps)) if len(steps) else 0.0
    gaps = steps[steps > 1.5 * usual]
    mended = Mended(
        duplicates,
        back,
        len(gaps),
        float(gaps.max(initial=0.0)),
        empty,
        tuple(name for name in constant if name not in empty),
        _unit_jumps(values[kept]),
        float(share.mean()),
    )
    return time, values[kept], words, mended


def _unit_jumps(values: pd.DataFrame) -> tuple[str, ...]:
    """Sensors whose level is multiplied from one block to the next and stays so: as if the unit had been changed.

    A level that comes back (a machine that stopped) is none, hence the first and the last third must differ too.
    """
    if len(values) < BLOCKS * 50:
        return ()
    blocks = values.groupby(np.arange(len(values)) * BLOCKS // len(values)).median().abs()
    with np.errstate(divide="ignore", invalid="ignore"):
        third = BLOCKS // 3
        ratio = blocks.tail(third).median() / blocks.head(third).median()
        step = (blocks / blocks.shift()).replace([np.inf, 0.0], np.nan)
        sudden = np.maximum(step.max(), 1 / step.min()) >= JUMP
        lasting = (ratio >= JUMP) | (ratio <= 1 / JUMP)
    return tuple(str(name) for name in values.columns[np.asarray(sudden & lasting)])
