"""What happened, appended and never changed: claims, refusals with their reasons, and the caller's own events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, insert, select

from gauntlet.tasks.claims.database import Clock, database_clock, transaction
from gauntlet.tasks.claims.tables import LOG


@dataclass(frozen=True)
class Entry:
    """A line of the log. `id` grows with time: whoever read up to one asks for what came `after` it."""

    id: int
    moment: datetime
    event: str
    subject: str
    holder: str
    detail: Mapping[str, Any]


def append(
    engine: Engine,
    event: str,
    subject: str,
    holder: str = "",
    detail: Mapping[str, Any] | None = None,
    *,
    clock: Clock = database_clock,
) -> None:
    """Write an entry; `detail` is anything that JSON can hold."""
    with transaction(engine) as connection:
        write(connection, clock(connection), event, subject, holder, detail or {})


def write(
    connection: Connection, now: datetime, event: str, subject: str, holder: str, detail: Mapping[str, Any]
) -> None:
    """Write an entry as part of a transaction under way: it stands exactly when the rest does."""
    connection.execute(
        insert(LOG).values(
            moment=now,
            event=event,
            subject=subject,
            holder=holder,
            detail=json.dumps(dict(detail), sort_keys=True, default=str),
        )
    )


def history(
    engine: Engine, *, subject: str | None = None, event: str | None = None, after: int = 0, limit: int = 1_000
) -> list[Entry]:
    """The entries after an id, oldest first, of a subject and an event where these are given."""
    query = select(LOG).where(LOG.c.id > after).order_by(LOG.c.id).limit(limit)
    query = query if subject is None else query.where(LOG.c.subject == subject)
    query = query if event is None else query.where(LOG.c.event == event)
    with transaction(engine) as connection:
        rows = connection.execute(query).all()
    return [Entry(row.id, row.moment, row.event, row.subject, row.holder, json.loads(row.detail)) for row in rows]
