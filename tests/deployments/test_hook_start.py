"""What a message starts on a real Prefect server, where its secret comes from, and how many a minute there may be."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import requests
from prefect import get_client
from prefect.blocks.system import Secret
from prefect.settings import PREFECT_API_URL, temporary_settings
from pydantic import SecretStr

from gauntlet.datasets.errors import BadInput, ServiceDown
from gauntlet.deployments import hook_start
from gauntlet.deployments.hook_start import Retrain, prefect_ready, remembered, secrets, start_deployment
from gauntlet.deployments.stack.process import wait_until
from gauntlet.deployments.stack.services import some_free_port
from gauntlet.deployments.throttle import Throttle
from gauntlet.deployments.webhook_client import new_secret, send

ROOT = Path(__file__).resolve().parents[2]

BODY = Retrain(gauntlet="ai4i", reason="new tool steel").model_dump(mode="json")


@pytest.fixture
def deployed(stack: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A deployment of a flow with the body's parameters."""
    schema = {"type": "object", "additionalProperties": False, "properties": Retrain.model_json_schema()["properties"]}
    with get_client(sync_client=True) as client:
        flow = client.create_flow_from_name(f"hooked-{uuid4().hex}")
        found = client.create_deployment(
            flow, "by-hook", parameter_openapi_schema=schema, enforce_parameter_schema=True, paused=True
        )
        name = f"{client.read_flow(flow).name}/by-hook"
        monkeypatch.setattr(hook_start, "DEPLOYMENTS", {"retrain": name, "maintenance": "hooked/not-there"})
        yield found
        client.delete_deployment(found)


def test_the_same_key_is_the_same_run(deployed: Any) -> None:
    """One run with the body's fields, tagged; another key, another run."""
    key = uuid4().hex
    first, again = (start_deployment("retrain", BODY, f"webhook-{key}") for _ in range(2))
    other = start_deployment("retrain", BODY, f"webhook-{key}-2")
    assert first == again != other
    with get_client(sync_client=True) as client:
        runs = {str(run.id): run for run in client.read_flow_runs() if run.deployment_id == deployed}
    assert set(runs) == {first, other}
    assert runs[first].parameters == BODY
    assert "webhook" in runs[first].tags


SERVE = """
import sys
from gauntlet.deployments import api, hook_start
hook_start.DEPLOYMENTS = {"retrain": sys.argv[1]}
api.serve(port=int(sys.argv[2]))
"""


def test_the_server_as_it_is_started_finds_all_by_itself(deployed: Any, stack: Any, tmp_path: Path) -> None:
    """Prefect by its address, the secret in its block, the ids in the home folder: a message becomes a run, once."""
    port, secret = some_free_port(), new_secret()
    environment = {
        **os.environ, "GAUNTLET_HOME": str(tmp_path), "PREFECT_API_URL": f"{stack.urls['Prefect']}/api",
        "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    environment.pop("GAUNTLET_WEBHOOK_SECRET", None)
    command = [sys.executable, "-c", SERVE, hook_start.DEPLOYMENTS["retrain"], str(port)]
    server = subprocess.Popen(command, env=environment, cwd=ROOT)
    Secret(value=secret).save("gauntlet-webhook")
    url = f"http://127.0.0.1:{port}"
    try:
        assert wait_until(lambda: _status(f"{url}/readyz") == 200, time.monotonic() + 60)
        body = json.dumps(BODY)
        first, again = (send(f"{url}/hooks/retrain", body, secret, "msg_1") for _ in range(2))
        assert (first.status_code, again.status_code) == (202, 409)
        with get_client(sync_client=True) as client:
            run = client.read_flow_run(UUID(first.json()["flow_run_id"]))
        assert (run.deployment_id, run.parameters) == (deployed, BODY)
    finally:
        Secret.delete("gauntlet-webhook")
        server.terminate()
        server.wait(30)


KILLED = """
import os, signal, sys
from dataclasses import replace
from datetime import timedelta
from gauntlet.deployments import api, hook_start
hook_start.DEPLOYMENTS = {"retrain": sys.argv[1]}
def start(kind, body, key):
    run = None if sys.argv[3] == "before" else hook_start.start_deployment(kind, body, key)
    if sys.argv[3] != "never":
        os.kill(os.getpid(), signal.SIGKILL)
    return run
api.serve(replace(api.from_environment(), start=start, turn=timedelta(seconds=10)), port=int(sys.argv[2]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_server_killed_over_a_message_leaves_one_run(moment: str, deployed: Any, stack: Any, tmp_path: Path) -> None:
    """kill -9 before the run is started and after, the answer lost: of two servers the other says 503, then which run."""
    secret, ports = new_secret(), {moment: some_free_port(), "never": some_free_port()}
    environment = {
        **os.environ, "GAUNTLET_HOME": str(tmp_path), "PREFECT_API_URL": f"{stack.urls['Prefect']}/api",
        "PYTHONPATH": str(ROOT), "GAUNTLET_WEBHOOK_SECRET": secret,
    }  # fmt: skip
    command = [sys.executable, "-c", KILLED, hook_start.DEPLOYMENTS["retrain"]]
    servers = [subprocess.Popen([*command, str(port), when], env=environment, cwd=ROOT) for when, port in ports.items()]
    dying, other = (f"http://127.0.0.1:{port}" for port in ports.values())
    try:
        for url in (dying, other):
            assert wait_until(lambda url=url: _status(f"{url}/readyz") == 200, time.monotonic() + 60)
        body = json.dumps(BODY)
        with pytest.raises(requests.ConnectionError):
            send(f"{dying}/hooks/retrain", body, secret, "msg_1", patience_s=0)
        assert servers[0].wait(30) == -signal.SIGKILL
        unknown = send(f"{other}/hooks/retrain", body, secret, "msg_1", patience_s=0)
        assert (unknown.status_code, "Retry-After" in unknown.headers) == (503, True)
        taken, again = (send(f"{other}/hooks/retrain", body, secret, "msg_1") for _ in range(2))
        assert (taken.status_code, again.status_code) == (202, 409)
        assert taken.json()["flow_run_id"] == again.json()["flow_run_id"]
        with get_client(sync_client=True) as client:
            runs = [str(run.id) for run in client.read_flow_runs() if run.deployment_id == deployed]
        assert runs == [taken.json()["flow_run_id"]]
    finally:
        for server in servers:
            server.terminate()
            server.wait(30)


def _status(url: str) -> int:
    try:
        return requests.get(url, timeout=30).status_code
    except requests.ConnectionError:
        return 0


def test_what_prefect_refuses_is_told_apart(deployed: Any) -> None:
    """Parameters that do not fit are the call's fault; a deployment that is not there can be mended by deploying."""
    with pytest.raises(BadInput, match="does not take these parameters"):
        start_deployment("retrain", {**BODY, "surprise": 1}, uuid4().hex)
    with pytest.raises(ServiceDown, match="gauntlet deploy"):
        start_deployment("maintenance", BODY, uuid4().hex)
    prefect_ready()


@pytest.mark.slow
def test_prefect_away_is_found_out_while_the_sender_waits() -> None:
    """Within the half minute that senders allow."""
    began = time.monotonic()
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        with pytest.raises(ServiceDown, match="Prefect at"):
            start_deployment("retrain", BODY, uuid4().hex)
        with pytest.raises(ServiceDown, match="Prefect at"):
            prefect_ready()
    assert time.monotonic() - began < 25


def test_the_secret_stands_in_the_environment_or_in_a_block(stack: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment wins; several while one replaces another; with neither, the message says where to put it."""
    monkeypatch.delenv("GAUNTLET_WEBHOOK_SECRET", raising=False)
    with pytest.raises(BadInput, match="Set GAUNTLET_WEBHOOK_SECRET or save a Prefect Secret block gauntlet-webhook"):
        secrets()
    first, second = new_secret(), new_secret()
    Secret(value=first).save("gauntlet-webhook")
    try:
        assert secrets() == (SecretStr(first),)
        monkeypatch.setenv("GAUNTLET_WEBHOOK_SECRET", f"{second} {first}")
        assert secrets() == (SecretStr(second), SecretStr(first))
    finally:
        Secret.delete("gauntlet-webhook")


@pytest.mark.parametrize("wrong", ["whsec_", "whsec_c2hvcnQ=", "password", "whsec_" + "ä" * 40, "whsec_" + "A" * 88])
def test_a_weak_secret_is_refused_and_not_repeated(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under 24 bytes, over 64, or no base64: the message names none of it."""
    monkeypatch.setenv("GAUNTLET_WEBHOOK_SECRET", wrong)
    with pytest.raises(BadInput, match="base64 of 24 to 64 bytes") as caught:
        secrets()
    assert wrong == "whsec_" or wrong not in str(caught.value)


def test_a_secret_is_remembered_for_a_minute() -> None:
    """And for as long as Prefect is away; one that was taken away is gone after the minute."""
    answers: list[Any] = []
    now = 0.0

    def resolve() -> tuple[SecretStr, ...]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return (SecretStr(answer),)

    recall = remembered(resolve, lambda: now)
    answers[:] = [ServiceDown("Prefect", "", "")]
    with pytest.raises(ServiceDown):
        recall()
    answers[:] = ["one", "two"]
    assert recall() == recall() == (SecretStr("one"),)
    now = 60.0
    assert recall() == (SecretStr("two"),)
    now, answers[:] = 120.0, [ServiceDown("Prefect", "", "")]
    assert recall() == (SecretStr("two"),)
    now, answers[:] = 180.0, [BadInput(None, "there is none"), BadInput(None, "there is none")]
    for _ in range(2):
        with pytest.raises(BadInput):
            recall()


def test_a_throttle_lets_its_rate_through_and_no_more() -> None:
    """Six a minute: six at once, then one each ten seconds; callers do not share."""
    now = 0.0
    throttle = Throttle(6, lambda: now)
    assert [throttle.wait_s("a") for _ in range(6)] == [0.0] * 6
    assert throttle.wait_s("a") == pytest.approx(10.0)
    assert throttle.wait_s("b") == 0.0
    now = 9.0
    assert throttle.wait_s("a") == pytest.approx(1.0)
    let_through = 0
    for second in range(10, 610):
        now = float(second)
        let_through += throttle.wait_s("a") == 0.0
    assert let_through == 60


def test_a_flood_of_addresses_does_not_fill_the_memory() -> None:
    """Those seen longest ago are forgotten."""
    throttle = Throttle(1)
    for number in range(20_000):
        throttle.wait_s(str(number))
    assert len(throttle._buckets) == 10_000
