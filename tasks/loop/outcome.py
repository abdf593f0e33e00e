"""What came of a file, as the claims database keeps it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields


def row_scope(gauntlet: str, group: str) -> str:
    """Within which a row is one row."""
    return f"{gauntlet}:{group}"


@dataclass(frozen=True)
class Outcome:
    """What is kept of a file that was done. `portions`: those that hold its rows. See `scoring.FileScored` for the rest."""

    rows: int = 0
    alarms: int = 0
    address: str = ""
    known: int = 0
    late: int = 0
    waiting: int = 0
    model: str = ""
    version: int = 0
    group: str = ""
    portions: Sequence[str] = ()
    conflicts: Sequence[str] = ()
    corrected: Sequence[str] = ()

    @classmethod
    def of(cls, text: str) -> Outcome:
        """As it was written, also by an earlier version."""
        names = {one.name for one in fields(cls)}
        return cls(**{name: value for name, value in json.loads(text).items() if name in names})
