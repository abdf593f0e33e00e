"""HTTP connections that cost the server little: uvicorn's own protocol, with limits on what a caller may keep it waiting for.

    connect ─> head within size and time ─> call ─> answer, read in time ─> idle ─> the next head …
                  431           408                     dropped            dropped

A connection over the limit, in all or of one address, takes the place of that which has waited longest without a call under
way; where every one has a call under way, the new one is refused.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from gauntlet.datasets.errors import BadInput

_SLICE = 4_096  # bytes that are parsed at once while the head is not whole
_DRAIN = 1 << 20  # bytes of a refused call that are thrown away, so that its sender gets to read the answer
_LINGER_S = 2.0


@dataclass(frozen=True)
class Limits:
    """Of connections: sizes in bytes, times in seconds. `trusted_proxies` (addresses, networks) share their one address
    among many callers, so that it has no limit of its own."""

    head_bytes: int = 16_384
    head_s: float = 10.0
    unread_s: float = 10.0
    connections: int = 512
    per_address: int = 64
    trusted_proxies: tuple[str, ...] = ()


def checked_proxies(proxies: Sequence[str]) -> tuple[str, ...]:
    """Addresses and networks, each as it is written best.

    Raises:
        BadInput: one is neither.
    """
    try:
        return tuple(
            str(ipaddress.ip_network(one)) if "/" in one else str(ipaddress.ip_address(one)) for one in proxies
        )
    except ValueError as error:
        raise BadInput(None, f"--trusted-proxy: {error}", expected="an address or a network, 10.0.0.0/8") from None


def protocol(limits: Limits) -> type[H11Protocol]:
    """The protocol class for uvicorn's `http`, with these limits."""
    return type("LimitedProtocol", (_Limited,), {"limits": limits})


class _Limited(H11Protocol):
    limits: Limits

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head, self._thrown, self._refused = 0, 0, False
        self._waits_since = time.monotonic()
        self._waiting: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None

    @property
    def _idle(self) -> bool:
        """True while no call is under way."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()
        address = self.client[0] if self.client else ""
        same = [one for one in self.connections if isinstance(one, _Limited) and (one.client or ("",))[0] == address]
        if len(same) > self.limits.per_address and not self._trusted(address):
            self._make_room(same, HTTPStatus.TOO_MANY_REQUESTS)
        elif len(self.connections) > self.limits.connections:
            everyone = [one for one in self.connections if isinstance(one, _Limited)]
            self._make_room(everyone, HTTPStatus.SERVICE_UNAVAILABLE)

    def _trusted(self, address: str) -> bool:
        try:
            peer = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(peer in ipaddress.ip_network(one) for one in self.limits.trusted_proxies)

    def _make_room(self, among: list[_Limited], otherwise: HTTPStatus) -> None:
        waiting = [one for one in among if one is not self and one._idle]
        if not waiting:
            self._refuse(otherwise)
            return
        longest = min(waiting, key=lambda one: one._waits_since)
        self.connections.discard(longest)
        longest.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._waiting, self._unread):
            if timer is not None:
                timer.cancel()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def _wait(self) -> None:
        """From now on the caller has so long for a whole head."""
        self._head, self._waits_since = 0, time.monotonic()
        if self._waiting is not None:
            self._waiting.cancel()
        self._waiting = self.loop.call_later(self.limits.head_s, self._late)

    def _late(self) -> None:
        if self._head and self.cycle is None:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._refused:
            self._thrown += len(data)
            if self._thrown > _DRAIN:
                self.transport.abort()
            return
        while data and not self._refused and not self.transport.is_closing():
            in_head = self.conn.their_state is h11.IDLE
            piece, data = (data[:_SLICE], data[_SLICE:]) if in_head else (data, b"")
            self._head += len(piece) if in_head else 0
            super().data_received(piece)
            if self.conn.their_state is h11.IDLE and self._head > self.limits.head_bytes:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        if not self._idle and self._waiting is not None:
            self._waiting.cancel()

    def on_response_complete(self) -> None:
        self._wait()
        super().on_response_complete()
        if not self._idle and self._waiting is not None:  # the next call was there already
            self._waiting.cancel()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = self.loop.call_later(self.limits.unread_s, self.transport.abort)

    def resume_writing(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
        super().resume_writing()

    def _refuse(self, status: HTTPStatus) -> None:
        """Answer without a call, and close once the sender had time to read it: what it still sends is thrown away."""
        self._refused = True
        self._unset_keepalive_if_required()
        if self._waiting is not None:
            self._waiting.cancel()
        body = json.dumps({"detail": f"{status.phrase.lower()}: the connection is closed"}).encode()
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
        again = "retry-after: 10\r\n" if status in (429, 503) else ""
        self.transport.write(f"{head}{again}connection: close\r\n\r\n".encode() + body)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(_LINGER_S, self.transport.abort)
