"""Rows that count, each once, whichever file brings it: known by what a row is, with a digest of what it says.

A row is written in the transaction that finishes the portion it belongs to (`finish(beside=…)`): what a killed worker left
half-way is not in here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import Connection, Engine, delete, insert, select

from gauntlet.tasks.claims.database import transaction
from gauntlet.tasks.claims.tables import ROWS

_AT_ONCE = 500  # SQLite takes some thousand variables in a statement


@dataclass(frozen=True)
class KnownRow:
    """`content`: digest of its values. `portion`: SHA-256 of the file that brought it first."""

    content: str
    portion: str


def known_rows(engine: Engine, scope: str, keys: Sequence[str]) -> dict[str, KnownRow]:
    """Those of the rows that count already, by key."""
    found: dict[str, KnownRow] = {}
    with transaction(engine, reading=True) as connection:
        for some in _pieces(keys):
            rows = connection.execute(select(ROWS).where(ROWS.c.scope == scope, ROWS.c.key.in_(some)))
            found |= {row.key: KnownRow(row.content, row.portion) for row in rows}
    return found


def is_empty(engine: Engine, scope: str) -> bool:
    """Whether no row of this scope counts: nothing was scored, or the database was lost."""
    with transaction(engine, reading=True) as connection:
        return connection.execute(select(ROWS.c.key).where(ROWS.c.scope == scope).limit(1)).first() is None


def put_rows(connection: Connection, scope: str, portion: str, rows: Mapping[str, str]) -> None:
    """The rows of a portion (content by key), in the place of those that it had before."""
    connection.execute(delete(ROWS).where(ROWS.c.scope == scope, ROWS.c.portion == portion))
    values = [{"scope": scope, "key": key, "content": content, "portion": portion} for key, content in rows.items()]
    if values:
        connection.execute(insert(ROWS), values)


def drop_rows(engine: Engine, scope: str, portion: str) -> None:
    """The rows of a portion count no more: what was kept of them is lost, and whoever brings them again is welcome."""
    with transaction(engine) as connection:
        put_rows(connection, scope, portion, {})


def _pieces(keys: Sequence[str]) -> Iterator[list[str]]:
    rest = iter(keys)
    while some := list(islice(rest, _AT_ONCE)):
        yield some
