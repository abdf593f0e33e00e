"""The door of a server on loopback: without the password, under a foreign name or from a foreign page nothing is answered.

A page in the user's browser can call loopback addresses, and the browser adds a password that it knows; so the name by
which the server was called and the page that calls are looked at as well.
"""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]
OPEN = "/health"  # says only that the server is there


class Gate:
    """An ASGI application in front of another."""

    def __init__(self, app: App, user: str, password: str, hosts: frozenset[str]) -> None:
        """`hosts`: the names with ports under which it may be called, such as `127.0.0.1:5000`."""
        self._app, self._hosts = app, hosts
        self._expected = b"Basic " + base64.b64encode(f"{user}:{password}".encode())

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer 403 to a foreign host or page, 401 to whoever has not the password; hand on the rest."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
        elif status := self._refusal(scope):
            await _refuse(scope, send, status)
        else:
            await self._app(scope, receive, send)

    def _refusal(self, scope: Message) -> int:
        headers = dict(scope["headers"])
        origin = headers.get(b"origin", b"").decode("latin-1")
        if headers.get(b"host", b"").decode("latin-1") not in self._hosts:
            return 403
        if origin and re.sub("^https?://", "", origin) not in self._hosts:
            return 403
        known = secrets.compare_digest(headers.get(b"authorization", b""), self._expected)
        return 0 if known or scope["path"] == OPEN else 401


async def _refuse(scope: Message, send: Send, status: int) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = [(b"content-type", b"text/plain")]
    if status == 401:
        headers.append((b"www-authenticate", b'Basic realm="gauntlet"'))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"refused\n"})
