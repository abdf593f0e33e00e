"""A chromium of our own, driven through the DevTools protocol, so that a page is photographed when it has settled."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import connect
from websockets.sync.connection import Connection

PATIENCE_S, QUIET_S = 60.0, 1.5
# A fade that is under way when the picture is taken shows as faded content; so nothing moves.
STILL = """
addEventListener('DOMContentLoaded', () => {
  const style = document.createElement('style');
  style.textContent = '*, *::before, *::after { animation: none !important; transition: none !important; }';
  document.head.append(style);
});
"""


class Page:
    """One tab."""

    def __init__(self, socket: Connection) -> None:
        self._socket, self._number = socket, 0

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """The answer to one DevTools command.

        Raises:
            RuntimeError: the browser refused it.
        """
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": params}))
        while True:
            said = json.loads(self._socket.recv(timeout=PATIENCE_S))
            if said.get("id") == self._number:
                if "error" in said:
                    raise RuntimeError(f"{method}: {said['error']['message']}")
                return dict(said["result"])

    def run(self, script: str) -> Any:
        """What an expression gives in the page."""
        return self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)["result"].get(
            "value"
        )

    def open(self, url: str, expects: str, width: int, height: int) -> None:
        """Go there and wait until the page has settled, see there."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.send("Page.navigate", url=url)
        self.settle(expects)

    def settle(self, expects: str) -> None:
        """Wait until the text stands in the page and the page changes no more.

        Raises:
            RuntimeError: it does not come to that.
        """
        deadline, before, since = time.monotonic() + PATIENCE_S, None, time.monotonic()
        while time.monotonic() < deadline:
            now = self.run("document.body ? document.body.innerText + document.body.innerHTML.length : ''") or ""
            if now != before:
                before, since = now, time.monotonic()
            elif expects in now and time.monotonic() - since > QUIET_S:
                return
            time.sleep(0.2)
        raise RuntimeError(f"{self.run('location.href')}: no {expects!r} within {PATIENCE_S:.0f} s")

    def click(self, label: str) -> None:
        """Click what bears exactly this label, and wait until the page changes no more."""
        self.run(
            f"[...document.querySelectorAll('li, button, a')].find(e => e.innerText.trim() === {json.dumps(label)}).click()"
        )
        self.settle(label)

    def picture(self) -> bytes:
        """What the tab shows, as PNG."""
        return base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"])


@contextmanager
def page(known: Mapping[str, str]) -> Iterator[Page]:
    """A tab of a fresh profile, in whose local storage every page finds what is `known`.

    Raises:
        RuntimeError: chromium is not installed, or does not start.
    """
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        raise RuntimeError("chromium is not installed")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [
            program,
            "--headless=new",
            "--no-sandbox",
            "--hide-scrollbars",
            "--remote-debugging-port=0",
            f"--user-data-dir={profile}",
            "about:blank",
        ]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            with connect(_address(Path(profile)), max_size=None, proxy=None) as socket:
                tab = Page(socket)
                tab.send("Page.enable")
                storage = "".join(f"localStorage.setItem({json.dumps(k)}, {json.dumps(v)});" for k, v in known.items())
                tab.send("Page.addScriptToEvaluateOnNewDocument", source=f"{STILL} try {{{storage}}} catch {{}}")
                yield tab
        finally:
            process.terminate()
            process.wait(timeout=20)


def _address(profile: Path) -> str:
    """The socket of the browser's first tab; chromium writes its port into the profile."""
    deadline, file = time.monotonic() + PATIENCE_S, profile / "DevToolsActivePort"
    while time.monotonic() < deadline:
        if file.exists() and file.read_text().count("\n"):
            port = int(file.read_text().split("\n", 1)[0])
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
                tabs = [one for one in json.load(answer) if one["type"] == "page"]
            if tabs:
                return str(tabs[0]["webSocketDebuggerUrl"])
        time.sleep(0.1)
    raise RuntimeError("chromium does not start")
