"""The examples for senders, run as they are printed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gauntlet.deployments import webhook_client
from gauntlet.deployments.webhook_client import new_secret, send

ROOT = Path(__file__).resolve().parents[2]
SECRET = new_secret()


class Receiver(BaseHTTPRequestHandler):
    """Keeps what it was sent and whether the signature fits, by the specification's own words."""

    seen: list[dict[str, Any]]
    answers: list[int]  # 0: the message arrives and the answer is lost

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        identity, moment = self.headers["webhook-id"], self.headers["webhook-timestamp"]
        key = base64.b64decode(SECRET.removeprefix("whsec_"))
        digest = hmac.new(key, f"{identity}.{moment}.".encode() + body, hashlib.sha256).digest()
        fits = self.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
        self.seen.append({"path": self.path, "id": identity, "body": json.loads(body), "fits": fits,
                          "type": self.headers["content-type"]})  # fmt: skip
        status = self.answers.pop(0)
        if not status:
            self.close_connection = True
            return
        said = b'{"flow_run_id": "run"}' if status > 600 else b"{}"
        self.send_response(status % 600)
        self.send_header("Retry-After", "0")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def receiver() -> Iterator[tuple[str, type[Receiver]]]:
    """An address, and what arrives there."""
    kind = type("Fresh", (Receiver,), {"seen": [], "answers": [202]})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", kind
    server.shutdown()
    thread.join()
    server.server_close()


def example(first: str) -> str:
    """The block of the module's docstring that begins so."""
    blocks = re.findall(r"(?:^    .*\n)+", webhook_client.__doc__ or "", re.MULTILINE)
    return textwrap.dedent(next(block for block in blocks if block.strip().startswith(first)))


def run(script: str, url: str) -> str:
    script = re.sub(r"http://127\.0\.0\.1:8000", url, script).replace("python -m", f"{sys.executable} -m")
    environment = {**os.environ, "GAUNTLET_WEBHOOK_SECRET": SECRET, "PYTHONPATH": str(ROOT)}
    command = ["sh", "-euc", script]
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("openssl")), reason="needs curl and openssl")
def test_the_curl_example_is_a_signed_call(receiver: Any) -> None:
    """With nothing but a shell, curl and openssl."""
    url, kind = receiver
    run(example("URL="), url)
    (call,) = kind.seen
    assert (call["fits"], call["path"], call["type"]) == (True, "/hooks/retrain", "application/json")
    assert call["body"]["gauntlet"] == "ai4i"


def test_the_python_example_is_a_signed_call(receiver: Any) -> None:
    """The body over two lines goes through as it is."""
    url, kind = receiver
    said = run(example("python -m"), url)
    (call,) = kind.seen
    assert (call["fits"], call["path"]) == (True, "/hooks/maintenance")
    assert call["body"]["work_order"] == "4711"
    assert said.startswith("202 ")


def test_the_examples_fit_the_schemas() -> None:
    """What the documentation shows is what the server takes."""
    from gauntlet.deployments.hook_start import Maintenance, Retrain

    Retrain.model_validate_json(re.search(r"BODY='(.*?)'", example("URL="), re.DOTALL)[1])
    Maintenance.model_validate_json(re.search(r"'(\{.*?\})'", example("python -m"), re.DOTALL)[1])


def test_a_message_that_was_put_off_is_sent_again_under_its_id(receiver: Any) -> None:
    """Until it is taken; a refusal is final."""
    url, kind = receiver
    kind.answers[:] = [503, 429, 202, 401]
    assert send(url, "{}", SECRET).status_code == 202
    assert len({call["id"] for call in kind.seen}) == 1
    assert all(call["fits"] for call in kind.seen)
    assert send(url, "{}", SECRET).status_code == 401
    assert len(kind.seen) == 4


def test_only_a_run_ends_the_sending(receiver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lost answer, an error of the server and a 409 without a run leave it open: the same id until a run is named."""
    url, kind = receiver
    monkeypatch.setattr(webhook_client, "LONGEST_WAIT_S", 0.0)
    kind.answers[:] = [0, 500, 409, *[503] * 6, 600 + 409]
    answer = send(url, "{}", SECRET)
    assert (answer.status_code, answer.json()) == (409, {"flow_run_id": "run"})
    assert len(kind.seen) == 10
    assert len({call["id"] for call in kind.seen}) == 1


def test_what_is_not_known_to_be_taken_is_said_with_its_id(
    receiver: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 1 and the id, so that the next call of the program is the same message."""
    url, kind = receiver
    monkeypatch.setenv("GAUNTLET_WEBHOOK_SECRET", SECRET)
    monkeypatch.setattr(webhook_client.send, "__defaults__", (None, -1.0))
    kind.answers[:] = [503, 202]
    assert webhook_client.main([url, "{}"]) == 1
    (identity,) = re.findall(r"--id (msg_\w+)", capsys.readouterr().err)
    assert webhook_client.main(["--id", identity, url, "{}"]) == 0
    assert [call["id"] for call in kind.seen] == [identity] * 2


def test_a_wrong_call_says_how(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2 without secret or body; a new secret is one that the server takes."""
    from pydantic import SecretStr

    from gauntlet.deployments.hook_message import checked_secret

    monkeypatch.delenv("GAUNTLET_WEBHOOK_SECRET", raising=False)
    assert webhook_client.main(["http://127.0.0.1:9", "{}"]) == 2
    assert "usage:" in capsys.readouterr().err
    assert webhook_client.main(["--new-secret"]) == 0
    checked_secret(SecretStr(capsys.readouterr().out.strip()))
