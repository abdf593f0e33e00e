"""What a caller may keep the server waiting for: counts of connections, statuses, bytes taken; a real server and sockets."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import requests
from pydantic import SecretStr

from gauntlet.datasets.errors import BadInput
from gauntlet.deployments.api import Config
from gauntlet.deployments.connections import Limits, checked_proxies
from gauntlet.deployments.stack.process import wait_until
from gauntlet.tasks.claims import sqlite_url
from tests.deployments.test_api import BODY, SECRET, Recorder, post, serving, signed


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Nothing limits the calls but what a test sets."""
    return Config(
        sqlite_url(tmp_path), secrets=lambda: (SecretStr(SECRET),), start=Recorder(), prefect_ready=lambda: None,
        calls_per_minute=3, starts_per_minute=10_000,
    )  # fmt: skip


def connect(url: str, source: str = "127.0.0.1") -> socket.socket:
    host, port = url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=30, source_address=(source, 0))


def answer(connection: socket.socket) -> int:
    """The status; 0 when the connection was dropped without one."""
    try:
        said = http.client.HTTPResponse(connection)
        said.begin()
    except (ConnectionError, http.client.HTTPException):
        return 0
    return said.status


@pytest.fixture
def several() -> Iterator[ExitStack]:
    """Closes what is entered."""
    with ExitStack() as stack:
        yield stack


@pytest.mark.parametrize("unit", [b"x" * 65_536, b"a: b\r\n" * 10_000])
def test_a_huge_head_is_refused_before_it_is_read(config: Config, unit: bytes) -> None:
    """431, after a few megabytes at most (the sockets' own buffers) of the 300 that were on their way; 15 kB are taken."""
    with serving(config) as url:
        with closing(connect(url)) as caller:
            caller.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\nlong: ")
            sent = 0
            with pytest.raises(ConnectionError):  # noqa: PT012 - until it is thrown out
                while sent < 300_000_000:
                    sent += caller.send(unit)
            assert sent < 30_000_000
        with closing(connect(url)) as caller:
            caller.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\nlong: " + b"x" * 40_000)
            assert answer(caller) == 431
        assert requests.get(f"{url}/healthz", headers={"long": "x" * 15_000}, timeout=30).status_code == 200


def test_a_slow_head_is_given_up(config: Config) -> None:
    """408 for one that trickles, also as a second call; a connection that says nothing is dropped."""
    with serving(config, Limits(head_s=0.5)) as url:
        with closing(connect(url)) as silent, closing(connect(url)) as slow:
            slow.sendall(b"GET /healthz HTTP/1.1\r\nhost")
            assert (answer(slow), answer(silent)) == (408, 0)
        with closing(connect(url)) as second:
            second.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
            assert answer(second) == 200
            second.sendall(b"GET /healthz HTTP/1.1\r\nhost")
            assert wait_until(lambda: _dropped(second), time.monotonic() + 10)


def _dropped(connection: socket.socket) -> bool:
    try:
        return connection.recv(4096) == b""
    except ConnectionError:
        return True


def test_the_silent_keep_nobody_out(config: Config, several: ExitStack) -> None:
    """More silent connections than there are places, of one address and of many: the next caller is answered each time."""
    limits = Limits(connections=24, per_address=8, head_s=600)
    with serving(config, limits) as url:
        silent = [several.enter_context(closing(connect(url))) for _ in range(40)]
        assert requests.get(f"{url}/healthz", timeout=30).status_code == 200
        silent += [several.enter_context(closing(connect(url, f"127.0.0.{2 + n % 20}"))) for n in range(80)]
        assert requests.get(f"{url}/healthz", timeout=30).status_code == 200

        def kept() -> int:
            return sum(not _closed(one) for one in silent)

        assert wait_until(lambda: kept() <= limits.connections, time.monotonic() + 10)


def _closed(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def test_one_address_has_its_share_of_calls_under_way(config: Config, several: ExitStack) -> None:
    """429 for the next where all are busy; another address is answered."""
    with serving(config, Limits(per_address=4)) as url:
        for _ in range(4):
            busy = several.enter_context(closing(connect(url)))
            head = "".join(f"{k}: {v}\r\n" for k, v in {**signed(BODY), "content-length": "100"}.items())
            busy.sendall(f"POST /hooks/retrain HTTP/1.1\r\nhost: x\r\n{head}\r\n{{".encode())
        with closing(connect(url)) as late:
            assert answer(late) == 429
        with closing(connect(url, "127.0.0.9")) as other:
            other.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
            assert answer(other) == 200


@pytest.mark.parametrize(("proxies", "fourth"), [((), 429), (("127.0.0.0/8",), 401)])
def test_only_a_trusted_proxy_names_the_caller(config: Config, proxies: tuple[str, ...], fourth: int) -> None:
    """Else whoever calls would name itself anew each time, and escape its limit."""
    with serving(config, Limits(trusted_proxies=proxies)) as url:
        statuses = [post(url, BODY, {"X-Forwarded-For": f"192.0.2.{n}"}).status_code for n in range(4)]
    assert statuses == [401, 401, 401, fourth]


def test_a_proxy_is_an_address_or_a_network() -> None:
    """Anything else is said at the start, not believed or passed over."""
    assert checked_proxies(["10.0.0.0/8", "::1"]) == ("10.0.0.0/8", "::1")
    for wrong in ("proxy.example", "10.0.0.1/8", "*"):
        with pytest.raises(BadInput, match="--trusted-proxy"):
            checked_proxies([wrong])
