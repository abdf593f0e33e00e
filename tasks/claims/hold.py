"""A claim or a turn held for as long as a block of work takes: a thread sends the heartbeats, the end gives it back."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

from sqlalchemy import Engine

from datasets.errors import GauntletError, ServiceDown, StaleClaim
from tasks.claims.claim import Claim, Refusal, check, claim, heartbeat, release
from tasks.claims.once import Turn, abandon, prolong

_LOG = logging.getLogger("gauntlet")


class Hold:
    """A claim under heartbeat. `check()` before every act that others see; `lost` says that it is too late."""

    def __init__(self, engine: Engine, given: Claim) -> None:
        self.claim = given
        self._engine = engine
        self._over = threading.Event()
        self._lost = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"heartbeat {given.subject}", daemon=True)

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

    def start(self) -> None:
        """Begin to send heartbeats, four in the time to live."""
        self._thread.start()

    def stop(self) -> None:
        """Send no more."""
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._over.wait(self.claim.ttl.total_seconds() / 4):
            try:
                self.claim = heartbeat(self._engine, self.claim)
            except StaleClaim as error:
                _LOG.warning("%s", error)
                self._lost.set()
                return
            except ServiceDown as error:  # it may be back before the claim expires
                _LOG.warning("%s", error)


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
    hold.start()
    try:
        yield hold
    except BaseException:
        hold.stop()
        with suppress(
            GauntletError
        ):  # lost or out of reach: it expires by itself, and the error under way is the one to tell
            release(engine, hold.claim, finished=False)
        raise
    hold.stop()
    release(engine, hold.claim, finished=True)


@contextmanager
def in_turn(engine: Engine, turn: Turn, ttl: timedelta) -> Iterator[None]:
    """The turn is kept while the block works, given up when an error leaves it, and still to be finished at its end.

    A process that is killed keeps the next one waiting for `ttl`, however long the work takes.
    """
    over = threading.Event()

    def beat() -> None:
        while not over.wait(ttl.total_seconds() / 4):
            try:
                prolong(engine, turn, ttl)
            except StaleClaim as error:
                _LOG.warning("%s", error)
                return
            except ServiceDown as error:  # it may be back before the turn expires
                _LOG.warning("%s", error)

    thread = threading.Thread(target=beat, name=f"turn {turn.scope} {turn.key}", daemon=True)
    thread.start()
    try:
        yield
    except BaseException:
        over.set()
        thread.join()
        with suppress(GauntletError):  # out of reach: it expires by itself, and the error under way is the one to tell
            abandon(engine, turn)
        raise
    over.set()
    thread.join()
