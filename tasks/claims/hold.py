"""A claim or a turn held for as long as a block of work takes: a thread sends the heartbeats, the end gives it back."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

from sqlalchemy import Engine

from gauntlet.datasets.errors import GauntletError, ServiceDown, StaleClaim
from gauntlet.tasks.claims.claim import Claim, Refusal, check, claim, heartbeat, release
from gauntlet.tasks.claims.once import Turn, abandon, begin, prolong, still_mine

_LOG = logging.getLogger("gauntlet")
Check = Callable[
    [], None
]  # to be called before an act that others see: raises `StaleClaim` when the right to it is lost


def always() -> None:
    """The check where nobody else acts."""


class Hold:
    """A claim under heartbeat. `check()` before every act that others see; `lost` says that it is too late."""

    def __init__(self, engine: Engine, given: Claim) -> None:
        self.claim = given
        self._engine = engine
        self._lost = threading.Event()

    @property
    def lost(self) -> bool:
        """True when the claim is known to be another's."""
        return self._lost.is_set()

    def check(self) -> None:
        """Nothing, when the work may go on.

        Raises:
            StaleClaim: it may not.
        """
        check(self._engine, self.claim)

    def renew(self) -> None:
        """One heartbeat.

        Raises:
            StaleClaim: too late.
        """
        try:
            self.claim = heartbeat(self._engine, self.claim)
        except StaleClaim:
            self._lost.set()
            raise


@contextmanager
def _beating(name: str, ttl: timedelta, renew: Callable[[], None]) -> Iterator[None]:
    """`renew` is called four times in the time to live while the block works, and no more once it was too late."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(ttl.total_seconds() / 4):
            try:
                renew()
            except StaleClaim as error:
                _LOG.warning("%s", error)
                return
            except ServiceDown as error:  # it may be back before the time is over
                _LOG.warning("%s", error)

    thread = threading.Thread(target=beat, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def holding(
    engine: Engine,
    subject: str,
    holder: str,
    ttl: timedelta = timedelta(minutes=2),
    *,
    cooldown: timedelta = timedelta(0),
    alone: bool = False,
    longest: timedelta | None = None,
) -> Iterator[Hold | Refusal]:
    """A hold, or the refusal (false in a condition) of `claim`, whose arguments these are.

    A block that ends begins the cooldown; one that an error leaves does not, so that the work can be tried again.

    Raises:
        StaleClaim: at the block's end, when the claim was lost on the way.
        ServiceDown: the database is away at the beginning or at the end; the claim then expires by itself.
    """
    given = claim(engine, subject, holder, ttl, cooldown=cooldown, alone=alone, longest=longest)
    if isinstance(given, Refusal):
        yield given
        return
    hold = Hold(engine, given)
    try:
        with _beating(f"heartbeat {subject}", ttl, hold.renew):
            yield hold
    except BaseException:
        # Lost or out of reach, it expires by itself; the error under way is the one to tell.
        with suppress(GauntletError):
            release(engine, hold.claim, finished=False)
        raise
    release(engine, hold.claim, finished=True)


@contextmanager
def in_turn(engine: Engine, turn: Turn, ttl: timedelta) -> Iterator[Callable[[], None]]:
    """The turn is kept while the block works, given up when an error leaves it, and still to be finished at its end.

    The block gets a check to call before every act that others see: it raises `StaleClaim` when another has the turn.
    A process that is killed keeps the next one waiting for `ttl`, however long the work takes.
    """
    try:
        with _beating(f"turn {turn.scope} {turn.key}", ttl, lambda: prolong(engine, turn, ttl)):
            yield lambda: still_mine(engine, turn)
    except BaseException:
        with suppress(GauntletError):  # as above
            abandon(engine, turn)
        raise


@contextmanager
def one_at_a_time(
    engine: Engine, scope: str, key: str, ttl: timedelta, patience: timedelta
) -> Iterator[Callable[[], None] | None]:
    """The place that one may have at a time, for the block; None when others kept it for longer than `patience`.

    The check is that of `in_turn`.
    """
    deadline = time.monotonic() + patience.total_seconds()
    while not isinstance(turn := begin(engine, scope, key, ttl), Turn):
        if time.monotonic() > deadline:
            yield None
            return
        time.sleep(0.1)
    with in_turn(engine, turn, ttl) as check:
        yield check
    with suppress(GauntletError):  # it then expires by itself
        abandon(engine, turn)
