"""Once per key, whoever dies on the way; and ids that are remembered for as long as they matter."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from gauntlet.datasets.errors import StaleClaim
from gauntlet.tasks import claims
from gauntlet.tasks.claims import (
    Busy,
    Done,
    Line,
    Turn,
    Undone,
    abandon,
    begin,
    finish,
    forget,
    history,
    in_turn,
    left_undone,
    open_database,
    prolong,
)
from gauntlet.tasks.claims.tables import ONCE

MINUTE = timedelta(minutes=1)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_the_second_is_told_what_the_first_made(engine: Engine, url: str, watch: Any) -> None:
    """Also by another process after a restart; the same key in another scope is another matter."""
    turn = begin(engine, "register", "key", MINUTE, holder="run-1", clock=watch)
    assert turn == Turn("register", "key", "run-1", 1, NOON + MINUTE)
    assert begin(engine, "register", "key", MINUTE, clock=watch) == Busy("run-1", NOON + MINUTE)
    finish(engine, turn, "version 3", clock=watch)
    watch.turn(days=400)
    restarted = open_database(url)
    assert begin(restarted, "register", "key", MINUTE, clock=watch) == Done("version 3", NOON)
    restarted.dispose()
    assert isinstance(begin(engine, "webhook", "key", MINUTE, clock=watch), Turn)


def test_the_turn_of_the_dead_passes_on(engine: Engine, watch: Any) -> None:
    """At its expiry; the first, back again, cannot overwrite what the second made."""
    first = begin(engine, "register", "key", MINUTE, clock=watch)
    watch.turn(minutes=1)
    second = begin(engine, "register", "key", MINUTE, clock=watch)
    assert second.token == 2
    with pytest.raises(StaleClaim, match="another has taken it"):
        finish(engine, first, "version 3", clock=watch)
    finish(engine, second, "version 4", clock=watch)
    with pytest.raises(StaleClaim):
        finish(engine, second, "version 5", clock=watch)
    assert begin(engine, "register", "key", MINUTE, clock=watch) == Done("version 4", NOON + MINUTE)


def test_a_late_end_counts_while_nobody_took_over(engine: Engine, watch: Any) -> None:
    """The work is done; to do it again would be the harm."""
    turn = begin(engine, "register", "key", MINUTE, clock=watch)
    watch.turn(minutes=5)
    finish(engine, turn, "version 3", clock=watch)
    assert begin(engine, "register", "key", MINUTE, clock=watch) == Done("version 3", NOON + 5 * MINUTE)


def test_an_abandoned_turn_is_free_at_once(engine: Engine, watch: Any) -> None:
    """And abandoning what another has, or what is done, changes nothing."""
    first = begin(engine, "webhook", "msg_1", MINUTE, clock=watch)
    abandon(engine, first, clock=watch)
    second = begin(engine, "webhook", "msg_1", MINUTE, clock=watch)
    assert isinstance(second, Turn)
    abandon(engine, first, clock=watch)
    assert isinstance(begin(engine, "webhook", "msg_1", MINUTE, clock=watch), Busy)
    finish(engine, second, "run", clock=watch)
    abandon(engine, second, clock=watch)
    assert isinstance(begin(engine, "webhook", "msg_1", MINUTE, clock=watch), Done)


def test_ids_are_forgotten_when_they_no_longer_matter(engine: Engine, watch: Any) -> None:
    """By scope and age; never while a signature could still be valid."""
    for hour, key in enumerate(("old", "older than a day by nothing", "young")):
        watch.now = NOON + timedelta(hours=hour)
        finish(engine, begin(engine, "webhook", key, MINUTE, clock=watch), "run", clock=watch)
        finish(engine, begin(engine, "register", key, MINUTE, clock=watch), "version", clock=watch)
    watch.now = NOON + timedelta(hours=25)
    assert forget(engine, "webhook", timedelta(days=1), clock=watch) == 1
    assert isinstance(begin(engine, "webhook", "old", MINUTE, clock=watch), Turn)
    assert isinstance(begin(engine, "webhook", "older than a day by nothing", MINUTE, clock=watch), Done)
    assert isinstance(begin(engine, "register", "old", MINUTE, clock=watch), Done)
    with pytest.raises(ValueError, match="replayed"):
        forget(engine, "webhook", timedelta(minutes=9))


def test_a_turn_is_prolonged_by_who_has_it(engine: Engine, watch: Any) -> None:
    """From now on, not from its expiry; not once another has taken it."""
    turn = begin(engine, "register", "key", MINUTE, holder="run-1", clock=watch)
    watch.turn(seconds=50)
    prolong(engine, turn, MINUTE, clock=watch)
    watch.turn(seconds=59)
    assert begin(engine, "register", "key", MINUTE, clock=watch) == Busy("run-1", NOON + timedelta(seconds=110))
    watch.turn(seconds=1)
    assert isinstance(begin(engine, "register", "key", MINUTE, clock=watch), Turn)
    with pytest.raises(StaleClaim, match="another has taken it"):
        prolong(engine, turn, MINUTE, clock=watch)


@pytest.mark.slow
def test_a_turn_is_kept_while_its_block_works(engine: Engine) -> None:
    """For longer than its time to live; an error in the block gives it up at once."""
    life = timedelta(seconds=1)
    turn = begin(engine, "register", "key", life)
    with in_turn(engine, turn, life):
        time.sleep(2)
        assert isinstance(begin(engine, "register", "key", life), Busy)
    finish(engine, turn, "version 3")
    other = begin(engine, "register", "other", MINUTE)
    with pytest.raises(RuntimeError), in_turn(engine, other, MINUTE):
        raise RuntimeError
    assert isinstance(begin(engine, "register", "other", MINUTE), Turn)


def test_a_turn_from_a_clock_that_was_ahead_passes_on(engine: Engine, watch: Any) -> None:
    """The dead one's after the time to live; the living prolong theirs."""
    watch.turn(days=365)
    claims.begin(engine, "score", "a", MINUTE, clock=watch)
    alive = claims.begin(engine, "score", "b", MINUTE, clock=watch)
    assert isinstance(alive, claims.Turn)
    watch.turn(days=-365)
    for key in ("a", "b"):
        assert isinstance(claims.begin(engine, "score", key, MINUTE, clock=watch), claims.Busy)
    watch.turn(seconds=30)
    claims.prolong(engine, alive, MINUTE, clock=watch)
    watch.turn(seconds=30)
    assert isinstance(claims.begin(engine, "score", "a", MINUTE, clock=watch), claims.Turn)
    assert isinstance(claims.begin(engine, "score", "b", MINUTE, clock=watch), claims.Busy)


def test_what_was_heard_of_first_stays(engine: Engine, watch: Any) -> None:
    """The moment of the first call, told to every later one."""
    first = claims.first_seen(engine, "order", "a", clock=watch)
    watch.turn(minutes=5)
    assert claims.first_seen(engine, "order", "a", clock=watch) == first
    assert claims.first_seen(engine, "order", "b", clock=watch) > first


def test_a_key_stands_for_what_it_was_first_used_for(engine: Engine, watch: Any) -> None:
    """Whoever comes later with something else is told what it was: while it is under way, abandoned and done."""
    first = begin(engine, "webhook", "msg_1", MINUTE, content="bearing 1", clock=watch)
    assert isinstance(first, Turn)
    again = begin(engine, "webhook", "msg_1", MINUTE, content="bearing 2", clock=watch)
    abandon(engine, first, clock=watch)
    taken = begin(engine, "webhook", "msg_1", MINUTE, content="bearing 2", clock=watch)
    assert isinstance(taken, Turn)
    finish(engine, taken, "run", clock=watch)
    done = begin(engine, "webhook", "msg_1", MINUTE, content="bearing 2", clock=watch)
    assert [one.content for one in (first, again, taken, done)] == ["bearing 1"] * 4


def test_what_nobody_finished_is_there_to_be_done(engine: Engine, watch: Any) -> None:
    """Of the dead once their turn is over, and of who gave up; not of the living, nor what is done or says nothing."""
    begin(engine, "alert", "dead", MINUTE, content="the bearing", clock=watch)
    begin(engine, "alert", "says nothing", MINUTE, clock=watch)
    watch.turn(seconds=1)
    for key, end in (("given up", abandon), ("done", lambda *a, **k: finish(*a, "sent", **k))):
        turn = begin(engine, "alert", key, MINUTE, content=key, clock=watch)
        assert isinstance(turn, Turn)
        end(engine, turn, clock=watch)
    assert [one.key for one in left_undone(engine, "alert", clock=watch)] == ["given up"]
    watch.turn(minutes=1)
    begin(engine, "alert", "alive", MINUTE, content="alive", clock=watch)
    given_up = Undone("given up", "given up", NOON + timedelta(seconds=1))
    assert left_undone(engine, "alert", clock=watch) == [Undone("dead", "the bearing", NOON), given_up]
    assert left_undone(engine, "other", clock=watch) == []


def test_the_end_and_its_line_in_the_log_stand_together(engine: Engine, watch: Any) -> None:
    """One line for one end; none from who lost the turn."""
    line = Line("webhook.accepted", "ai4i", "msg_1", {"flow_run_id": "run"})
    first = begin(engine, "webhook", "msg_1", MINUTE, clock=watch)
    watch.turn(minutes=1)
    second = begin(engine, "webhook", "msg_1", MINUTE, clock=watch)
    assert isinstance(first, Turn)
    assert isinstance(second, Turn)
    with pytest.raises(StaleClaim):
        finish(engine, first, "run", line=line, clock=watch)
    assert history(engine) == []
    finish(engine, second, "run", line=line, clock=watch)
    assert [(one.event, one.subject, one.holder) for one in history(engine)] == [("webhook.accepted", "ai4i", "msg_1")]


def test_a_database_of_an_older_version_gets_the_new_column(engine: Engine, url: str) -> None:
    """Its rows keep what they say, and stand for nothing in particular."""
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE gauntlet_once DROP COLUMN content"))
        old = {
            "scope": "webhook",
            "key": "msg_1",
            "token": 1,
            "holder": "",
            "outcome": "run",
            "seen": NOON,
            "done": NOON,
        }
        columns = [column for column in ONCE.columns if column.name != "content"]
        connection.execute(ONCE.insert().values({c.name: old.get(c.name, NOON) for c in columns}))
    for _ in range(2):
        reopened = open_database(url)
        assert begin(reopened, "webhook", "msg_1", MINUTE, content="bearing 1") == Done("run", NOON, "")
        reopened.dispose()
