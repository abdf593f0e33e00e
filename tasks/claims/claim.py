"""Take a subject, keep it, prove that it is still held, give it back; free what the dead left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Engine, Row, select, update

from gauntlet.datasets.errors import StaleClaim
from gauntlet.tasks.claims.database import AHEAD, Clock, database_clock, insert_once, transaction
from gauntlet.tasks.claims.log import write
from gauntlet.tasks.claims.tables import CLAIMS, LOG

Reason = Literal["held", "busy", "cooldown"]


@dataclass(frozen=True)
class Claim:
    """The right to work on a subject until `expires`, and from then on until another asks for it or it is reaped.

    Of two claims of a subject the larger token is the valid one. `alone`: given while no other of its kind was held.
    """

    subject: str
    holder: str
    token: int
    acquired: datetime
    expires: datetime
    ttl: timedelta
    alone: bool = False


@dataclass(frozen=True)
class Refusal:
    """Why a claim was not given; false in a condition. `holder` and `until`: who stands in the way, and how long at most.

    held: somebody has the subject. busy: somebody has another subject of its kind. cooldown: it was worked on lately.
    """

    subject: str
    reason: Reason
    holder: str
    until: datetime

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        until = f"{self.until:%Y-%m-%d %H:%M:%S} UTC"
        return {
            "held": f"{self.subject} is held by {self.holder} until {until}",
            "busy": f"{self.subject} waits: {self.holder} until {until}, one at a time",
            "cooldown": f"{self.subject} rests until {until}; last worked on by {self.holder}",
        }[self.reason]


@dataclass(frozen=True)
class Lapsed:
    """A claim that expired in its holder's hands."""

    subject: str
    holder: str
    token: int
    expires: datetime


def claim(
    engine: Engine,
    subject: str,
    holder: str,
    ttl: timedelta,
    *,
    cooldown: timedelta = timedelta(0),
    alone: bool = False,
    longest: timedelta | None = None,
    clock: Clock = database_clock,
) -> Claim | Refusal:
    """The subject for `ttl`, or why not; a refusal is in the log before it is returned.

    Args:
        engine: The claims database.
        subject: What is claimed, as "kind:name": "retrain:ai4i".
        holder: Who claims; one name per attempt, such as the flow run's id. A holder that asks again (it was restarted)
            takes its claim over with a larger token; its former self is then stale.
        ttl: How long the claim lasts without a heartbeat.
        cooldown: Refuse when work on the subject was finished less than this ago.
        alone: Refuse while any subject of the same kind is held: one at a time, when every claimant of the kind says so.
        longest: No heartbeat extends the claim past this, so that work which hangs ends.
        clock: What time it is; the database's.
    """
    with transaction(engine) as connection:
        if alone:
            _locked(connection, _kind(subject) + ":")  # nobody's: one row to queue at
        _locked(connection, subject)
        now = clock(connection)
        _set_back(connection, _of_kind(subject) if alone else CLAIMS.c.subject == subject, now)
        row = _row(connection, subject)
        refusal = _obstacle(connection, row, holder, cooldown, alone, now)
        if refusal is not None:
            detail = {"reason": refusal.reason, "holder": refusal.holder, "until": refusal.until, "said": str(refusal)}
            write(connection, now, "claim.refused", subject, holder, detail)
            return refusal
        if row.holder is not None and row.holder != holder:
            _note_lapse(connection, row, now)
        deadline = None if longest is None else now + longest
        given = Claim(subject, holder, row.token + 1, now, _expiry(now, ttl, deadline), ttl, alone)
        _store(
            connection,
            subject,
            token=given.token,
            holder=holder,
            acquired=now,
            heartbeat=now,
            expires=given.expires,
            deadline=deadline,
        )
        write(connection, now, "claim.given", subject, holder, {"token": given.token, "expires": given.expires})
        return given


def heartbeat(engine: Engine, held: Claim, *, clock: Clock = database_clock) -> Claim:
    """The claim with another `ttl` to go, at most to its deadline.

    Raises:
        StaleClaim: another has the subject by now, it was reaped, or its deadline has passed.
    """
    with transaction(engine) as connection:
        row, now = _valid(connection, held, clock)
        expires = _expiry(now, held.ttl, row.deadline)
        _store(connection, held.subject, heartbeat=now, expires=expires)
    return replace(held, expires=expires)


def check(engine: Engine, held: Claim, *, clock: Clock = database_clock) -> None:
    """Nothing, when the holder may still act.

    Raises:
        StaleClaim: it may not.
    """
    with fenced(engine, held, clock=clock):
        pass


@contextmanager
def fenced(engine: Engine, held: Claim, *, clock: Clock = database_clock) -> Iterator[Connection]:
    """A transaction in which the claim is valid and stays so: nobody can take the subject before its end.

    For short acts, such as moving an alias: on SQLite every other claim waits meanwhile, and PostgreSQL ends it after
    two idle minutes.

    Raises:
        StaleClaim: the holder may not act.
    """
    with transaction(engine) as connection:
        _valid(connection, held, clock)
        yield connection


def release(engine: Engine, held: Claim, *, finished: bool, clock: Clock = database_clock) -> None:
    """Give the subject back. `finished`: the work was brought to its end, and the cooldown begins; a failure may be
    tried again at once.

    Raises:
        StaleClaim: it was lost before, so that nothing of the work may count.
    """
    with transaction(engine) as connection:
        _, now = _valid(connection, held, clock)
        _store(
            connection,
            held.subject,
            holder=None,
            expires=None,
            deadline=None,
            **({"finished": now} if finished else {}),
        )
        write(connection, now, "claim.released", held.subject, held.holder, {"token": held.token, "finished": finished})


def refuse(engine: Engine, subject: str, holder: str, reason: str, said: str, *, clock: Clock = database_clock) -> None:
    """Record a refusal that is the caller's own, such as a policy that is switched off."""
    with transaction(engine) as connection:
        write(connection, clock(connection), "claim.refused", subject, holder, {"reason": reason, "said": said})


def reap(engine: Engine, *, clock: Clock = database_clock) -> list[Lapsed]:
    """Free every claim that expired; each is in the log. Safe to run at any time and twice at once."""
    lapsed = []
    with transaction(engine) as connection:
        now = clock(connection)
        _set_back(connection, CLAIMS.c.subject != "", now)
        dead = select(CLAIMS).where(CLAIMS.c.holder.is_not(None), CLAIMS.c.expires <= now).order_by(CLAIMS.c.subject)
        for row in connection.execute(dead.with_for_update(skip_locked=True)).all():
            _note_lapse(connection, row, now)
            _store(connection, row.subject, holder=None, expires=None, deadline=None)
            lapsed.append(Lapsed(row.subject, row.holder, row.token, row.expires))
    return lapsed


def holders(engine: Engine, *, clock: Clock = database_clock) -> list[Claim]:
    """Every claim that is valid now, by subject."""
    with transaction(engine) as connection:
        valid = CLAIMS.c.holder.is_not(None) & (CLAIMS.c.expires > clock(connection))
        rows = connection.execute(select(CLAIMS).where(valid).order_by(CLAIMS.c.subject)).all()
    return [Claim(r.subject, r.holder, r.token, r.acquired, r.expires, r.expires - r.heartbeat) for r in rows]


def _kind(subject: str) -> str:
    return subject.partition(":")[0]


def _expiry(now: datetime, ttl: timedelta, deadline: datetime | None) -> datetime:
    return now + ttl if deadline is None else min(now + ttl, deadline)


def _of_kind(subject: str) -> ColumnElement[bool]:
    return CLAIMS.c.subject.startswith(_kind(subject) + ":", autoescape=True)


def _locked(connection: Connection, subject: str) -> None:
    """Make the subject's row where there is none, and lock it until the transaction ends."""
    insert_once(connection, CLAIMS, {"subject": subject, "token": 0})
    _row(connection, subject)


def _row(connection: Connection, subject: str) -> Row[Any]:
    return connection.execute(select(CLAIMS).where(CLAIMS.c.subject == subject).with_for_update()).one()


def _set_back(connection: Connection, which: ColumnElement[bool], now: datetime) -> None:
    """Claims whose last heartbeat lies ahead, as the clock did then: they count from now on.

    Whoever lives sends the next one in time, and what the dead left lapses as soon as it would have.
    """
    ahead = select(CLAIMS).where(which, CLAIMS.c.holder.is_not(None), CLAIMS.c.heartbeat > now)
    for row in connection.execute(ahead.order_by(CLAIMS.c.subject).with_for_update(skip_locked=True)).all():
        by = row.heartbeat - now
        moments = {name: getattr(row, name) for name in ("acquired", "heartbeat", "expires", "deadline")}
        _store(connection, row.subject, **{name: at - by for name, at in moments.items() if at is not None})
        write(connection, now, "claim.set_back", row.subject, row.holder, {"token": row.token, "by": by})


def _obstacle(
    connection: Connection, row: Row[Any], holder: str, cooldown: timedelta, alone: bool, now: datetime
) -> Refusal | None:
    if row.holder is not None and row.expires > now and row.holder != holder:
        return Refusal(row.subject, "held", row.holder, row.expires)
    # Of a moment ahead nobody knows when it was: the clock was wrong then, and the rest is over.
    if row.finished is not None and row.finished - AHEAD <= now < row.finished + cooldown:
        return Refusal(row.subject, "cooldown", _last_holder(connection, row.subject), row.finished + cooldown)
    rival = _rival(connection, row.subject, now) if alone else None
    if rival is not None:
        return Refusal(row.subject, "busy", f"{rival.subject} is held by {rival.holder}", rival.expires)
    return None


def _rival(connection: Connection, subject: str, now: datetime) -> Row[Any] | None:
    """Another subject of the kind that is held."""
    others = _of_kind(subject) & (CLAIMS.c.subject != subject)
    live = others & CLAIMS.c.holder.is_not(None) & (CLAIMS.c.expires > now)
    return connection.execute(select(CLAIMS).where(live).order_by(CLAIMS.c.expires.desc()).limit(1)).first()


def _last_holder(connection: Connection, subject: str) -> str:
    told = (
        select(LOG.c.holder).where(LOG.c.subject == subject, LOG.c.event == "claim.released").order_by(LOG.c.id.desc())
    )
    return connection.execute(told.limit(1)).scalar() or "nobody known"


def _valid(connection: Connection, held: Claim, clock: Clock) -> tuple[Row[Any], datetime]:
    mine = CLAIMS.c.subject == held.subject
    if held.alone:
        _locked(connection, _kind(held.subject) + ":")  # as `claim` does: the queue's row first, then the subject's
    connection.execute(select(CLAIMS).where(mine).with_for_update()).first()
    now = clock(connection)
    _set_back(connection, mine, now)
    row = connection.execute(select(CLAIMS).where(mine)).first()
    if row is None or row.token != held.token or row.holder != held.holder:
        by = f"; {row.holder} has it now" if row is not None and row.holder else ""
        raise StaleClaim(f"{held.holder} no longer holds {held.subject}: token {held.token} is void{by}.")
    if row.expires <= now:
        _revive(connection, row, held, now)
    return row, now


def _revive(connection: Connection, row: Row[Any], held: Claim, now: datetime) -> None:
    """Nobody asked for the subject since the claim expired: its holder was slow, and goes on."""
    if row.deadline is not None and row.deadline <= now:
        raise StaleClaim(f"{held.holder} no longer holds {held.subject}: it expired at {row.expires:%H:%M:%S} UTC.")
    rival = _rival(connection, held.subject, now) if held.alone else None
    if rival is not None:
        raise StaleClaim(f"{held.holder} no longer holds {held.subject}: {rival.holder} has {rival.subject}.")
    _store(connection, held.subject, heartbeat=now, expires=_expiry(now, held.ttl, row.deadline))
    write(connection, now, "claim.revived", held.subject, held.holder, {"token": held.token, "expired": row.expires})


def _store(connection: Connection, subject: str, **values: Any) -> None:
    connection.execute(update(CLAIMS).where(CLAIMS.c.subject == subject).values(**values))


def _note_lapse(connection: Connection, row: Row[Any], now: datetime) -> None:
    detail = {"token": row.token, "expired": row.expires, "last_heartbeat": row.heartbeat}
    write(connection, now, "claim.expired", row.subject, row.holder, detail)
