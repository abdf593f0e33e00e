"""The alert channel is told once per occasion, also when its answer is lost; what never reached it is told later."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from gauntlet.blocks import AlertChannel
from gauntlet.tasks.claims import open_database, sqlite_url
from gauntlet.tasks.loop.alerts import alert


class Channel(BaseHTTPRequestHandler):
    """Takes every message; where told so, hangs up in place of an answer."""

    def do_POST(self) -> None:
        server: Any = self.server
        server.taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
        if server.answers.pop(0):
            self.send_response(200)
            self.end_headers()
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def channel() -> Iterator[Any]:
    """A real server, and what it took."""
    server: Any = HTTPServer(("127.0.0.1", 0), Channel)
    server.taken, server.answers = [], []
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


def test_a_message_that_never_left_is_sent_later(channel: Any, engine: Engine) -> None:
    """Nobody listened at the port the first time."""
    silent = HTTPServer(("127.0.0.1", 0), Channel)
    silent.server_close()
    channel.answers += [True]
    assert not alert(at(silent.server_port), engine, "drift", "w1", "one")
    assert alert(at(channel.server_port), engine, "drift", "w1", "one")
    assert channel.taken == ["📈 one"]
