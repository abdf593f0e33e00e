"""The webhook as a maintenance system meets it: a real server, real HTTP, a real database; the start is recorded."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
from pydantic import SecretStr

from gauntlet.datasets.errors import BadInput, ServiceDown
from gauntlet.deployments.api import Config, server
from gauntlet.deployments.connections import Limits
from gauntlet.deployments.stack.process import wait_until
from gauntlet.tasks.claims import begin, history, open_database, sqlite_url

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
BODY = '{"gauntlet": "ai4i", "reason": "new tool steel"}'
ORDER = {"gauntlet": "nasa", "machine": "2nd_test", "work_order": "4711", "action": "part_replaced",
         "closed": "2026-03-01T12:00:00+01:00"}  # fmt: skip


class Recorder:
    """A start that only notes; like Prefect's it gives the same run for the same key."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Mapping[str, Any], str]] = []
        self.fails: Exception | None = None

    def __call__(self, kind: str, body: Mapping[str, Any], idempotency_key: str) -> str:
        self.calls.append((kind, body, idempotency_key))
        if self.fails is not None:
            raise self.fails
        return "run-of-" + idempotency_key


@pytest.fixture
def start() -> Recorder:
    """What was started."""
    return Recorder()


@pytest.fixture
def config(tmp_path: Path, start: Recorder) -> Config:
    """Everything is there; the limits are out of the way."""
    return Config(
        sqlite_url(tmp_path), secrets=lambda: (SecretStr(SECRET),), start=start, prefect_ready=lambda: None,
        calls_per_minute=10_000, starts_per_minute=10_000,
    )  # fmt: skip


@contextmanager
def serving(config: Config, limits: Limits | None = None) -> Iterator[str]:
    """The address of a server of this configuration."""
    limits = limits or Limits(per_address=512)
    listening = socket.create_server(("127.0.0.1", 0), backlog=512)
    running = server(config, limits=limits)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        assert wait_until(lambda: running.started, time.monotonic() + 30)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        running.should_exit = True
        thread.join(30)
        listening.close()


@pytest.fixture
def url(config: Config) -> Iterator[str]:
    """The server's address."""
    with serving(config) as address:
        yield address


def signed(body: str | bytes, *, key: bytes = KEY, at: float | None = None, **headers: str) -> dict[str, str]:
    """Headers as the specification's text has them: HMAC-SHA256 over id, timestamp and body, by full stops."""
    identity, moment = headers.get("webhook-id", f"msg_{uuid4().hex}"), str(int(time.time() if at is None else at))
    raw = body.encode() if isinstance(body, str) else body
    digest = hmac.new(key, f"{identity}.{moment}.".encode() + raw, hashlib.sha256).digest()
    return {"content-type": "application/json", "webhook-id": identity, "webhook-timestamp": moment,
            "webhook-signature": "v1," + base64.b64encode(digest).decode(), **headers}  # fmt: skip


def post(url: str, body: str | bytes, headers: Mapping[str, str], path: str = "/hooks/retrain") -> requests.Response:
    return requests.post(url + path, body, headers=dict(headers), timeout=30)


def test_a_signed_call_starts_a_run(url: str, config: Config, start: Recorder) -> None:
    """202 with its id; the body's fields, the message's id as the key; and the log has it."""
    headers = signed(BODY)
    answer = post(url, BODY, headers)
    key = f"webhook-{headers['webhook-id']}"
    assert (answer.status_code, answer.json()) == (202, {"flow_run_id": f"run-of-{key}"})
    fields = {"gauntlet": "ai4i", "reason": "new tool steel", "requested_by": ""}
    assert start.calls == [("retrain", fields, key)]
    (entry,) = history(open_database(config.claims_url), event="webhook.accepted")
    assert (entry.subject, entry.holder) == ("ai4i", headers["webhook-id"])
    assert entry.detail == {"kind": "retrain", "flow_run_id": f"run-of-{key}"}


def test_a_closed_work_order_starts_a_run(url: str, start: Recorder) -> None:
    """With what was done where and when."""
    body = json.dumps({**ORDER, "unit": "bearing 1"})
    assert post(url, body, signed(body), "/hooks/maintenance").status_code == 202
    ((kind, fields, _),) = start.calls
    assert kind == "maintenance"
    assert fields == {**ORDER, "unit": "bearing 1", "part": "", "note": ""}


def without(name: str) -> Callable[[], dict[str, str]]:
    return lambda: {key: value for key, value in signed(BODY).items() if key != name}


NO_CALL = {
    "no id": (401, BODY, without("webhook-id")),
    "no timestamp": (401, BODY, without("webhook-timestamp")),
    "no signature": (401, BODY, without("webhook-signature")),
    "nothing": (401, BODY, lambda: {"content-type": "application/json"}),
    "another key": (401, BODY, lambda: signed(BODY, key=bytes(32))),
    "altered body": (401, BODY.replace("new", "old"), lambda: signed(BODY)),
    "altered id": (401, BODY, lambda: {**signed(BODY), "webhook-id": "msg_other"}),
    "altered timestamp": (401, BODY, lambda: {**signed(BODY), "webhook-timestamp": str(int(time.time()) - 7)}),
    "stale": (401, BODY, lambda: signed(BODY, at=time.time() - 302)),
    "from the future": (401, BODY, lambda: signed(BODY, at=time.time() + 303)),
    "signature without a comma": (401, BODY, lambda: {**signed(BODY), "webhook-signature": "v1"}),
    "signature that is no base64": (401, BODY, lambda: {**signed(BODY), "webhook-signature": "v1,ÿ!" + "A" * 41}),
    "signature of another version": (401, BODY, lambda: {k: v.replace("v1,", "v2,") for k, v in signed(BODY).items()}),
    "empty signature": (401, BODY, lambda: {**signed(BODY), "webhook-signature": ""}),
    "id with a full stop": (400, BODY, lambda: signed(BODY, **{"webhook-id": "msg.1"})),
    "id too long": (400, BODY, lambda: signed(BODY, **{"webhook-id": "m" * 129})),
    "timestamp in words": (400, BODY, lambda: {**signed(BODY), "webhook-timestamp": "now"}),
    "timestamp not a number": (400, BODY, lambda: {**signed(BODY), "webhook-timestamp": "nan"}),
    "timestamp with a fraction": (400, BODY, lambda: {**signed(BODY), "webhook-timestamp": f"{time.time():.1f}"}),
    "not JSON": (400, "{", lambda: signed("{")),
    "nothing to read": (400, "", lambda: signed("")),
    "not text": (400, b"\xff\xfe", lambda: signed(b"\xff\xfe")),
    "not said to be JSON": (415, BODY, lambda: {**signed(BODY), "content-type": "text/plain"}),
    "oversized": (413, "x" * 16_385, lambda: signed("x" * 16_385)),
    "much oversized": (413, "x" * 400_000, lambda: signed("x" * 400_000)),
}


@pytest.mark.parametrize("case", NO_CALL)
def test_a_call_that_is_not_right_starts_nothing(case: str, url: str, start: Recorder) -> None:
    """Each has its status and says why in one line."""
    status, body, headers = NO_CALL[case]
    answer = requests.post(
        f"{url}/hooks/retrain", body, headers={k: v.encode("latin-1") for k, v in headers().items()}, timeout=30
    )
    assert answer.status_code == status
    assert "\n" not in answer.json()["detail"]
    assert start.calls == []


@pytest.mark.parametrize(
    ("path", "changed", "said"),
    [
        ("/hooks/retrain", {"gauntlet": "ai4i", "reason": "x", "run": "rm"}, "run: Extra inputs are not permitted"),
        ("/hooks/retrain", {"gauntlet": "ai4i"}, "reason: Field required"),
        ("/hooks/retrain", {"gauntlet": "../etc", "reason": "x"}, "gauntlet: Input should be"),
        ("/hooks/retrain", {"gauntlet": "ai4i", "reason": "a\nforged line"}, "reason: String should match"),
        ("/hooks/retrain", {"gauntlet": "ai4i", "reason": "x" * 501}, "at most 500"),
        ("/hooks/retrain", [1], "body: Input should be an object"),
        ("/hooks/maintenance", {**ORDER, "closed": "2026-03-01T12:00:00"}, "closed: Input should have timezone info"),
        ("/hooks/maintenance", {**ORDER, "action": "exploded"}, "action: Input should be"),
    ],
)
def test_a_body_outside_the_schema_starts_nothing(
    path: str, changed: Any, said: str, url: str, start: Recorder
) -> None:
    """422, and which field."""
    body = json.dumps(changed)
    answer = post(url, body, signed(body), path)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]
    assert start.calls == []


def test_a_replay_is_refused_also_by_the_next_server(config: Config, start: Recorder) -> None:
    """409 with the first run's id, on either address, after a restart and with a new signature for the same id."""
    headers = signed(BODY)
    with serving(config) as url:
        run = post(url, BODY, headers).json()["flow_run_id"]
        again = post(url, BODY, headers)
        assert (again.status_code, again.json()["flow_run_id"]) == (409, run)
    with serving(config) as url:
        assert post(url, BODY, headers).status_code == 409
    assert len(start.calls) == 1


@pytest.mark.promise("messages")
def test_an_id_is_of_one_message(url: str, start: Recorder) -> None:
    """Another body, or the other path, under a known id: 422 in words of its own, whether or not a run came of the first."""
    order, spaced = json.dumps(ORDER), json.dumps(json.loads(BODY), indent=1)
    for fails in (None, ServiceDown("Prefect", "", "")):
        identity = {"webhook-id": f"msg_{uuid4().hex}"}
        start.fails = fails
        first = post(url, BODY, signed(BODY, **identity)).status_code
        assert first == (503 if fails else 202)
        calls = len(start.calls)
        for body, path in ((BODY.replace("new", "old"), "/hooks/retrain"), (order, "/hooks/maintenance")):
            other = post(url, body, signed(body, **identity), path)
            assert (other.status_code, "another message" in other.json()["detail"]) == (422, True)
        assert len(start.calls) == calls
        assert post(url, spaced, signed(spaced, **identity)).status_code == (503 if fails else 409)


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@pytest.mark.promise("messages")
def test_two_hundred_copies_at_once_start_one_run(
    database: str, config: Config, start: Recorder, request: pytest.FixtureRequest
) -> None:
    """One 202; the others are told of that run, or to ask again: on SQLite and on PostgreSQL, over two servers."""
    if database == "postgresql":
        config = replace(config, claims_url=request.getfixturevalue("postgres"))
    headers, gate = signed(BODY), threading.Barrier(200)

    def one(url: str) -> int:
        gate.wait()
        return post(url, BODY, headers).status_code

    with serving(config) as first, serving(config) as second, ThreadPoolExecutor(200) as pool:
        statuses = list(pool.map(one, [first, second] * 100))
        again = post(first, BODY, headers)
    assert statuses.count(202) == 1
    assert set(statuses) <= {202, 409, 503}
    assert (again.status_code, again.json()["flow_run_id"]) == (409, f"run-of-webhook-{headers['webhook-id']}")
    assert len(start.calls) == 1


@pytest.mark.promise("messages")
def test_while_prefect_is_away_nothing_is_lost(url: str, start: Recorder) -> None:
    """503, please again; the same message is then taken."""
    headers = signed(BODY)
    start.fails = ServiceDown("Prefect", "http://user:hunter2@127.0.0.1:9/api", "ConnectError")
    answer = post(url, BODY, headers)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "hunter2" not in answer.text
    start.fails = None
    assert post(url, BODY, headers).status_code == 202
    assert [key for _, _, key in start.calls] == [f"webhook-{headers['webhook-id']}"] * 2


def test_a_server_that_died_over_a_message_does_not_keep_it(url: str, config: Config, start: Recorder) -> None:
    """503 while its turn lasts; then it is taken, under the same key: a run that was started after all is not doubled."""
    headers = signed(BODY)
    begin(open_database(config.claims_url), "webhook", headers["webhook-id"], timedelta(seconds=1.5))
    answer = post(url, BODY, headers)
    assert (answer.status_code, int(answer.headers["Retry-After"])) == (503, 5)
    assert wait_until(lambda: post(url, BODY, headers).status_code == 202, time.monotonic() + 20)
    assert [key for _, _, key in start.calls] == [f"webhook-{headers['webhook-id']}"]


def test_what_prefect_does_not_take_can_be_sent_again(url: str, start: Recorder) -> None:
    """422; an error that nobody foresaw is 500, says nothing of itself, and holds the id no longer either."""
    headers = signed(BODY)
    start.fails = BadInput(None, "the deployment does not take these parameters")
    assert post(url, BODY, headers).status_code == 422
    start.fails = ZeroDivisionError("internals")
    answer = post(url, BODY, headers)
    assert answer.status_code == 500
    assert "internals" not in answer.text
    start.fails = None
    assert post(url, BODY, headers).status_code == 202


def test_an_unknown_length_is_counted_as_it_comes(url: str, config: Config, start: Recorder) -> None:
    """Chunked, without a content-length: at the limit taken, a byte over it refused."""
    padding = config.body_limit - len(BODY.encode())
    for more, status in ((0, 202), (1, 413)):
        body = BODY + " " * (padding + more)
        answer = requests.post(
            f"{url}/hooks/retrain",
            (body[i : i + 999].encode() for i in range(0, len(body), 999)),
            headers=signed(body),
            timeout=30,
        )
        assert answer.request.headers.get("Content-Length") is None
        assert answer.status_code == status
    assert len(start.calls) == 1


def test_a_body_that_never_ends_is_cut_off(config: Config, start: Recorder) -> None:
    """408 for one that trickles; one that floods is dropped long before memory is."""
    with serving(replace(config, body_patience_s=0.5)) as url:
        host = url.removeprefix("http://")
        slow = http.client.HTTPConnection(host, timeout=30)
        slow.putrequest("POST", "/hooks/retrain")
        for name, value in {**signed(BODY), "content-length": "100"}.items():
            slow.putheader(name, value)
        slow.endheaders(b"{")
        assert slow.getresponse().status == 408
        slow.close()
    assert start.calls == []


def test_too_many_calls_are_told_when_to_come_again(config: Config, start: Recorder) -> None:
    """429 with Retry-After: of one address, the unsigned apart from the signed, and of new messages from all."""
    with serving(replace(config, calls_per_minute=3)) as url:
        statuses = [post(url, BODY, {}).status_code for _ in range(4)]
        assert statuses == [401, 401, 401, 429]
        assert [post(url, BODY, signed(BODY)).status_code for _ in range(3)] == [202] * 3
        late = post(url, BODY, signed(BODY))
        assert (late.status_code, 1 <= int(late.headers["Retry-After"]) <= 20) == (429, True)
        assert requests.get(f"{url}/healthz", timeout=30).status_code == 200
    with serving(replace(config, starts_per_minute=2)) as url:
        headers = [signed(BODY) for _ in range(3)]
        assert [post(url, BODY, one).status_code for one in headers] == [202, 202, 429]
        assert post(url, BODY, headers[0]).status_code == 409
    with serving(config) as url:
        assert post(url, BODY, headers[2]).status_code == 202, "a message that was put off is not spent"


def test_a_secret_is_replaced_without_a_gap(config: Config) -> None:
    """While both stand there, either signs; so do several signatures in one header."""
    new = bytes(reversed(KEY))
    both = (SecretStr("whsec_" + base64.b64encode(new).decode()), SecretStr(SECRET))
    with serving(replace(config, secrets=lambda: both)) as url:
        assert post(url, BODY, signed(BODY)).status_code == 202
        assert post(url, BODY, signed(BODY, key=new)).status_code == 202
    with serving(config) as url:
        headers = signed(BODY)
        wrong = "v1," + base64.b64encode(bytes(32)).decode()
        headers["webhook-signature"] = f"{wrong} v1a,x v1 {headers['webhook-signature']}"
        assert post(url, BODY, headers).status_code == 202


def test_without_a_secret_nothing_is_believed(config: Config, start: Recorder) -> None:
    """503, and readiness says which is missing; health does not depend on it."""

    def none() -> tuple[SecretStr, ...]:
        raise BadInput(None, "there is no webhook secret")

    def away() -> None:
        raise ServiceDown("Prefect", "http://127.0.0.1:9/api", "ConnectError")

    with serving(replace(config, secrets=none, prefect_ready=away)) as url:
        assert post(url, BODY, signed(BODY)).status_code == 503
        answer = requests.get(f"{url}/readyz", timeout=30)
        assert (answer.status_code, answer.json()) == (503, {"claims": "ok", "secret": "not set", "prefect": "away"})
        assert requests.get(f"{url}/healthz", timeout=30).json() == {"status": "ok"}
    with serving(config) as url:
        assert requests.get(f"{url}/readyz", timeout=30).status_code == 200
    assert start.calls == []


def test_strangers_who_ask_whether_it_is_ready_cost_one_question(config: Config) -> None:
    """Sixty at once have database and Prefect asked once; when the answer is old, it is asked for again."""
    asked: list[str] = []
    noted = replace(config, prefect_ready=lambda: asked.append("prefect"), reading_s=3600)
    with serving(noted) as url, ThreadPoolExecutor(30) as callers:
        answers = list(callers.map(lambda _: requests.get(f"{url}/readyz", timeout=30), range(60)))
    assert {answer.status_code for answer in answers} == {200}
    assert asked == ["prefect"]
    with serving(replace(config, prefect_ready=lambda: asked.append("again"), reading_s=0)) as url:
        for _ in range(2):
            requests.get(f"{url}/readyz", timeout=30)
    assert asked == ["prefect", "again", "again"]


def test_without_its_database_it_runs_and_says_so(config: Config, start: Recorder) -> None:
    """503 for calls: without ids it cannot tell a replay."""
    with serving(replace(config, claims_url="postgresql://gauntlet:hunter2@127.0.0.1:9/claims")) as url:
        answer = post(url, BODY, signed(BODY))
        assert answer.status_code == 503
        assert "hunter2" not in answer.text
        assert requests.get(f"{url}/readyz", timeout=30).json()["claims"] == "away"
    assert start.calls == []


def test_nothing_secret_is_logged(url: str, config: Config, caplog: pytest.LogCaptureFixture) -> None:
    """Neither secret nor signature nor body, whatever becomes of the call."""
    caplog.set_level(logging.DEBUG)
    headers = signed(BODY)
    for body in (BODY, BODY, BODY.replace("new", "old"), "x" * 20_000):
        post(url, body, headers)
    said = caplog.text + repr(config)
    assert "refused /hooks/retrain" in said
    for secret in (SECRET, SECRET.removeprefix("whsec_"), headers["webhook-signature"][3:], "tool steel"):
        assert secret not in said


def test_the_document_says_how_to_call(url: str) -> None:
    """OpenAPI: the bodies' schemas, the three headers, every status; and no page that loads from elsewhere."""
    document = requests.get(f"{url}/openapi.json", timeout=30).json()
    hook = document["paths"]["/hooks/maintenance"]["post"]
    schema = hook["requestBody"]["content"]["application/json"]["schema"]
    assert set(schema["required"]) == set(ORDER)
    assert schema["additionalProperties"] is False
    assert {one["name"] for one in hook["parameters"]} == {"webhook-id", "webhook-timestamp", "webhook-signature"}
    assert {"202", "400", "401", "408", "409", "413", "415", "422", "429", "503"} <= set(hook["responses"])
    assert requests.get(f"{url}/docs", timeout=30).status_code == 404
