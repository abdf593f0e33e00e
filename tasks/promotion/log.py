"""The promotion log: appended, never changed. A row before the aliases move and a row after, so that a crash shows.

decided                    nothing was to be moved: kept, refused, or a dry run
intended ──> done          the aliases were moved
         ├─> failed        they were not, and why
         └─> (nothing)     the process died or a server went away on the way: `unfinished` lists it, the next move closes it
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Engine,
    Index,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    Text,
    insert,
    select,
)
from sqlalchemy.exc import OperationalError

from gauntlet.datasets.address import one_line, safe_cause
from gauntlet.datasets.errors import BadInput, NotPromotable, ServiceDown
from gauntlet.tasks.claims.database import make_tables
from gauntlet.tasks.registry.aliases import Holder

Event = Literal["decided", "intended", "done", "failed"]

TABLES = MetaData()

PROMOTIONS = Table(
    "gauntlet_promotions",
    TABLES,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("moment", DateTime(timezone=True), nullable=False),  # UTC
    Column("gauntlet", String(100), nullable=False),
    Column("event", String(20), nullable=False),
    Column("intent", BigInteger),  # of an outcome: the row that it answers
    Column("from_name", String(200)),
    Column("from_version", Integer),
    Column("to_name", String(200)),
    Column("to_version", Integer),
    Column("verdict", String(20), nullable=False),
    Column("mode", String(20), nullable=False),
    Column("who", String(200), nullable=False),
    Column("why", Text, nullable=False),
    Column("evidence", Text, nullable=False),  # JSON
    Column("request", String(200)),  # who asks twice is told what came of the first time
    Index("gauntlet_promotions_gauntlet", "gauntlet", "id"),
    sqlite_autoincrement=True,
)


@dataclass(frozen=True)
class Line:
    """What is to be written: which gauntlet, from which champion to which, the verdict, who says so and why.

    `request`: the id of what asked for it, "" where nothing asks twice.
    """

    gauntlet: str
    champion: Holder | None
    to: Holder | None
    verdict: str
    mode: str
    who: str
    why: str
    evidence: Mapping[str, Any]
    request: str = ""


@dataclass(frozen=True)
class Entry:
    """A row of the log. `intent`: of an outcome, the id of the row that it answers."""

    id: int
    moment: datetime
    event: Event
    intent: int | None
    line: Line


def open_log(engine: Engine) -> None:
    """Make the table where it is not there, and what an earlier version's lacks.

    Raises:
        ServiceDown: the database does not answer.
    """
    with _answering(engine), engine.begin() as connection:
        make_tables(connection, TABLES)


def write(engine: Engine, event: Event, line: Line, *, intent: int | None = None, now: datetime | None = None) -> int:
    """Append a row; its id. It is committed when this returns.

    Raises:
        ServiceDown: the database does not answer; nothing was written.
    """
    values = {
        "moment": (now or datetime.now(UTC)).astimezone(UTC),
        "gauntlet": line.gauntlet,
        "event": event,
        "intent": intent,
        "from_name": line.champion.name if line.champion else None,
        "from_version": line.champion.version if line.champion else None,
        "to_name": line.to.name if line.to else None,
        "to_version": line.to.version if line.to else None,
        "verdict": line.verdict,
        "mode": line.mode,
        "who": line.who,
        "why": line.why,
        "evidence": json.dumps(dict(line.evidence), sort_keys=True, default=str),
        "request": line.request or None,
    }
    with _answering(engine), engine.begin() as connection:
        return int(connection.execute(insert(PROMOTIONS).returning(PROMOTIONS.c.id), values).scalar_one())


def history(engine: Engine, gauntlet: str | None = None, limit: int = 1_000) -> list[Entry]:
    """The newest `limit` rows of a gauntlet, or of all, oldest first.

    Raises:
        ServiceDown: the database does not answer.
    """
    query = select(PROMOTIONS).order_by(PROMOTIONS.c.id.desc()).limit(limit)
    query = query if gauntlet is None else query.where(PROMOTIONS.c.gauntlet == gauntlet)
    with _answering(engine), engine.connect() as connection:
        rows = connection.execute(query).all()
    return [_entry(row) for row in reversed(rows)]


def unfinished(engine: Engine, gauntlet: str) -> list[Entry]:
    """The intentions without an outcome: under way now, or cut off.

    Raises:
        ServiceDown: the database does not answer.
    """
    answered = select(PROMOTIONS.c.intent).where(PROMOTIONS.c.intent.is_not(None))
    query = select(PROMOTIONS).where(
        PROMOTIONS.c.gauntlet == gauntlet, PROMOTIONS.c.event == "intended", PROMOTIONS.c.id.not_in(answered)
    )
    with _answering(engine), engine.connect() as connection:
        return [_entry(row) for row in connection.execute(query.order_by(PROMOTIONS.c.id)).all()]


def answered(engine: Engine, gauntlet: str, request: str) -> Entry | None:
    """What came of this request: the row that ended it, None where nothing did or it failed and moved nothing.

    Raises:
        ServiceDown: the database does not answer.
    """
    if not request:
        return None
    query = select(PROMOTIONS).where(
        PROMOTIONS.c.gauntlet == gauntlet,
        PROMOTIONS.c.request == request,
        PROMOTIONS.c.event.in_(("done", "decided")),
    )
    with _answering(engine), engine.connect() as connection:
        row = connection.execute(query.order_by(PROMOTIONS.c.id).limit(1)).first()
    return _entry(row) if row is not None else None


@contextmanager
def recorded(engine: Engine, line: Line) -> Iterator[int]:
    """The intention before the block, its outcome after it: done, or failed with the reason added to `why`.

    An error that does not say that nothing was moved (a server went away, the claim was lost) leaves the intention open:
    the registry knows what happened, and whoever asks it next (`close`) writes it down.

    Raises:
        ServiceDown: the database does not answer; before the block, so that nothing is moved unrecorded.
    """
    intent = write(engine, "intended", line)
    try:
        yield intent
    except (NotPromotable, BadInput) as error:
        reason = one_line(error, 1_000) or type(error).__name__
        write(engine, "failed", _because(line, reason), intent=intent)
        raise
    write(engine, "done", line, intent=intent)


def close(engine: Engine, left: Entry, champion: Holder | None) -> None:
    """Answer an intention whose process died, by who is champion after the repair."""
    happened = champion == left.line.to
    reason = f"found cut off; the aliases were {'moved' if happened else 'not moved'}"
    write(engine, "done" if happened else "failed", _because(left.line, reason), intent=left.id)


def _because(line: Line, reason: str) -> Line:
    return replace(line, why=f"{line.why} ({reason})")


def _entry(row: Row[Any]) -> Entry:
    moment = row.moment.replace(tzinfo=UTC) if row.moment.tzinfo is None else row.moment.astimezone(UTC)
    line = Line(
        row.gauntlet,
        Holder(row.from_name, row.from_version) if row.from_name else None,
        Holder(row.to_name, row.to_version) if row.to_name else None,
        row.verdict,
        row.mode,
        row.who,
        row.why,
        json.loads(row.evidence),
        row.request or "",
    )
    return Entry(row.id, moment, row.event, row.intent, line)


@contextmanager
def _answering(engine: Engine) -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        why = one_line(error.orig or error)
        raise ServiceDown(
            "the promotion log", engine.url.render_as_string(), why, "start it and try again"
        ) from safe_cause(error)
