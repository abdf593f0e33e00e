"""Something that must happen once per key: a registration, a webhook's message. One of many callers gets the turn.

begin ─┬─> Turn ──> do it ──> finish(outcome)          from now on every caller gets Done(outcome)
       │              ├── it takes long ──> prolong
       │              └── it failed ──> abandon        the next caller gets a turn at once
       ├─> Busy: another has the turn; when it dies, the turn passes on at its expiry
       └─> Done: it happened, and this came out

What a key stands for is kept beside it from the first call on (`content`): the same key for something else is found out,
and what nobody finished can be done from it (`left_undone`).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, delete, select, update

from gauntlet.datasets.errors import StaleClaim
from gauntlet.tasks.claims.database import AHEAD, Clock, database_clock, insert_once, transaction
from gauntlet.tasks.claims.log import write
from gauntlet.tasks.claims.tables import ONCE

SHORTEST_MEMORY = timedelta(minutes=15)  # a signature is valid for five minutes either way: its id must outlive it


@dataclass(frozen=True)
class Turn:
    """The right to do it now, until `expires`."""

    scope: str
    key: str
    holder: str
    token: int
    expires: datetime
    content: str = ""


@dataclass(frozen=True)
class Busy:
    """Another caller is at it."""

    holder: str
    until: datetime
    content: str = ""


@dataclass(frozen=True)
class Done:
    """It happened at `when`, with this outcome."""

    outcome: str
    when: datetime
    content: str = ""


@dataclass(frozen=True)
class Undone:
    """A key that nobody is at and nobody finished; `seen` when it was first asked for."""

    key: str
    content: str
    seen: datetime


@dataclass(frozen=True)
class Line:
    """An entry of the log that stands exactly when what it tells of does."""

    event: str
    subject: str
    holder: str
    detail: Mapping[str, Any]


def begin(
    engine: Engine,
    scope: str,
    key: str,
    ttl: timedelta,
    *,
    holder: str = "",
    content: str = "",
    clock: Clock = database_clock,
) -> Turn | Busy | Done:
    """The turn, or why there is none. Of any number of callers with one key exactly one gets it.

    Two calls are two callers, also with the same `holder`: that is for people to read. The answer's `content` is that of
    the first call with this key, whatever later ones say: the caller compares.
    """
    with transaction(engine) as connection:
        now = clock(connection)
        _enter(connection, scope, key, now, content)
        mine = _at(scope, key)
        row = connection.execute(select(ONCE).where(mine).with_for_update()).one()
        now = clock(connection)  # the lock may have been waited for
        if row.done is not None:
            return Done(row.outcome, row.done, row.content or "")
        until = row.expires
        if until > now + ttl + AHEAD:  # of a clock that was ahead: who lives prolongs it in time
            until = now + ttl
            connection.execute(update(ONCE).where(mine).values(expires=until))
        if until > now:
            return Busy(row.holder, until, row.content or "")
        return _give(connection, row, holder, now + ttl)


def first_seen(engine: Engine, scope: str, key: str, *, clock: Clock = database_clock) -> datetime:
    """When a key was heard of for the first time: now, or what an earlier call with it was told."""
    with transaction(engine) as connection:
        now = clock(connection)
        _enter(connection, scope, key, now)
        seen: datetime = connection.execute(select(ONCE.c.seen).where(_at(scope, key))).scalar_one()
        return seen


def keep_content(engine: Engine, scope: str, key: str, content: str, *, clock: Clock = database_clock) -> None:
    """What a key stands for, from the first call with it on: there is nothing to be done about it, only to be known."""
    with transaction(engine) as connection:
        now = clock(connection)
        _enter(connection, scope, key, now, content, done=now, outcome="")


def content_of(engine: Engine, scope: str, key: str) -> str | None:
    """What a key stands for; None where nobody said."""
    with transaction(engine, reading=True) as connection:
        return connection.execute(select(ONCE.c.content).where(_at(scope, key))).scalar_one_or_none()


def prolong(engine: Engine, turn: Turn, ttl: timedelta, *, clock: Clock = database_clock) -> None:
    """Keep the turn for another `ttl` from now.

    Raises:
        StaleClaim: another has taken the turn, or has finished already.
    """
    with transaction(engine) as connection:
        if connection.execute(_mine(turn).values(expires=clock(connection) + ttl)).rowcount != 1:
            raise _overtaken(turn)


def note(engine: Engine, turn: Turn, content: str) -> None:
    """What somebody must know who goes on after this holder died: what its key stands for, from now on.

    Raises:
        StaleClaim: another has taken the turn, or has finished already.
    """
    with transaction(engine) as connection:
        if connection.execute(_mine(turn).values(content=content)).rowcount != 1:
            raise _overtaken(turn)


def unfinished(engine: Engine, scope: str, content: str) -> list[str]:
    """The keys of a scope that stand for this and that nobody finished, oldest first; also those that somebody is at."""
    mine = (ONCE.c.scope == scope) & (ONCE.c.content == content) & ONCE.c.done.is_(None)
    with transaction(engine, reading=True) as connection:
        return list(connection.execute(select(ONCE.c.key).where(mine).order_by(ONCE.c.seen)).scalars())


def seize(engine: Engine, scope: str, key: str, ttl: timedelta, *, clock: Clock = database_clock) -> Turn | Done:
    """The turn of a key, whoever is at it: for a caller who knows that no other may be, and whose former self is then stale."""
    with transaction(engine) as connection:
        row = connection.execute(select(ONCE).where(_at(scope, key)).with_for_update()).one()
        if row.done is not None:
            return Done(row.outcome, row.done, row.content or "")
        return _give(connection, row, "", clock(connection) + ttl)


def finish(
    engine: Engine,
    turn: Turn,
    outcome: str,
    *,
    line: Line | None = None,
    beside: Callable[[Connection], None] | None = None,
    clock: Clock = database_clock,
) -> None:
    """Say what came out, for every later caller to be told, and in the log where a `line` is given: both or neither.

    `beside`: what else is written in the same transaction.

    A turn that expired still counts while nobody else has taken it: the work is done.

    Raises:
        StaleClaim: another has taken the turn, or has finished already.
    """
    with transaction(engine) as connection:
        now = clock(connection)
        if connection.execute(_mine(turn).values(done=now, outcome=outcome)).rowcount != 1:
            raise _overtaken(turn)
        if beside is not None:
            beside(connection)
        if line is not None:
            write(connection, now, line.event, line.subject, line.holder, line.detail)


def still_mine(engine: Engine, turn: Turn) -> None:
    """Nothing, while nobody else has taken the turn.

    Raises:
        StaleClaim: another has, or has finished already.
    """
    with transaction(engine, reading=True) as connection:
        row = connection.execute(select(ONCE).where(_at(turn.scope, turn.key))).first()
    if row is None or row.token != turn.token or row.done is not None:
        raise _overtaken(turn)


def reopen(engine: Engine, scope: str, key: str, done: Done, *, clock: Clock = database_clock) -> None:
    """What was done is to be done again, as what came of it was lost; nothing, when it was reopened already."""
    same = _at(scope, key) & (ONCE.c.done == done.when)
    with transaction(engine) as connection:
        now = clock(connection)
        connection.execute(update(ONCE).where(same).values(done=None, outcome=None, expires=now))


def abandon(engine: Engine, turn: Turn, *, clock: Clock = database_clock) -> None:
    """Give the turn up undone; the next caller gets one at once. Nothing, when another has taken it already."""
    with transaction(engine) as connection:
        connection.execute(_mine(turn).values(expires=clock(connection)))


def left_undone(engine: Engine, scope: str, *, clock: Clock = database_clock) -> list[Undone]:
    """The keys of a scope that nobody finished and nobody is at, oldest first; those without content are passed over."""
    with transaction(engine) as connection:
        free = (ONCE.c.scope == scope) & ONCE.c.done.is_(None) & (ONCE.c.expires <= clock(connection))
        rows = connection.execute(select(ONCE).where(free, ONCE.c.content != "").order_by(ONCE.c.seen)).all()
    return [Undone(row.key, row.content, row.seen) for row in rows]


def forget(engine: Engine, scope: str, older_than: timedelta, *, clock: Clock = database_clock) -> int:
    """How many keys of a scope were removed, those seen longer ago than this; they could then happen once more.

    Raises:
        ValueError: `older_than` is under fifteen minutes, in which a signed message could still be replayed.
    """
    if older_than < SHORTEST_MEMORY:
        raise ValueError(f"a message could be replayed: keep ids for at least {SHORTEST_MEMORY}")
    with transaction(engine) as connection:
        old = (ONCE.c.scope == scope) & (ONCE.c.seen < clock(connection) - older_than)
        return connection.execute(delete(ONCE).where(old)).rowcount


def _at(scope: str, key: str) -> ColumnElement[bool]:
    return (ONCE.c.scope == scope) & (ONCE.c.key == key)


def _enter(connection: Connection, scope: str, key: str, now: datetime, content: str = "", **more: Any) -> None:
    """The key's row, where there is none yet."""
    fresh = {"scope": scope, "key": key, "token": 0, "holder": "", "seen": now, "expires": now, "content": content}
    insert_once(connection, ONCE, {**fresh, **more})


def _give(connection: Connection, row: Row[Any], holder: str, expires: datetime) -> Turn:
    """The next turn of a row that the transaction has locked."""
    turn = Turn(row.scope, row.key, holder or str(uuid.uuid4()), row.token + 1, expires, row.content or "")
    given = {"token": turn.token, "holder": turn.holder, "expires": turn.expires}
    connection.execute(update(ONCE).where(_at(row.scope, row.key)).values(**given))
    return turn


def _overtaken(turn: Turn) -> StaleClaim:
    return StaleClaim(f"{turn.holder} no longer has the turn of {turn.scope} {turn.key}: another has taken it.")


def _mine(turn: Turn):  # type: ignore[no-untyped-def]  # SQLAlchemy's generic Update
    return update(ONCE).where(_at(turn.scope, turn.key), ONCE.c.token == turn.token, ONCE.c.done.is_(None))
