"""Servers whose addresses hold passwords, in vain: what is printed, logged, raised and stored of them shows none."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient
from prefect.settings import PREFECT_API_URL, temporary_settings
from sqlalchemy import create_engine

from gauntlet.blocks import RetrainPolicy
from gauntlet.datasets.errors import GauntletError, ServiceDown
from gauntlet.deployments import cli
from gauntlet.deployments import stack as local_stack
from gauntlet.deployments.deploy import _documents
from gauntlet.deployments.hook_start import prefect_ready, start_deployment
from gauntlet.deployments.stack import worker
from gauntlet.deployments.stack.probe import probe_mlflow, probe_s3
from gauntlet.tasks.claims import open_database
from gauntlet.tasks.loop.telemetry import write_predictions
from gauntlet.tasks.promotion.log import open_log
from gauntlet.tasks.registry.cache import ModelCache
from gauntlet.tasks.registry.keys import make_key
from gauntlet.tasks.runtime.connection import Connection, load_block
from gauntlet.tasks.runtime.settings import Settings, settings
from gauntlet.tasks.runtime.tracking import experiment, servers, tracked

SECRET = "hunter2Xy"
LOGIN = f"http://plant:{SECRET}@127.0.0.1:9"
QUERY = f"http://127.0.0.1:9/p?token={SECRET}"
DATABASE = f"postgresql+psycopg://plant:{SECRET}@127.0.0.1:9/x?sslpassword={SECRET}&connect_timeout=3"


def raised_by(act: Callable[[], object]) -> str:
    """All that Prefect would log of the error that the act raises, and the error's own line."""
    with pytest.raises(GauntletError) as caught:
        act()
    return "".join(traceback.format_exception(caught.value, chain=True)) + str(caught.value)


@pytest.fixture(params=[LOGIN, QUERY], ids=["login", "query"])
def address(request: pytest.FixtureRequest) -> str:
    """Of a server that is away."""
    return str(request.param)


@pytest.fixture
def away(stack: Any, address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Connection]:
    """MLflow and S3 at that address, and this process pointed there."""
    for name in ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "AWS_MAX_ATTEMPTS"):
        monkeypatch.setenv(name, "0" if name.startswith("MLFLOW") else "1")
    mlflow.set_tracking_uri(address)
    connection = Connection(address, "b", "us-east-1", address, None, key_file=tmp_path / "k.pem")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    yield connection
    monkeypatch.undo()
    stack.connection.export()


def test_mlflow_and_s3_away(away: Connection) -> None:
    """In the error, in what it came from, and in what `status` says of a probe."""

    def runs() -> None:
        with servers(away):
            MlflowClient(away.tracking_uri).search_experiments()

    def objects() -> None:
        with servers(away):
            away.s3().list_buckets()

    for text in (raised_by(runs), raised_by(objects), probe_mlflow(away), probe_s3(away)):
        assert text
        assert SECRET not in text
    assert SECRET not in away.mlflow_ui


def test_a_cache_without_its_model(away: Connection, tmp_path: Path) -> None:
    """Neither raised nor kept as the reason for a stale answer."""
    cache = ModelCache(make_key(tmp_path / "k.pem").public_key())
    assert SECRET not in raised_by(lambda: cache.get("somebody"))


def test_prefect_away(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked by the webhook, for its health, and for a block."""
    monkeypatch.setenv("PREFECT_API_URL", address)
    with temporary_settings({PREFECT_API_URL: address}):
        for act in (
            prefect_ready,
            lambda: start_deployment("retrain", {}, "key"),
            lambda: load_block(RetrainPolicy),
        ):
            assert SECRET not in raised_by(act)


def test_a_database_away() -> None:
    """Claims, promotion log and telemetry."""
    row = {"gauntlet": "g", "file": "f", "sha256": "s", "rows": 1, "model": "m", "version": 1}
    manifest: Any = SimpleNamespace(**row, scored_at="2026-01-01T00:00:00+00:00")
    rows = pd.DataFrame({"_score": [0.0], "_alarm": [False], "_key": ["k"], "_late": [False]})
    for act in (
        lambda: open_database(DATABASE),
        lambda: open_log(create_engine(DATABASE)),
        lambda: write_predictions(DATABASE, "t", manifest, rows),
    ):
        text = raised_by(act)
        assert SECRET not in text
        assert "plant:***@127.0.0.1:9" in text


def test_status_and_pages_of_own_servers(bare_environment: None, address: str, tmp_path: Path) -> None:
    """`gauntlet status`, and the addresses below a run's table."""
    named = {"home": tmp_path, "prefect_api_url": address, "mlflow_tracking_uri": address, "s3_endpoint_url": address}
    cfg = Settings.model_validate(named)
    lines = [service.line() for service in local_stack.status(cfg)]
    assert len(lines) == 3
    assert SECRET not in " ".join(lines)
    assert SECRET not in " ".join(local_stack._connect_process(cfg).values())
    assert SECRET not in " ".join(str(document.model_dump()) for document in _documents(cfg, resolved(cfg)))


def resolved(cfg: Settings) -> Connection:
    from gauntlet.tasks.runtime.connection import resolve

    return resolve(cfg, blocks=False)


def test_the_record_of_a_worker(bare_environment: None, address: str, tmp_path: Path) -> None:
    """Neither its pid file nor its line; it is known again by the address in its own environment."""
    cfg = Settings.model_validate({"home": tmp_path, "service_timeout_s": 1.0})
    make_key(cfg.key_file)
    try:
        first = worker.up(cfg, address)
        assert worker.up(cfg, address) == first
    except ServiceDown as error:  # it gave up within the second
        assert SECRET not in str(error)  # noqa: PT017
    finally:
        record = (tmp_path / "stack" / "worker.json").read_text()
        worker.down(cfg)
    assert "127.0.0.1:9" in record
    assert SECRET not in record + worker.line(cfg)


def test_what_was_not_foreseen(
    bare_environment: None, address: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """An error of a library, and a setting that is wrong."""

    def broken(_cfg: object) -> None:
        raise RuntimeError(f"cannot reach {address}")

    monkeypatch.setattr("gauntlet.deployments.stack.status", broken)
    monkeypatch.setattr(sys, "argv", ["gauntlet", "status"])
    with pytest.raises(SystemExit):
        cli.main()
    monkeypatch.setenv("GAUNTLET_S3_PORT", address)
    settings.cache_clear()
    with pytest.raises(SystemExit):
        cli.main()
    err = capfd.readouterr().err
    assert err.count("127.0.0.1:9") == 2
    assert SECRET not in err


def test_a_failed_run_in_mlflow(stack: Any, address: str) -> None:
    """Its reason is a tag, which everybody reads; its page is a link without a login."""
    parent = experiment("shown", stack.connection)
    shown = replace(stack.connection, tracking_uri=stack.connection.tracking_uri.replace("//", f"//plant:{SECRET}@"))
    with pytest.raises(RuntimeError), tracked(shown, parent, "failing", {}) as run:
        raise RuntimeError(f"cannot reach {address}")
    assert run.url.startswith(f"{stack.connection.tracking_uri}/#/experiments/")
    reason = MlflowClient().get_run(run.run_id).data.tags["failure"]
    assert "127.0.0.1:9" in reason
    assert SECRET not in reason
