"""The tables, in words of the people who look into them when something went wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Dialect, Index, Integer, MetaData, String, Table, Text
from sqlalchemy.types import TypeDecorator


class Instant(TypeDecorator[datetime]):
    """A moment, always with UTC as its zone: SQLite keeps no zones, PostgreSQL converts to the session's."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs its time zone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: Any | None, _dialect: Dialect) -> datetime | None:
        """From the database."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


TABLES = MetaData()

# A row is never removed: its token would begin at 1 again, and a dead holder's could become valid.
CLAIMS = Table(
    "gauntlet_claims",
    TABLES,
    Column("subject", String(200), primary_key=True),
    Column("token", BigInteger, nullable=False),
    Column("holder", String(200)),  # nobody: NULL
    Column("acquired", Instant),
    Column("heartbeat", Instant),
    Column("expires", Instant),
    Column("deadline", Instant),  # no heartbeat extends the claim past it
    Column("finished", Instant),  # when the work was last brought to its end: the cooldown counts from here
)

ONCE = Table(
    "gauntlet_once",
    TABLES,
    Column("scope", String(50), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("token", BigInteger, nullable=False),
    Column("holder", String(200), nullable=False),
    Column("seen", Instant, nullable=False),
    Column("expires", Instant, nullable=False),  # of the turn that is under way
    Column("done", Instant),
    Column("outcome", Text),
    Column("content", Text),  # what the key stands for; NULL in rows from before there was this column
)

# Of every row that was scored: the same row in another file is the same row.
ROWS = Table(
    "gauntlet_rows",
    TABLES,
    Column("scope", String(200), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("content", String(64), nullable=False),
    Column("portion", String(64), nullable=False),
    Index("gauntlet_rows_portion", "scope", "portion"),
)

LOG = Table(
    "gauntlet_log",
    TABLES,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("moment", Instant, nullable=False),
    Column("event", String(100), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("holder", String(200), nullable=False),
    Column("detail", Text, nullable=False),  # JSON
    Index("gauntlet_log_subject", "subject", "id"),
    sqlite_autoincrement=True,
)
