"""A server between client and server that refuses, cuts answers or is slow for as long as it is told to."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

MODES = ("open", "refuse", "cut", "slow")
LATE_S = 1.0
CUT_BYTES = 40  # into the answer: in the middle of its first lines
_CHUNK = 65_536
_HOST = re.compile(rb"(\r\nhost: 127\.0\.0\.1:)\d+", re.IGNORECASE)


class Gateway:
    """Forwards TCP connections to one address of this machine; `mode` decides what becomes of them.

    `by_its_name`: the server answers only those who name it in the Host header; S3 signs that header, and takes any.
    """

    def __init__(self, address: str, *, by_its_name: bool) -> None:
        parts = urlsplit(address)
        self._to = (parts.hostname or "127.0.0.1", int(parts.port or 80))
        self._server = socket.create_server(("127.0.0.1", 0))
        self.mode = "open"
        self._by_its_name = by_its_name
        self._over = threading.Event()
        self.url = f"{parts.scheme}://127.0.0.1:{self._server.getsockname()[1]}{parts.path}"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take no more connections."""
        self._over.set()
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        if self.mode == "refuse":
            client.close()
            return
        try:
            server = socket.create_connection(self._to, timeout=10)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        there = threading.Thread(target=self._pump, args=(client, server, self._send), daemon=True)
        there.start()
        self._pump(server, client, self._answer)
        there.join(30)
        for side in (client, server):
            side.close()

    def _pump(self, source: socket.socket, sink: socket.socket, send: Callable[[socket.socket, bytes], bool]) -> None:
        with suppress(OSError):
            while chunk := source.recv(_CHUNK):
                if not send(sink, chunk):
                    break
        for side in (source, sink):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)

    def _send(self, sink: socket.socket, chunk: bytes) -> bool:
        """A request, as it is; none on a connection that stood when the server went away."""
        if self.mode == "refuse":
            return False
        sink.sendall(_HOST.sub(rb"\g<1>%d" % self._to[1], chunk, count=1) if self._by_its_name else chunk)
        return True

    def _answer(self, sink: socket.socket, chunk: bytes) -> bool:
        """An answer, or what is left of it."""
        if self.mode == "slow":
            self._over.wait(LATE_S)
        if self.mode == "cut":
            sink.sendall(chunk[:CUT_BYTES])
            return False
        sink.sendall(chunk)
        return True
