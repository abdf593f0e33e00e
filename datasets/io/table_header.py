"""The columns of a table: what each must hold, and how a file's own header names them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from gauntlet.datasets.errors import BadInput

Kind = Literal["number", "whole", "flag", "category", "text"]
_UNIT = re.compile(r"[\[(]\s*([^\])]*?)\s*[\])]")


@dataclass(frozen=True)
class Column:
    """One column. number float64 · whole int64 · flag int64, 0 or 1 · category one of `values` · text anything.

    `other_names` are spellings that re-saved files use, beyond what case, blanks, underscores and a missing unit make.
    A number outside [low, high] is an error; `unit_hint` says what it most likely means.
    """

    name: str
    kind: Kind
    required: bool = True
    other_names: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    unit_hint: str = ""
    values: tuple[str, ...] = ()

    @property
    def unit(self) -> str:
        """The unit in the name's brackets, empty without one."""
        found = _UNIT.search(self.name)
        return found.group(1) if found else ""

    @property
    def keys(self) -> frozenset[str]:
        """Every spelling that means this column, as `key` reduces it."""
        return frozenset(key(name) for name in (self.name, _UNIT.sub("", self.name), *self.other_names))


def key(name: str) -> str:
    """A header spelling reduced to what tells columns apart: lower-case letters and digits, nothing else."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def is_known(name: str, columns: Sequence[Column]) -> bool:
    """True for a spelling that means one of the columns, whatever unit it states."""
    return any({key(name), key(_UNIT.sub("", name))} & column.keys for column in columns)


def match(
    path: Path, line: int, header: Sequence[str], columns: Sequence[Column], ignored: Sequence[str] = ()
) -> tuple[dict[str, int], tuple[str, ...]]:
    """(position in the file by column name, in the order of `columns`; the header names that were ignored).

    Ignored are those in `ignored` and the nameless running number that data frames write in front.

    Raises:
        BadInput: a column is missing, unknown, there twice, or stated in another unit; all of a kind are named at once.
    """
    positions: dict[str, int] = {}
    unknown: list[str] = []
    dropped: list[str] = []
    for position, name in enumerate(header):
        column = _column(path, line, name, columns)
        if column and column.name in positions:
            twice = f"{header[positions[column.name]]!r} and {name!r}"
            raise BadInput(path, "the column is there twice", row=line, column=column.name, saw=twice, do="keep one")
        if column:
            positions[column.name] = position
        elif key(name) in {key(other) for other in ignored} or re.fullmatch(r"(unnamed\d+)?", key(name)):
            dropped.append(name)
        else:
            unknown.append(name)
    missing = [column.name for column in columns if column.required and column.name not in positions]
    if missing or unknown:
        raise _wrong_columns(path, line, missing, unknown, len(header))
    return {column.name: positions[column.name] for column in columns if column.name in positions}, tuple(dropped)


def _column(path: Path, line: int, name: str, columns: Sequence[Column]) -> Column | None:
    for column in columns:
        if key(name) in column.keys:
            return column
    stated = _UNIT.search(name)
    for column in columns:
        if stated and column.unit and key(_UNIT.sub("", name)) in column.keys:
            raise BadInput(
                path,
                "another unit",
                row=line,
                column=column.name,
                saw=repr(name),
                expected=f"[{column.unit}]",
                do=f"convert the values to {column.unit} and name the column {column.name!r}",
            )
    return None


def _wrong_columns(path: Path, line: int, missing: list[str], unknown: list[str], count: int) -> BadInput:
    def listed(names: list[str]) -> str:
        return ", ".join(repr(name) for name in names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")

    what = [f"missing {'columns' if len(missing) > 1 else 'column'} {listed(missing)}"] if missing else []
    what += [f"unknown {'columns' if len(unknown) > 1 else 'column'} {listed(unknown)}"] if unknown else []
    near = get_close_matches(missing[0], unknown, n=1, cutoff=0.5) if missing and unknown else []
    do = f"rename {near[0]!r} to {missing[0]!r}" if near else "add what is missing" if missing else "remove it"
    do = "remove them" if not missing and len(unknown) > 1 else do
    column = (missing or unknown)[0]
    return BadInput(path, "; ".join(what), row=line, column=column, saw=f"{count} columns", do=do)
