"""Predictions as rows of a SQL table, where a database is configured."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sqlalchemy import Boolean, Column, Connection, Float, String, create_engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from gauntlet.datasets.address import one_line
from gauntlet.datasets.errors import ServiceDown
from gauntlet.tasks.claims import Check, always
from gauntlet.tasks.loop.contract import Manifest
from gauntlet.tasks.loop.portions import ALARM, KEY, LATE, SCORE, SECONDS, SOURCE

_LATER: tuple[Column[Any], ...] = (
    Column("row_key", String(64)),
    Column("machine", String(200)),
    Column("time_s", Float),
    Column("late", Boolean),
)  # which tables made by an earlier version lack


def write_predictions(url: str, table: str, manifest: Manifest, rows: pd.DataFrame, check: Check = always) -> int:
    """How many rows were written: those of this portion take the place of those that it had before.

    Args:
        rows: as `portions.all_of` gives them.

    Raises:
        StaleClaim: `check`, which is called when nobody else can write them any more, says that another has the turn.
        ServiceDown: the database does not answer or does not take the rows; nothing was changed.
    """
    frame = pd.DataFrame(
        {
            "gauntlet": manifest.gauntlet,
            "file": manifest.file,
            "file_sha256": manifest.sha256,
            "row": range(manifest.rows),
            "score": rows[SCORE],
            "alarm": rows[ALARM],
            "model": manifest.model,
            "version": manifest.version,
            "scored_at": pd.Timestamp(manifest.scored_at).tz_convert(None),
            "row_key": rows[KEY],
            "machine": rows[SOURCE].astype(str) if SOURCE in rows else None,
            "time_s": rows.get(SECONDS),
            "late": rows[LATE].astype(bool),
        }
    )
    _in_place_of(url, table, manifest.gauntlet, [manifest.sha256], frame, check)
    return len(frame)


def remove_predictions(url: str, table: str, gauntlet: str, portions: list[str], check: Check = always) -> None:
    """The rows of these portions go. Raises as `write_predictions` does."""
    _in_place_of(url, table, gauntlet, portions, None, check)


def _in_place_of(
    url: str, table: str, gauntlet: str, portions: list[str], frame: pd.DataFrame | None, check: Check
) -> None:
    engine = create_engine(url, hide_parameters=True)
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                for sha256 in sorted(portions):
                    key = text("SELECT pg_advisory_xact_lock(hashtext(:file))")
                    connection.execute(key, {"file": f"{gauntlet} {sha256}"})
            if inspect(connection).has_table(table):
                _add_columns(connection, table)
                quoted = connection.dialect.identifier_preparer.quote(table)
                gone = text(f"DELETE FROM {quoted} WHERE file_sha256 = :sha AND gauntlet = :gauntlet")  # noqa: S608
                for sha256 in portions:
                    connection.execute(gone, {"sha": sha256, "gauntlet": gauntlet})
            check()
            if frame is not None:
                frame.to_sql(table, connection, if_exists="append", index=False, chunksize=500)
    except SQLAlchemyError as error:
        why = one_line(getattr(error, "orig", None) or error)
        raise ServiceDown(
            "the telemetry database", engine.url.render_as_string(), why, "start it and try again"
        ) from None
    finally:
        engine.dispose()


def _add_columns(connection: Connection, table: str) -> None:
    there = {column["name"] for column in inspect(connection).get_columns(table)}
    quote = connection.dialect.identifier_preparer.quote
    for column in _LATER:
        if column.name not in there:
            kind = column.type.compile(connection.dialect)
            connection.execute(text(f"ALTER TABLE {quote(table)} ADD COLUMN {quote(column.name)} {kind}"))
