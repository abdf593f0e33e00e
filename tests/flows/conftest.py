"""One small run of each gauntlet, shared by the tests that look at what it left behind."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from gauntlet.blocks import AlertChannel
from gauntlet.datasets import dataset
from gauntlet.deployments.selftest.child import promoted
from gauntlet.deployments.selftest.plant import another_product
from gauntlet.flows import _promotion, flow_named
from gauntlet.tasks.gauntlets import named
from gauntlet.tasks.result import GauntletResult
from gauntlet.tasks.runtime.connection import block_name

# Enough for every step, few enough for a test.
SMALL = {
    "ai4i": 0.15, "pump": 0.3, "skab": 0.5, "nasa": 0.11, "xjtu": 0.02, "femto": 0.02, "mimii": 0.1, "forecasting": 0.3,
    "synthetic": 0.5, "anomaly": 0.5,
}  # fmt: skip
# The data set of a gauntlet, where it bears another name.
READS = {"forecasting": "sensors", "synthetic": "sensors", "anomaly": "sensors"}


@dataclass(frozen=True)
class Ran:
    """A gauntlet's flow, the folder of its data and what it handed back."""

    name: str
    data: Any
    result: GauntletResult

    def again(self, **parameters: Any) -> GauntletResult:
        """The same flow on the same data."""
        return flow_named(self.name)(data=self.data, **{"seed": 7, **parameters})


_RUNS: dict[str, Ran] = {}


def forget(gauntlet: str) -> None:
    """Nothing of a gauntlet is registered any more: whoever comes next is the first, and its best is the champion."""
    for name in named(gauntlet).registered:
        for model in MlflowClient().search_registered_models(f"name='{name}'"):
            MlflowClient().delete_registered_model(model.name)


@pytest.fixture(scope="module")
def unregistered(stack: Any) -> Any:
    """`forget`, for a module that runs a gauntlet on data of its own."""
    return forget


@pytest.fixture
def ran(request: pytest.FixtureRequest, stack: Any, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The first run of the gauntlet named by the parameter, on a small simulated set."""
    name = request.param
    if name not in _RUNS:
        forget(name)
        data = tmp_path_factory.mktemp(name)
        dataset(READS.get(name, name)).simulation(seed=7, scale=SMALL[name]).write(data)
        _RUNS[name] = Ran(name, data, flow_named(name)(data=data, seed=7))
    return _RUNS[name]


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """A folder with one scored-to-be file of another product: 9 Nm more torque; failures by the process' own three rules."""

    def drawn(seed: int) -> Path:
        return another_product(tmp_path_factory.mktemp(f"product-{seed}") / "of", seed, rows=1000)

    return drawn


@pytest.fixture
def every_challenger_is_better(monkeypatch: pytest.MonkeyPatch) -> None:
    """The decision stands for itself elsewhere; here it is made whatever the figures of a small simulated set."""
    monkeypatch.setattr(_promotion, "decide", promoted)


@pytest.fixture
def chat(stack: Any) -> Iterator[list[str]]:
    """What a chat channel of its own is told."""
    taken: list[str] = []

    class Channel(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Channel)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    channel = AlertChannel(enabled=True, url=f"http://127.0.0.1:{server.server_port}/")
    channel.save(block_name(AlertChannel), overwrite=True)
    yield taken
    AlertChannel().save(block_name(AlertChannel), overwrite=True)
    server.shutdown()
    server.server_close()
    thread.join()
