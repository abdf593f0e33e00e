"""One holder at a time, for as long as it lives; why not is said and kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from gauntlet.datasets.errors import StaleClaim
from gauntlet.tasks import claims
from gauntlet.tasks.claims import Claim, Lapsed, Refusal
from gauntlet.tasks.claims.log import write

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_free_subject_is_given_and_a_held_one_refused(engine: Engine, watch: Any) -> None:
    """The refusal names who holds it and until when, and stands in the log."""
    given = claims.claim(engine, "retrain:ai4i", "run-1", MINUTE, clock=watch)
    assert given == Claim("retrain:ai4i", "run-1", 1, NOON, NOON + MINUTE, MINUTE)
    refused = claims.claim(engine, "retrain:ai4i", "run-2", MINUTE, clock=watch)
    assert refused == Refusal("retrain:ai4i", "held", "run-1", NOON + MINUTE)
    assert not refused
    assert str(refused) == "retrain:ai4i is held by run-1 until 2026-03-01 12:01:00 UTC"
    assert claims.claim(engine, "retrain:nasa", "run-2", MINUTE, clock=watch)
    (entry,) = claims.history(engine, event="claim.refused")
    assert (entry.moment, entry.subject, entry.holder) == (NOON, "retrain:ai4i", "run-2")
    assert entry.detail["reason"] == "held"
    assert entry.detail["said"] == str(refused)


def test_a_heartbeat_keeps_it_and_the_deadline_ends_it(engine: Engine, watch: Any) -> None:
    """Each adds the time to live, none goes past `longest`: work that hangs ends."""
    held = claims.claim(engine, "a:b", "run-1", MINUTE, longest=2.5 * MINUTE, clock=watch)
    for later, expected in ((30, 1.5), (45, 2.25), (45, 2.5)):
        watch.turn(seconds=later)
        held = claims.heartbeat(engine, held, clock=watch)
        assert held.expires == NOON + expected * MINUTE
    watch.turn(minutes=1)
    with pytest.raises(StaleClaim, match=r"expired at 12:02:30"):
        claims.heartbeat(engine, held, clock=watch)


def test_what_expired_is_reaped_and_the_next_token_is_larger(engine: Engine, watch: Any) -> None:
    """Not a moment before; once, not twice; and the dead holder, back again, may do nothing."""
    dead = claims.claim(engine, "a:b", "run-1", MINUTE, clock=watch)
    watch.turn(seconds=59.999)
    assert claims.reap(engine, clock=watch) == []
    assert claims.holders(engine, clock=watch) == [dead]
    watch.turn(seconds=0.001)
    assert claims.reap(engine, clock=watch) == [Lapsed("a:b", "run-1", 1, NOON + MINUTE)]
    assert claims.reap(engine, clock=watch) == []
    assert claims.holders(engine, clock=watch) == []
    following = claims.claim(engine, "a:b", "run-2", MINUTE, clock=watch)
    assert following.token == 2
    for act in (claims.check, claims.heartbeat, lambda *a, **k: claims.release(*a, finished=True, **k)):
        with pytest.raises(StaleClaim, match="token 1 is void; run-2 has it now"):
            act(engine, dead, clock=watch)
    claims.check(engine, following, clock=watch)
    assert [entry.event for entry in claims.history(engine)] == ["claim.given", "claim.expired", "claim.given"]


def test_what_expired_can_be_claimed_unreaped(engine: Engine, watch: Any) -> None:
    """Nobody waits for the reaper; that the holder died is in the log all the same."""
    claims.claim(engine, "a:b", "run-1", MINUTE, clock=watch)
    watch.turn(minutes=1)
    assert claims.claim(engine, "a:b", "run-2", MINUTE, clock=watch).token == 2
    assert claims.reap(engine, clock=watch) == []
    (lapse,) = claims.history(engine, event="claim.expired")
    assert (lapse.holder, lapse.detail["token"]) == ("run-1", 1)


def test_a_slow_holder_whom_nobody_replaced_goes_on(engine: Engine, watch: Any) -> None:
    """It missed its heartbeats, and nobody asked for the subject: work is not thrown away for that; the log says so."""
    held = claims.claim(engine, "a:b", "run-1", MINUTE, clock=watch)
    watch.turn(minutes=5)
    claims.check(engine, held, clock=watch)
    assert not claims.claim(engine, "a:b", "run-2", MINUTE, clock=watch)
    assert claims.holders(engine, clock=watch)[0].expires == watch.now + MINUTE
    watch.turn(minutes=5)
    claims.release(engine, held, finished=True, clock=watch)
    assert [entry.event for entry in claims.history(engine)] == [
        "claim.given",
        "claim.revived",
        "claim.refused",
        "claim.revived",
        "claim.released",
    ]


def test_a_slow_holder_that_must_be_alone_gives_way(engine: Engine, watch: Any) -> None:
    """Another subject of its kind was given when it had expired; once that is over it may go on."""
    slow = claims.claim(engine, "retrain:ai4i", "run-1", MINUTE, alone=True, clock=watch)
    watch.turn(minutes=1)
    rival = claims.claim(engine, "retrain:nasa", "run-2", MINUTE, alone=True, clock=watch)
    with pytest.raises(StaleClaim, match="run-2 has retrain:nasa"):
        claims.check(engine, slow, clock=watch)
    claims.release(engine, rival, finished=True, clock=watch)
    claims.check(engine, slow, clock=watch)


def test_the_cooldown_follows_finished_work_only(engine: Engine, watch: Any) -> None:
    """24 hours after the end, to the moment; none after a failure or a death."""
    day = {"cooldown": DAY, "clock": watch}
    held = claims.claim(engine, "a:b", "run-1", MINUTE, **day)
    claims.release(engine, held, finished=False, clock=watch)
    held = claims.claim(engine, "a:b", "run-2", MINUTE, **day)
    watch.turn(minutes=2)
    claims.reap(engine, clock=watch)
    held = claims.claim(engine, "a:b", "run-3", MINUTE, **day)
    watch.turn(seconds=30)
    claims.release(engine, held, finished=True, clock=watch)
    over = watch.now + DAY
    refused = claims.claim(engine, "a:b", "run-4", MINUTE, **day)
    assert refused == Refusal("a:b", "cooldown", "run-3", over)
    watch.now = over - timedelta(microseconds=1)
    assert not claims.claim(engine, "a:b", "run-5", MINUTE, **day)
    watch.now = over
    assert claims.claim(engine, "a:b", "run-6", MINUTE, **day).token == 4


def test_one_at_a_time(engine: Engine, watch: Any) -> None:
    """While any subject of the kind is held; other kinds, and names that only begin alike, do not count."""
    first = claims.claim(engine, "retrain:ai4i", "run-1", MINUTE, alone=True, clock=watch)
    refused = claims.claim(engine, "retrain:nasa", "run-2", MINUTE, alone=True, clock=watch)
    assert refused.reason == "busy"
    assert "retrain:ai4i is held by run-1" in str(refused)
    assert claims.claim(engine, "retrainer:x", "run-3", MINUTE, alone=True, clock=watch)
    claims.release(engine, first, finished=True, clock=watch)
    assert claims.claim(engine, "retrain:nasa", "run-2", MINUTE, alone=True, clock=watch)


def test_a_restarted_holder_takes_over_from_itself(engine: Engine, watch: Any) -> None:
    """A flow run that is started again need not wait; what is left of its first process is stale."""
    before = claims.claim(engine, "a:b", "run-1", MINUTE, clock=watch)
    after = claims.claim(engine, "a:b", "run-1", MINUTE, clock=watch)
    assert after.token == before.token + 1
    with pytest.raises(StaleClaim):
        claims.check(engine, before, clock=watch)


def test_a_fenced_act_is_whole_or_not_at_all(engine: Engine, watch: Any) -> None:
    """What is written under the fence goes when the act fails, and a stale holder does not even begin."""
    held = claims.claim(engine, "a:b", "run-1", MINUTE, clock=watch)

    def fail() -> None:
        with claims.fenced(engine, held, clock=watch) as connection:
            write(connection, watch.now, "promoted", "a:b", "run-1", {})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert claims.history(engine, event="promoted") == []
    with claims.fenced(engine, held, clock=watch) as connection:
        write(connection, watch.now, "promoted", "a:b", "run-1", {"version": 3})
    watch.turn(minutes=1)
    claims.reap(engine, clock=watch)
    begun = []
    with pytest.raises(StaleClaim), claims.fenced(engine, held, clock=watch):
        begun.append(1)
    assert not begun
    assert [entry.detail for entry in claims.history(engine, event="promoted")] == [{"version": 3}]


def test_the_log_is_read_on_from_where_one_stopped(engine: Engine, watch: Any) -> None:
    """Ids grow; a policy's own refusal stands among the others."""
    claims.append(engine, "drift", "ai4i", detail={"share": 0.5}, clock=watch)
    (first,) = claims.history(engine)
    claims.refuse(engine, "retrain:ai4i", "run-1", "disabled", "the policy is switched off", clock=watch)
    (second,) = claims.history(engine, after=first.id)
    assert second.detail == {"reason": "disabled", "said": "the policy is switched off"}
    assert claims.history(engine, subject="ai4i") == [first]


def test_a_claim_from_a_clock_that_was_ahead_lapses(engine: Engine, watch: Any) -> None:
    """Of the dead after the time to live, as any; a living holder keeps it, and its deadline moves with the clock."""
    watch.turn(days=365)
    claims.claim(engine, "a:dead", "run-1", MINUTE, clock=watch)
    alive = claims.claim(engine, "a:alive", "run-2", MINUTE, longest=3 * MINUTE, clock=watch)
    watch.turn(days=-365)
    refused = claims.claim(engine, "a:dead", "run-3", MINUTE, clock=watch)
    assert refused == Refusal("a:dead", "held", "run-1", NOON + MINUTE)
    assert claims.heartbeat(engine, alive, clock=watch).expires == NOON + MINUTE
    watch.turn(minutes=1)
    assert claims.claim(engine, "a:dead", "run-3", MINUTE, clock=watch).token == 2
    assert {one.subject for one in claims.reap(engine, clock=watch)} == {"a:alive"}


def test_who_died_while_the_clock_was_ahead_keeps_no_other_out(engine: Engine, watch: Any) -> None:
    """One at a time: a rival of a year ahead counts for a minute; a reaper alone frees it, too."""
    watch.turn(days=365)
    claims.claim(engine, "a:dead", "run-1", MINUTE, clock=watch)
    watch.turn(days=-365)
    assert claims.claim(engine, "a:b", "run-2", MINUTE, alone=True, clock=watch).reason == "busy"
    watch.turn(minutes=1)
    assert claims.claim(engine, "a:b", "run-2", MINUTE, alone=True, clock=watch).token == 1
    watch.turn(days=365)
    claims.claim(engine, "c:dead", "run-3", MINUTE, clock=watch)
    watch.turn(days=-365)
    claims.reap(engine, clock=watch)
    watch.turn(minutes=1)
    assert "c:dead" in {one.subject for one in claims.reap(engine, clock=watch)}


def test_a_cooldown_from_a_clock_that_was_ahead_is_over(engine: Engine, watch: Any) -> None:
    """A few minutes ahead are an ordinary difference of clocks, and rest on."""
    for ahead, expected in ((timedelta(days=365), True), (timedelta(minutes=5), False)):
        subject = f"a:{ahead}"
        watch.turn(seconds=ahead.total_seconds())
        held = claims.claim(engine, subject, "run-1", MINUTE, clock=watch)
        claims.release(engine, held, finished=True, clock=watch)
        watch.turn(seconds=-ahead.total_seconds())
        assert bool(claims.claim(engine, subject, "run-2", MINUTE, cooldown=DAY, clock=watch)) is expected
