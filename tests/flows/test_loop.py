"""The whole loop on real servers and a real worker: drift, event, automation, retraining, promotion, alert; then refused."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from prefect import get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterName
from prefect.client.schemas.objects import FlowRun

from gauntlet.blocks import AlertChannel, DriftPolicy, RetrainPolicy
from gauntlet.datasets import ai4i as data_set
from gauntlet.deployments.deploy import deploy
from gauntlet.deployments.stack import worker
from gauntlet.flows.drift_check import drift_check
from gauntlet.flows.promote import promote
from gauntlet.flows.score import score
from gauntlet.tasks.claims import claims_database, history
from gauntlet.tasks.gauntlets import named
from gauntlet.tasks.models.process_features import rule_oracle
from gauntlet.tasks.promotion import log as promotions
from gauntlet.tasks.promotion.move import standing
from gauntlet.tasks.runtime.connection import block_name

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("ran", ["ai4i"], indirect=True)]

PATIENCE_S = 420.0


@pytest.fixture(scope="module")
def channel() -> Iterator[tuple[str, list[str]]]:
    """A chat channel that records what it is told: its address and the texts."""
    told: list[str] = []

    class Recorder(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", told
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def running(stack: Any, channel: tuple[str, list[str]]) -> Iterator[None]:
    """Everything deployed, one window enough for a verdict, the channel on, and a worker at work."""
    list(deploy(stack.cfg))
    DriftPolicy(window_rows=900, of_last=1, at_least=1, false_alarm_rate=0.02).save(
        block_name(DriftPolicy), overwrite=True
    )
    RetrainPolicy().save(block_name(RetrainPolicy), overwrite=True)
    AlertChannel(enabled=True, url=channel[0]).save(block_name(AlertChannel), overwrite=True)
    worker.up(stack.cfg, stack.urls["Prefect"] + "/api")
    yield
    worker.down(stack.cfg)
    AlertChannel(enabled=False).save(block_name(AlertChannel), overwrite=True)


def _file(folder: Path, name: str, rows: pd.DataFrame) -> Path:
    folder.mkdir(exist_ok=True)
    rows.to_csv(folder / name, index=False)
    (folder / "SIMULATED.json").write_text("{}")
    return folder / name


def _regime(seed: int, tmp_path: Path) -> pd.DataFrame:
    """Rows of another product: 9 Nm more torque; failures by the process' own three rules."""
    table = data_set.read(data_set.simulate(tmp_path / f"drawn-{seed}", seed=seed, rows=1000)).frame
    table["Torque [Nm]"] += 9.0
    table[data_set.SPEC.target] = rule_oracle(table[list(data_set.SPEC.features)])
    return table[[*data_set.SPEC.features, data_set.SPEC.target]]


def _runs(flow: str) -> list[FlowRun]:
    with get_client(sync_client=True) as client:
        return client.read_flow_runs(flow_filter=FlowFilter(name=FlowFilterName(any_=[flow])))


def _wait_for(flow: str, known: set[Any]) -> FlowRun:
    """The next run of a flow, ended."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        for one in _runs(flow):
            if one.id not in known and one.state is not None and one.state.is_final():
                return one
        time.sleep(2)
    states = [(one.name, one.state_name) for one in _runs(flow)]
    raise AssertionError(f"no run of {flow} ended within {PATIENCE_S:.0f} s: {states}")


def test_the_loop_from_drift_to_promotion_and_the_second_one_is_refused(
    ran: Any, stack: Any, running: None, channel: tuple[str, list[str]], tmp_path: Path
) -> None:
    """Undrifted rows wake nobody; a new product retrains; a second one inside the cooldown is refused and says so."""
    table = data_set.read(ran.data).frame[[*data_set.SPEC.features, data_set.SPEC.target]]
    same = table.iloc[np.sort(np.random.default_rng(3).choice(len(table), 900, replace=False))]
    score("ai4i", _file(tmp_path / "same", "same.csv", same))
    assert drift_check("ai4i")["verdict"] == "none"
    time.sleep(3)
    assert _runs("retrain") == []
    assert channel[1] == []

    before = standing(named("ai4i").registered)
    score("ai4i", _file(tmp_path / "new", "product.csv", _regime(31, tmp_path)))
    told = drift_check("ai4i")
    assert (told["verdict"], told["may_retrain"]) == ("operating_change", True)
    assert "torque_nm" in told["features"]
    run = _wait_for("retrain", set())
    assert run.state is not None
    assert run.state.is_completed(), run.state.message
    assert run.created_by is not None
    assert run.created_by.type == "AUTOMATION"
    assert run.parameters["gauntlet"] == "ai4i"

    entry = promotions.history(claims_database(stack.cfg), "ai4i")[-1]
    assert entry.line.to is not None
    assert entry.line.to.name == before.champion.name
    assert entry.line.verdict == "promote", entry.line.why
    after = standing(named("ai4i").registered)
    assert after.champion == entry.line.to
    assert after.previous == before.champion
    texts = " | ".join(channel[1])
    assert "operating change" in texts
    assert "retrained on" in texts
    assert "is champion" in texts
    assert len(channel[1]) == 3

    known = {one.id for one in _runs("retrain")}
    score("ai4i", _file(tmp_path / "newer", "product.csv", _regime(32, tmp_path).assign(**{"Tool wear [min]": 5.0})))
    assert drift_check("ai4i")["verdict"] in ("operating_change", "sensor_fault")
    if drift_check("ai4i")["verdict"] == "operating_change":
        second = _wait_for("retrain", known)
        assert "refused" in second.name
        assert second.state_name == "Refused"
        assert not second.state.is_completed()
        refusals = history(claims_database(stack.cfg), subject="retrain:ai4i", event="claim.refused")
        assert refusals[-1].detail["reason"] == "cooldown"


def test_a_rollback_gives_the_alias_back(ran: Any, stack: Any, running: None) -> None:
    """To the version before, and the log says who and why."""
    before = standing(named("ai4i").registered)
    told = promote("ai4i", rollback=True, reason="the new one alarms too often", by="operator")
    after = standing(named("ai4i").registered)
    assert told["verdict"] == "rolled back"
    assert after.champion == before.previous
    entry = promotions.history(claims_database(stack.cfg), "ai4i")[-1]
    assert (entry.line.who, entry.line.verdict, entry.event) == ("operator", "rollback", "done")
