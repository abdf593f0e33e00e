"""Which rows of a file are new, which another file brought before, and which say otherwise than the same row before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gauntlet.tasks.claims import KnownRow
from gauntlet.tasks.loop.contract import Batch
from gauntlet.tasks.loop.portions import KEY

OFF = "off"  # stands for what a machine-off row says
_SHOWN = 20  # conflicts in words


@dataclass(frozen=True, eq=False)
class Sorted:
    """`fresh`: places of the new rows (m,); `off`: new machine-off ones; `known`: how many others brought before, in which
    `portions`; `conflicts`: in words."""

    fresh: np.ndarray
    off: tuple[str, ...]
    known: int
    portions: frozenset[str]
    conflicts: tuple[str, ...]


def sort_out(
    batch: Batch, known: Mapping[str, KnownRow], own: str, rows_of: Callable[[str], tuple[str, pd.DataFrame]]
) -> Sorted:
    """The rows of a batch, sorted. `own`: rows of this portion are new, an earlier attempt brought them.

    `rows_of`: the file name and the rows of a portion, to say what differs.
    """
    first: dict[str, int] = {}
    portions: set[str] = set()
    conflicts: list[str] = []
    repeated = unshown = 0
    for place, (key, content) in enumerate(zip(batch.keys, batch.contents, strict=True)):
        before = known.get(key)
        if before is not None and before.portion != own:
            if not batch.lines[place]:  # it waited, and was scored meanwhile
                continue
            repeated += 1
            portions.add(before.portion)
            if before.content in (content, OFF):
                continue
            if len(conflicts) == _SHOWN:
                unshown += 1
            else:
                file, rows = rows_of(before.portion)
                was = rows[rows[KEY] == key] if KEY in rows else rows
                conflicts.append(_in_words(batch, place, file, was.iloc[0] if len(was) else None))
        elif key in first:
            repeated += 1
            if batch.contents[first[key]] == content:
                continue
            if len(conflicts) == _SHOWN:
                unshown += 1
            else:
                line = f"line {batch.lines[first[key]]}"
                conflicts.append(_in_words(batch, place, line, batch.rows.iloc[first[key]]))
        else:
            first[key] = place
    if unshown:
        conflicts.append(f"{unshown} more rows say otherwise than the same row before; left out, the first ones stand")
    off = tuple(dict.fromkeys(key for key in batch.off if key not in known or known[key].portion == own))
    return Sorted(np.array(list(first.values()), np.int64), off, repeated, frozenset(portions), tuple(conflicts))


def _in_words(batch: Batch, place: int, where: str, before: pd.Series | None) -> str:
    row = batch.rows.iloc[place]
    names = [name for name in batch.rows.columns if before is not None and name in before.index]
    differs = next((name for name in names if before is not None and row[name] != before[name]), None)
    column = f", column {differs!r}" if differs is not None else ""
    saw = f" ({row[differs]!s} here, {before[differs]!s} there)" if differs is not None and before is not None else ""
    return f"line {batch.lines[place]}{column}: says otherwise than the same row in {where}{saw}; left out, the first one stands"
