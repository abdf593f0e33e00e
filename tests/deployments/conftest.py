"""A small stack of a test's own: S3 only, which is up in a second, in a home that goes away."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gauntlet.deployments import stack as local_stack
from gauntlet.deployments.stack.process import marked, stop
from gauntlet.deployments.stack.services import S3, SERVICES, some_free_port
from gauntlet.tasks.runtime.settings import Settings, settings

USERS_OWN = (
    "PREFECT_API_URL", "PREFECT_HOME", "MLFLOW_TRACKING_URI", "MLFLOW_S3_ENDPOINT_URL", "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "GAUNTLET_HOME",
    "GAUNTLET_DATA_DIR", "GAUNTLET_S3_PORT", "GAUNTLET_MLFLOW_PORT", "GAUNTLET_PREFECT_PORT",
)  # fmt: skip
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def serve() -> Iterator[Callable[[type[BaseHTTPRequestHandler]], str]]:
    """Starts a server on loopback that stands for somebody else's and answers as the handler does; its address."""
    started = []

    def made(handler: type[BaseHTTPRequestHandler]) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        started.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield made
    for server in started:
        server.shutdown()
        server.server_close()


@pytest.fixture
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No server or port is named, the home is the test's own; what the code puts into the environment is gone after it."""
    for name in USERS_OWN:
        monkeypatch.setenv(name, "")  # so that it is put back whatever happens to it
        monkeypatch.delenv(name)
    monkeypatch.setenv("GAUNTLET_HOME", str(tmp_path / ".gauntlet"))
    monkeypatch.chdir(tmp_path)
    settings.cache_clear()
    yield
    settings.cache_clear()  # they are the environment's, which is about to be another


def end_all(cfg: Settings) -> None:
    """Kill whatever a test left, by the quickest road."""
    left = [process for service in SERVICES for process in marked(str(cfg.state / "stack" / f"{service.name}.json"))]
    for process in left:
        process.kill()
    stop(*left)  # collects them


@pytest.fixture
def s3_only(
    bare_environment: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Callable[..., Settings]]:
    """Settings of a stack whose only server is S3; other settings as named."""
    monkeypatch.setattr(local_stack, "needed", lambda cfg: (S3,))
    made = []

    def settings_of(**others: object) -> Settings:
        chosen = {"home": tmp_path / "home", "s3_port": some_free_port(grpc=True), "service_timeout_s": 30.0,
                  "prefect_api_url": f"{NOWHERE}/api", "mlflow_tracking_uri": NOWHERE, **others}  # fmt: skip
        made.append(Settings.model_validate(chosen))
        return made[-1]

    yield settings_of
    for cfg in made:
        end_all(cfg)


@pytest.fixture
def cfg(s3_only: Callable[..., Settings]) -> Settings:
    """Settings of such a stack."""
    return s3_only()
