"""The user's own series: a long table of three columns, series id, time and value, in any order of rows.

One series needs no id. Other columns are left out. Every series is put on a regular grid (`gauntlet.datasets.records.series`); one that
cannot be used is set aside with its reason when there are others, and is the error when there are not.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from gauntlet.datasets.errors import BadInput, TooManyBadFiles
from gauntlet.datasets.io import table_text
from gauntlet.datasets.io.table_header import key
from gauntlet.datasets.io.table_text import TableText
from gauntlet.datasets.provenance import provenance
from gauntlet.datasets.records.series import Series, SeriesSet, on_a_grid

ID = frozenset({"seriesid", "series", "sensorid", "sensor", "uniqueid", "itemid", "id", "tag", "name"})
TIME = frozenset({"timestamp", "time", "datetime", "date", "ds"})
VALUE = frozenset({"value", "y", "reading", "target", "measurement"})
EMPTY = ["", "na", "NA", "n/a", "N/A", "nan", "NaN", "null", "NULL", "None", "none", "?", "-", "#N/A"]
TAIL = ("labels", "events", "faults")  # companions of a table, which hold no readings


def read(path: Path, *, frequency: str | None = None, limit: float = 0.05) -> SeriesSet:
    """The series in a table file, or in a folder that holds one.

    Args:
        frequency: the grid's step as pandas writes it ("1h", "15min"); None takes the usual step of each series.
        limit: the share of series that may be set aside.

    Raises:
        BadInput: a file, column or cell is not what was expected, or the only series cannot be used.
        TooManyBadFiles: more series than the limit allows cannot be used; the message has the first reasons.
    """
    file = table_in(Path(path))
    text = table_text.load(file, lambda name: key(name) in ID | TIME | VALUE)
    table = _parsed(text)
    step = _step(frequency)
    series: list[Series] = []
    refused: list[tuple[str, str]] = []
    problem: BadInput | None = None
    groups = list(_groups(table))
    for name, rows in groups:
        try:
            series.append(
                on_a_grid(
                    file, name, pd.DatetimeIndex(rows["time"]), rows["value"].to_numpy(), rows["line"].to_numpy(), step
                )
            )
        except BadInput as error:
            problem = problem or error
            refused.append((name, str(error)))
    if problem is not None and len(groups) == 1:
        raise problem
    if len(refused) > limit * len(groups):
        raise TooManyBadFiles(file, refused, len(groups), limit)
    return SeriesSet(tuple(series), file, text.sha256, text.bytes, len(table), 1, provenance(file), tuple(refused))


def table_in(path: Path) -> Path:
    """The table's file: `path` itself, or the one table of readings in the folder.

    Raises:
        BadInput: none, or several.
    """
    if not path.is_dir():
        return path
    tables = sorted(file for file in path.iterdir() if file.suffix.lower() in (".csv", ".tsv") and file.is_file())
    readings = [file for file in tables if not any(word in file.stem.lower() for word in TAIL)]
    if len(readings) != 1:
        saw = ", ".join(file.name for file in readings[:5]) or "no table"
        do = "name the file itself" if readings else "name the folder that holds it"
        raise BadInput(path, "the folder holds no single table of series", saw=saw, expected="one CSV file", do=do)
    return readings[0]


def _step(frequency: str | None) -> pd.Timedelta | None:
    if frequency is None:
        return None
    try:
        step = pd.Timedelta(frequency if frequency[:1].isdigit() else f"1{frequency}")
    except ValueError:
        step = pd.Timedelta(0)
    if step <= pd.Timedelta(0):
        raise BadInput(None, f"no frequency {frequency!r}", expected="a step such as 1h, 15min or 1D")
    return step


def _parsed(text: TableText) -> pd.DataFrame:
    """Columns id, time (without a zone), value (NaN where missing) and line, one row a reading."""
    places: dict[str, int] = {}
    for what, names in (("id", ID), ("time", TIME), ("value", VALUE)):
        found = [place for place, name in enumerate(text.header) if key(name) in names]
        if len(found) > 1:
            both = " and ".join(repr(text.header[place]) for place in found[:2])
            raise BadInput(text.path, f"two columns could be the {what}", row=text.header_line, saw=both, do="keep one")
        if not found and what != "id":
            saw = ", ".join(text.header[:8])
            expected = "columns series_id, timestamp, value"
            raise BadInput(text.path, f"no {what} column", row=text.header_line, saw=saw, expected=expected)
        places |= {what: found[0]} if found else {}
    raw = _cells(text, places)
    lines = raw.index.to_numpy() + text.header_line + 1
    blank = raw.isna().all(axis=1).to_numpy()
    raw, lines = raw[~blank], lines[~blank]
    if not len(raw):
        raise BadInput(text.path, "there are no rows under the header", row=text.header_line, do="export it again")
    return pd.DataFrame(
        {
            "id": _ids(text, raw, lines) if "id" in places else text.path.stem,
            "time": _times(text, raw["time"], lines),
            "value": _values(text, raw["value"], lines),
            "line": lines,
        }
    )


def _cells(text: TableText, places: dict[str, int]) -> pd.DataFrame:
    body = text.text.split("\n", text.header_line)[text.header_line]
    try:
        frame = pd.read_csv(
            io.StringIO(body),
            sep=text.separator,
            header=None,
            usecols=sorted(places.values()),
            dtype="str",
            names=range(len(text.header)),
            skip_blank_lines=False,
            keep_default_na=False,
            na_values=EMPTY,
            skipinitialspace=True,
            index_col=False,
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise BadInput(
            text.path, f"the lines cannot be told apart ({error})", do="mend the line or export the table again"
        ) from None
    return frame.rename(columns={place: what for what, place in places.items()})


def _ids(text: TableText, raw: pd.DataFrame, lines: np.ndarray) -> pd.Series:
    missing = raw["id"].isna().to_numpy()
    if missing.any():
        raise BadInput(text.path, "no series id", row=int(lines[missing.argmax()]), expected="the name of a series")
    return raw["id"].str.strip()


def _times(text: TableText, raw: pd.Series, lines: np.ndarray) -> pd.Series:
    moments = pd.to_datetime(raw.str.strip(), errors="coerce", format="ISO8601", utc=True)
    wrong = moments.isna().to_numpy()
    if wrong.any():
        at = int(wrong.argmax())
        raise BadInput(
            text.path,
            "wrong time",
            row=int(lines[at]),
            saw=repr(raw.iloc[at]),
            expected="2026-01-31 12:00:00",
            do="write times year first (ISO 8601)",
        )
    return moments.dt.tz_localize(None)


def _values(text: TableText, raw: pd.Series, lines: np.ndarray) -> np.ndarray:
    if text.decimal == ",":
        raw = raw.str.replace(",", ".", regex=False)
    numbers = pd.to_numeric(raw, errors="coerce").to_numpy(np.float64)
    wrong = (~np.isfinite(numbers)) & raw.notna().to_numpy()
    if wrong.any():
        at = int(wrong.argmax())
        raise BadInput(
            text.path,
            "not a finite number",
            row=int(lines[at]),
            column="value",
            saw=repr(raw.iloc[at]),
            expected="a number, or an empty cell for a missing reading",
        )
    return numbers


def _groups(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Series by name, in the order of their first rows."""
    for name, rows in table.groupby("id", sort=False):
        yield str(name), rows
