"""Many at once, from threads and from processes, and holders that are killed: by the databases' own clocks."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest
from sqlalchemy import Engine

from gauntlet.datasets.errors import BadInput, ServiceDown, StaleClaim
from gauntlet.deployments.stack.process import wait_until
from gauntlet.tasks import claims
from gauntlet.tasks.claims import Busy, Done, Turn
from gauntlet.tasks.claims.log import write

ROOT = Path(__file__).resolve().parents[3]
MINUTE = timedelta(minutes=1)
Answer = TypeVar("Answer")


def at_once(count: int, call: Callable[[int], Answer]) -> list[Answer]:
    """What `count` threads got that all began at the same moment."""
    gate = threading.Barrier(count)

    def one(number: int) -> Answer:
        gate.wait()
        return call(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


@pytest.mark.slow
def test_one_of_two_hundred_gets_the_claim(engine: Engine) -> None:
    """Of a subject that was held before; the others are refused, and every refusal names the winner."""
    claims.release(engine, claims.claim(engine, "a:b", "before", MINUTE), finished=True)
    answers = at_once(200, lambda i: claims.claim(engine, "a:b", f"run-{i}", MINUTE))
    (winner,) = [answer for answer in answers if answer]
    assert {answer.holder for answer in answers if not answer} == {winner.holder}
    assert winner.token == 2
    assert len(claims.history(engine, event="claim.refused")) == 199


@pytest.mark.slow
def test_one_of_two_hundred_gets_the_turn(engine: Engine) -> None:
    """Which one before gave up; and all are told the same outcome afterwards."""
    claims.abandon(engine, claims.begin(engine, "register", "key", MINUTE))

    def register(number: int) -> Turn | Busy | Done:
        turn = claims.begin(engine, "register", "key", MINUTE)
        if isinstance(turn, Turn):
            claims.finish(engine, turn, f"version {number}")
        return turn

    answers = at_once(200, register)
    assert sum(isinstance(answer, Turn) for answer in answers) == 1
    outcome = claims.begin(engine, "register", "key", MINUTE)
    assert {answer.outcome for answer in answers if isinstance(answer, Done)} <= {outcome.outcome}


@pytest.mark.slow
def test_one_subject_of_a_kind_at_a_time(engine: Engine) -> None:
    """Forty claim a subject each, with `alone`: one gets through."""
    answers = at_once(40, lambda i: claims.claim(engine, f"retrain:{i}", f"run-{i}", MINUTE, alone=True))
    assert sum(bool(answer) for answer in answers) == 1


def test_every_release_lets_one_in_and_tokens_only_grow(engine: Engine) -> None:
    """Twenty threads take turns until each had one: never two inside, twenty tokens, in order."""
    inside, tokens, most = [], [], []

    def work(number: int) -> None:
        deadline = time.monotonic() + 60
        while not (held := claims.claim(engine, "a:b", f"run-{number}", MINUTE)):
            assert time.monotonic() < deadline
            time.sleep(0.002)  # nineteen that never rest leave the one that is in no time to work
        inside.append(number)
        most.append(len(inside))
        tokens.append(held.token)
        inside.remove(number)
        claims.release(engine, held, finished=True)

    at_once(20, work)
    assert max(most) == 1
    assert tokens == list(range(1, 21))


CLAIM = """
import sys, json
from datetime import timedelta
from gauntlet.tasks.claims import claim, open_database
print("ready", flush=True)
sys.stdin.readline()
given = claim(open_database(sys.argv[1]), "a:b", sys.argv[2], timedelta(seconds=float(sys.argv[3])))
print(json.dumps([bool(given), given.holder, getattr(given, "token", None)]), flush=True)
sys.stdin.readline()
"""


def process(url: str, holder: str, ttl_s: float) -> subprocess.Popen[str]:
    """A process that claims when it is sent a line, and then lives until it is sent another or killed."""
    return subprocess.Popen(
        [sys.executable, "-c", CLAIM, url, holder, str(ttl_s)],
        cwd=ROOT, text=True, bufsize=1, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip


def tell(*running: subprocess.Popen[str]) -> list[Any]:
    """Have them all claim now; what each got."""
    for one in running:
        assert one.stdout.readline() == "ready\n"
    for one in running:
        one.stdin.write("\n")
    return [json.loads(one.stdout.readline()) for one in running]


@pytest.mark.slow
def test_one_of_many_processes_gets_the_claim_of_a_database_that_none_had_made(url: str) -> None:
    """Making the tables is part of the race."""
    with_stdin = [process(url, f"run-{i}", 60) for i in range(6)]
    answers = tell(*with_stdin)
    for one in with_stdin:
        one.communicate("\n", timeout=30)
    assert sum(given for given, _, _ in answers) == 1
    assert len({holder for _, holder, _ in answers}) == 1


@pytest.mark.slow
def test_the_killed_holders_subject_is_free_after_its_time_to_live(engine: Engine, url: str) -> None:
    """kill -9, expiry by the database's clock, reaped, and the next token is larger."""
    holder = process(url, "doomed", 2.0)
    assert tell(holder) == [[True, "doomed", 1]]
    holder.kill()
    holder.communicate()
    assert claims.claim(engine, "a:b", "next", MINUTE).holder == "doomed"
    lapsed: list[claims.Lapsed] = []
    assert wait_until(lambda: lapsed.extend(claims.reap(engine)) or lapsed, time.monotonic() + 20)
    assert [(one.holder, one.token) for one in lapsed] == [("doomed", 1)]
    assert claims.claim(engine, "a:b", "next", MINUTE).token == 2


def test_a_hold_beats_until_its_block_ends(engine: Engine) -> None:
    """It outlives its time to live several times over; the end begins the cooldown, an error does not."""
    short = timedelta(seconds=1)
    with claims.holding(engine, "a:b", "run-1", short) as hold:
        first = hold.claim.expires
        assert wait_until(lambda: hold.claim.expires > first + 1.5 * short, time.monotonic() + 20)
        hold.check()
        with claims.holding(engine, "a:b", "run-2", short) as refused:
            assert not refused
    assert not claims.claim(engine, "a:b", "run-3", short, cooldown=MINUTE)
    with pytest.raises(RuntimeError), claims.holding(engine, "c:d", "run-1", short):
        raise RuntimeError
    assert claims.claim(engine, "c:d", "run-2", short, cooldown=MINUTE)


def test_a_hold_that_was_lost_says_so(engine: Engine) -> None:
    """At its deadline, though its heart still beats; the block's end does not count."""

    def overrun() -> None:
        with claims.holding(engine, "a:b", "run-1", timedelta(seconds=0.8), longest=timedelta(seconds=0.5)) as hold:
            assert wait_until(lambda: hold.lost, time.monotonic() + 20)
            with pytest.raises(StaleClaim):
                hold.check()

    with pytest.raises(StaleClaim):
        overrun()
    assert claims.claim(engine, "a:b", "run-2", MINUTE, cooldown=MINUTE)


def test_the_clock_is_the_databases(engine: Engine) -> None:
    """In UTC; here the same machine's, within a second."""
    before = time.time()
    given = claims.claim(engine, "a:b", "run-1", MINUTE)
    assert before - 1 <= given.acquired.timestamp() <= time.time() + 1
    assert given.acquired.utcoffset() == timedelta(0)


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_server_that_came_back_is_used_again(engine: Engine, url: str) -> None:
    """Connections that died with it are replaced unnoticed; a transaction under way is undone and said to be."""
    held = claims.claim(engine, "a:b", "run-1", MINUTE)
    end_all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"

    def cut_off() -> None:
        with claims.fenced(engine, held) as connection, psycopg.connect(url, autocommit=True) as other:
            write(connection, held.acquired, "promoted", "a:b", "run-1", {})
            other.execute(end_all)
            write(connection, held.acquired, "promoted", "a:b", "run-1", {})

    with pytest.raises(ServiceDown):
        cut_off()
    assert claims.heartbeat(engine, held).expires > held.expires
    assert claims.history(engine, event="promoted") == []


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite://", "seen by nobody else"),
        ("mysql://host/claims", "cannot be kept in mysql"),
        ("claims.db", "no valid address"),
    ],
)
def test_a_wrong_address_is_one_line(url: str, said: str) -> None:
    """What is wrong with it and what was expected."""
    with pytest.raises(BadInput, match=said):
        claims.open_database(url)


@pytest.mark.parametrize("url", ["postgresql://gauntlet:hunter2@127.0.0.1:9/claims"])
def test_a_database_that_is_away_is_named_without_its_password(url: str) -> None:
    """The address, why, and what to do."""
    with pytest.raises(ServiceDown, match="claims database at") as caught:
        claims.open_database(url)
    assert "hunter2" not in str(caught.value)
