"""The three servers of the local stack, as a table: how each is started and how one knows that it is well."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import socket
import sys
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from gauntlet.datasets.errors import GauntletError
from gauntlet.deployments.stack.private import credentials, password, s3_environment, s3_identities
from gauntlet.tasks.runtime.connection import ADDRESS, USER, own_credentials, s3_client
from gauntlet.tasks.runtime.settings import Settings

# Nothing may look at the internet, and nothing may tell anybody that it runs.
QUIET = {
    "DO_NOT_TRACK": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}
_GRPC = 10_000  # SeaweedFS listens for gRPC on its HTTP port plus this
_FREE_PORTS = range(20_000, 44_000)


@dataclass(frozen=True)
class Service:
    """One server: its wished port, its command and environment, and whether it is well at an address."""

    name: str
    wished_port: Callable[[Settings], int]
    command: Callable[[Settings, int], list[str]]
    environment: Callable[[Settings, Mapping[str, str]], Mapping[str, str]]
    healthy: Callable[[Settings, str], bool]
    grpc: bool = False

    def url(self, port: int) -> str:
        """The address at a port."""
        return f"http://{ADDRESS}:{port}"

    def ports(self, port: int) -> tuple[int, ...]:
        """Every port that it listens at when this is its own."""
        return (port, port + _GRPC) if self.grpc else (port,)


def program(name: str) -> str:
    """The path of a program of this environment.

    Raises:
        GauntletError: it is not installed.
    """
    found = shutil.which(name, path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    if found is None:
        raise GauntletError(f"the program {name} is not installed. Run `make` again, or install requirements.lock.")
    return found


def free(port: int, grpc: bool = False, host: str = ADDRESS) -> bool:
    """True when nobody listens on the port (and on its gRPC sibling)."""
    for wanted in (port, port + _GRPC) if grpc else (port,):
        with contextlib.closing(socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, wanted))
            except OSError:
                return False
    return True


def some_free_port(grpc: bool = False) -> int:
    """A port that nobody listens on."""
    candidates = (random.choice(_FREE_PORTS) for _ in range(1_000))
    return next(port for port in candidates if free(port, grpc))


def weed_command(port: int, folder: Path, identities: Path, bind: str = ADDRESS) -> list[str]:
    """SeaweedFS with all its parts in one process, its objects in the folder. The parts find each other on loopback.

    `bind`: where it listens; `identities`: the file of those who get in.
    """
    return [
        program("weed"),
        "mini",
        f"-dir={folder}",
        f"-ip={ADDRESS}",
        f"-ip.bind={bind}",
        "-master.telemetry=false",
        "-admin.ui=false",
        "-webdav=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-s3.autoCreateBucket=false",
        "-volume.preStopSeconds=0",
        f"-s3.config={identities}",
        f"-s3.port={port}",
    ]


def _s3_command(cfg: Settings, port: int) -> list[str]:
    folder = cfg.state / "s3"
    folder.mkdir(parents=True, exist_ok=True)
    identities = s3_identities(cfg.state / "stack" / "s3-identities.json", credentials(cfg))
    inner = {name: some_free_port(grpc=True) for name in ("master", "volume", "filer", "admin")}
    ports = (f"-{name}.port={inner_port}" for name, inner_port in inner.items())
    return [*weed_command(port, folder, identities), *ports]


def _s3_environment(cfg: Settings, _addresses: Mapping[str, str]) -> dict[str, str]:
    return s3_environment(cfg.state / "stack" / "tls")


def _s3_healthy(cfg: Settings, url: str) -> bool:
    """True when an object can be written: buckets answer before volumes are up."""
    client = s3_client(url, credentials(cfg), cfg.aws_region, attempts=1, timeout_s=2)
    try:
        with contextlib.suppress(client.exceptions.BucketAlreadyOwnedByYou, client.exceptions.BucketAlreadyExists):
            client.create_bucket(Bucket=cfg.s3_bucket)
        client.put_object(Bucket=cfg.s3_bucket, Key=".healthy", Body=b"")
    except Exception:  # noqa: BLE001 - boto3 has many words for "not yet"
        return False
    return True


def _mlflow_command(cfg: Settings, port: int) -> list[str]:
    folder = cfg.state / "mlflow"
    folder.mkdir(parents=True, exist_ok=True)
    return [
        sys.executable,
        "-P",
        "-m",
        "gauntlet.deployments.stack._mlflow_server",
        str(port),
        f"sqlite:///{folder / 'mlflow.db'}",
        f"s3://{cfg.s3_bucket}",
    ]


def _prefect_command(cfg: Settings, port: int) -> list[str]:
    (cfg.state / "prefect").mkdir(parents=True, exist_ok=True)
    return [sys.executable, "-P", "-m", "prefect", "server", "start", "--host", ADDRESS, "--port", str(port)]


def _mlflow_environment(cfg: Settings, addresses: Mapping[str, str]) -> dict[str, str]:
    """What it needs to show artifacts on its pages: the user's own S3 as environment and `.env` have it, or ours."""
    endpoint, keys = (cfg.s3_endpoint_url, own_credentials(cfg)) if cfg.own_s3 else (addresses["s3"], credentials(cfg))
    needs = {
        "MLFLOW_S3_ENDPOINT_URL": endpoint,
        "AWS_PROFILE": cfg.aws_profile if cfg.own_s3 else None,
        "AWS_ACCESS_KEY_ID": keys.access_key if keys else None,
        "AWS_SECRET_ACCESS_KEY": keys.secret_key.get_secret_value() if keys else None,
        "AWS_DEFAULT_REGION": cfg.aws_region,
        "MLFLOW_TRACKING_PASSWORD": password(cfg, "mlflow"),
    }
    return {name: value for name, value in needs.items() if value}


def _prefect_environment(cfg: Settings, addresses: Mapping[str, str]) -> dict[str, str]:
    """Its pages ask the API at port 4200 unless they are told where it is, and stay empty when the port was moved.

    Without a password, and with pages from everywhere let in, which is how it starts, every page in the user's browser
    could read what it holds.
    """
    home = cfg.state / "prefect"
    return {
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{home / 'prefect.db'}",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_API_URL": "",
        "PREFECT_API_AUTH_STRING": "",
        "PREFECT_SERVER_API_AUTH_STRING": f"{USER}:{password(cfg, 'prefect')}",
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": addresses["prefect"],
        "PREFECT_SERVER_UI_API_URL": f"{addresses['prefect']}/api",
    }


def _answers(path: str) -> Callable[[Settings, str], bool]:
    def healthy(_cfg: Settings, url: str) -> bool:
        try:
            with urllib.request.urlopen(url + path, timeout=2) as answer:  # noqa: S310 - our own loopback address
                return bool(answer.status == 200)
        except (OSError, HTTPException):
            return False

    return healthy


S3 = Service("s3", lambda cfg: cfg.s3_port, _s3_command, _s3_environment, _s3_healthy, grpc=True)
MLFLOW = Service("mlflow", lambda cfg: cfg.mlflow_port, _mlflow_command, _mlflow_environment, _answers("/health"))
PREFECT = Service(
    "prefect", lambda cfg: cfg.prefect_port, _prefect_command, _prefect_environment, _answers("/api/health")
)
SERVICES = (S3, MLFLOW, PREFECT)


def needed(cfg: Settings) -> tuple[Service, ...]:
    """The services that the user did not bring. S3 is needed by our own MLflow only."""
    wanted = {"s3": not cfg.own_s3 and not cfg.own_mlflow, "mlflow": not cfg.own_mlflow, "prefect": not cfg.own_prefect}
    return tuple(service for service in SERVICES if wanted[service.name])
