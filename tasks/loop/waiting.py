"""Rows that wait in S3 for others of their moment, where a file was cut in the middle of a snapshot.

    waiting/GAUNTLET/GROUP/SHA256.json      under our MAC: all rows of snapshots that lack some, as they were after one file

They are kept until they could no longer change an alarm, so that what S3 lost of a portion can be made again.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from gauntlet.tasks.claims import Check
from gauntlet.tasks.loop.store import document, keys, put_document, remove
from gauntlet.tasks.runtime.connection import Connection
from gauntlet.tasks.runtime.steps import say

TIME = "time"  # seconds since 1970
WAITS = "_waits"  # False for those that were scored, and that the others are judged beside


def keep_waiting(
    connection: Connection, gauntlet: str, group: str, sha256: str, rows: pd.DataFrame | None, check: Check
) -> int:
    """How many rows wait after this file. Raises `StaleClaim` as `check` does."""
    if rows is None or not len(rows):
        return 0
    columns = {str(name): rows[name].tolist() for name in rows if name != WAITS}
    put_document(connection, f"{_folder(gauntlet, group)}{sha256}.json", {"columns": columns}, check)
    return int(rows[WAITS].sum())


def waiting_rows(
    connection: Connection, gauntlet: str, group: str, newest: Mapping[str, float], lateness_s: float
) -> pd.DataFrame | None:
    """The rows of a group that wait, or did; None for none. What is too old goes, and it is said."""
    if not group:
        return None
    parts = []
    for key, _ in keys(connection, _folder(gauntlet, group)):
        kept = document(connection, key)
        if kept is None:
            continue
        rows = pd.DataFrame(kept["columns"])
        if newest and rows[TIME].max() < max(newest.values()) - 2 * lateness_s:
            remove(connection, key)
            say(
                f"{key}: {len(rows)} rows of snapshots that lack some are removed, as they are too old to change an alarm"
            )
            continue
        parts.append(rows)
    return pd.concat(parts, ignore_index=True) if parts else None


def _folder(gauntlet: str, group: str) -> str:
    return f"waiting/{gauntlet}/{group}/"
