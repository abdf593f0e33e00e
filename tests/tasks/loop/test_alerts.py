"""The alert channel is told once per occasion, also when its answer is lost; what never reached it is told later."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, update

from gauntlet.blocks import AlertChannel
from gauntlet.tasks.claims import left_undone, open_database, sqlite_url
from gauntlet.tasks.claims.tables import ONCE
from gauntlet.tasks.loop.alerts import alert, send_undone


class Channel(BaseHTTPRequestHandler):
    """Takes every message; where told so, hangs up in place of an answer."""

    def do_POST(self) -> None:
        server: Any = self.server
        server.taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
        server.ids.append(self.headers["webhook-id"])
        answer = server.answers.pop(0)
        if callable(answer):
            answer()
        elif answer:
            self.send_response(200)
            self.end_headers()
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def channel() -> Iterator[Any]:
    """A real server, and what it took."""
    server: Any = HTTPServer(("127.0.0.1", 0), Channel)
    server.taken, server.answers, server.ids = [], [], []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """Claims of its own."""
    return open_database(sqlite_url(tmp_path))


def at(port: int) -> AlertChannel:
    """The channel's block."""
    return AlertChannel(enabled=True, url=f"http://127.0.0.1:{port}/hook")


def test_a_message_whose_answer_is_lost_is_not_sent_twice(channel: Any, engine: Engine) -> None:
    """It hangs up after it took the message."""
    channel.answers += [False, True]
    assert alert(at(channel.server_port), engine, "drift", "w1", "one")
    assert not alert(at(channel.server_port), engine, "drift", "w1", "one")
    assert channel.taken == ["📈 one"]


@pytest.mark.promise("beside")
def test_a_message_that_never_left_is_sent_later(channel: Any, engine: Engine) -> None:
    """Nobody listened at the port the first time."""
    silent = HTTPServer(("127.0.0.1", 0), Channel)
    silent.server_close()
    channel.answers += [True]
    assert not alert(at(silent.server_port), engine, "drift", "w1", "one")
    assert alert(at(channel.server_port), engine, "drift", "w1", "one")
    assert channel.taken == ["📈 one"]


@pytest.mark.promise("alarms")
def test_what_waits_is_sent_by_the_reaper(channel: Any, engine: Engine) -> None:
    """The channel's block could not be read, or nobody listened: sent later, once, oldest first, and said to be late."""
    silent = HTTPServer(("127.0.0.1", 0), Channel)
    silent.server_close()
    assert not alert(None, engine, "failed", "w1", "one")
    assert not alert(at(silent.server_port), engine, "drift", "w2", "two")
    channel.answers += [True, True]
    assert send_undone(at(silent.server_port), engine) == 0
    assert send_undone(at(channel.server_port), engine) == 2
    assert send_undone(at(channel.server_port), engine) == 0
    assert [text.partition(" (of ")[0] for text in channel.taken] == ["🔥 one", "📈 two"]
    assert all(text.endswith("sent late)") for text in channel.taken)
    assert not alert(at(channel.server_port), engine, "drift", "w2", "two")


def test_the_first_that_does_not_arrive_ends_the_sending(channel: Any, engine: Engine) -> None:
    """A channel that hangs costs one time limit each time, not one a message; none is lost."""
    for k in range(5):
        alert(None, engine, "drift", f"w{k}", str(k))
    refused = HTTPServer(("127.0.0.1", 0), Channel)
    refused.server_close()
    assert send_undone(at(refused.server_port), engine) == 0
    assert len(left_undone(engine, "alert:drift")) == 5
    channel.answers += [True] * 5
    assert send_undone(at(channel.server_port), engine) == 5


def test_what_waits_for_a_channel_that_was_switched_off_is_dropped(channel: Any, engine: Engine) -> None:
    """It is not told for the first time when the channel is switched on a year later."""
    alert(None, engine, "drift", "w", "old")
    assert send_undone(AlertChannel(enabled=False), engine) == 0
    assert send_undone(at(channel.server_port), engine) == 0
    assert channel.taken == []


def test_a_long_key_is_shortened_and_stays_one(channel: Any, engine: Engine) -> None:
    """File names make keys that are longer than the table is wide."""
    channel.answers += [True, True]
    assert alert(at(channel.server_port), engine, "failed", "x" * 500, "one")
    assert not alert(at(channel.server_port), engine, "failed", "x" * 500, "one")
    assert alert(at(channel.server_port), engine, "failed", "x" * 499, "two")


SENDER = """
import sys
from gauntlet.blocks import AlertChannel
from gauntlet.tasks.claims import open_database
from gauntlet.tasks.loop.alerts import alert
alert(AlertChannel(enabled=True, url=sys.argv[2]), open_database(sys.argv[1]), "drift", "w1", "one")
"""


@pytest.mark.promise("alarms")
def test_a_sender_killed_over_a_message_loses_none(channel: Any, engine: Engine, tmp_path: Path) -> None:
    """Killed while the channel takes it, before anything is written down of that: sent again, under the same id."""
    sender: queue.Queue[int] = queue.Queue()
    channel.answers += [lambda: os.kill(sender.get(timeout=60), signal.SIGKILL), True]
    address = f"http://127.0.0.1:{channel.server_port}/hook"
    with subprocess.Popen([sys.executable, "-P", "-c", SENDER, sqlite_url(tmp_path), address]) as process:
        sender.put(process.pid)
        assert process.wait(60) == -signal.SIGKILL
    assert send_undone(at(channel.server_port), engine) == 0, "its turn has not ended yet"
    with engine.begin() as connection:
        connection.execute(update(ONCE).values(expires=ONCE.c.seen))
    assert send_undone(at(channel.server_port), engine) == 1
    assert [text.partition(" (of ")[0] for text in channel.taken] == ["📈 one", "📈 one"]
    assert len(set(channel.ids)) == 1
