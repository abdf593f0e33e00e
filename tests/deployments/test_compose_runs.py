"""The compose file's commands, run on this machine with their own settings and secrets, a real PostgreSQL among them: each
is healthy, all find each other, and without a key nothing answers. As in a container: no rights, and nothing to write to."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import psutil
import psycopg
import pytest
import requests
import yaml

from gauntlet.deployments.databases import make_databases, read_owner
from gauntlet.deployments.secret_files import CONTENTS, DATABASES, SIGNING_KEY, make_secrets
from gauntlet.deployments.stack.process import start, stop, wait_until
from gauntlet.deployments.stack.services import program, some_free_port

ROOT = Path(__file__).resolve().parents[2]
SERVICES: Mapping[str, Any] = yaml.safe_load((ROOT / "deployments" / "compose.yaml").read_text())["services"]
DOCKERFILE = (ROOT / "deployments" / "Dockerfile").read_text()
PORTS = {"s3": 8333, "prefect": 4200, "mlflow": 5000, "api": 8000, "worker": 8080}
FOREIGN = "http://pages.example"
PATHS = {
    "s3": ("/", "/maintenance-artifacts", "/buckets", "/dir/assign", "/dir/status", "/vol/status", "/admin", "/metrics"),
    "mlflow": ("/", "/api/2.0/mlflow/experiments/search", "/version", "/get-artifact", "/metrics", "/graphql"),
    "prefect": (
        "/api/flow_runs/filter", "/api/block_documents/filter", "/api/admin/settings", "/api/variables/filter",
        "/api/work_pools/filter",
    ),
    "api": ("/hooks/retrain", "/hooks/maintenance", "/docs", "/metrics"),
    "worker": ("/", "/state", "/metrics"),
}  # fmt: skip
# A container's root is read-only, and its user has no right that the owner of a file has not.
IN_CONTAINER = (
    "unshare", "--mount", "sh", "-c",
    'mount --bind /tmp /tmp && mount --bind "$GAUNTLET_TEST_HOME" "$GAUNTLET_TEST_HOME" && mount -o remount,ro,bind / && '
    'exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs "$@"', "sh",
)  # fmt: skip


def confined() -> bool:
    """True where this process may make a container's walls."""
    tried = [*IN_CONTAINER, "true"]
    possible = shutil.which("unshare") and shutil.which("setpriv") and os.geteuid() == 0
    environment = {**os.environ, "GAUNTLET_TEST_HOME": str(Path.cwd())}
    return bool(possible) and subprocess.run(tried, capture_output=True, env=environment, check=False).returncode == 0


# Of the servers that other tests of this process use.
OTHERS = ("GAUNTLET_", "PREFECT_", "MLFLOW_", "AWS_")


class Machine:
    """The services of the file as processes of this machine: their commands, settings and secrets, other hosts and ports."""

    def __init__(self, postgres: tuple[str, str], home: Path) -> None:
        self.home, self.running, self.walls = home, {}, IN_CONTAINER if confined() else ()
        for folder in ("s3", "home", "secrets"):
            (home / folder).mkdir()
        self.ports = {name: some_free_port(grpc=name == "s3") for name in PORTS}
        self.inner = {name: some_free_port(grpc=True) for name in ("master", "volume", "filer", "admin")}
        address, superuser = postgres
        self.postgres = address.rpartition("@")[2].rpartition("/")[0]
        make_secrets(home / "secrets")
        (home / "secrets" / "postgres_password").write_text(superuser)
        for name in (*CONTENTS, SIGNING_KEY):
            file = home / "secrets" / name
            file.write_text(file.read_text().replace("postgres:5432:", f"{self.postgres}:"))
            shutil.chown(file, os.geteuid())

    def secret(self, name: str) -> str:
        """What a secret's file holds."""
        return (self.home / "secrets" / name).read_text().strip()

    def here(self, text: str) -> str:
        """A word of the file, with this machine's addresses in the services' place."""
        given = {"GAUNTLET_DATA_DIR": str(self.home)}
        text = re.sub(r"\$\{([A-Z_]+):[?-]([^}]*)\}", lambda found: given.get(found[1], found[2]), text)
        for name, port in PORTS.items():
            text = re.sub(rf"\b({name}|127\.0\.0\.1|localhost):{port}\b", f"127.0.0.1:{self.ports[name]}", text)
            text = re.sub(rf"^{port}$", str(self.ports[name]), text)
        text = text.replace("postgres:5432", self.postgres).replace("0.0.0.0", "127.0.0.1")
        folders = {"/var/lib/s3": "s3", "/var/lib/gauntlet": "home", "/run/secrets": "secrets"}
        for there, name in folders.items():
            text = text.replace(there, str(self.home / name))
        return text

    def environment(self, name: str) -> dict[str, str]:
        """What the image and the file put into a service's environment."""
        image = dict(re.findall(r"([A-Z_]+)=(\S+)", DOCKERFILE.rpartition("\nENV ")[2].partition("\nWORKDIR")[0]))
        own = {"HOME": str(self.home / name), "TMPDIR": str(self.home / name)}
        (self.home / name).mkdir(exist_ok=True)
        settings = {key: self.here(value) for key, value in SERVICES[name]["environment"].items()}
        for key, value in settings.items():  # what a container has alone is here a folder of its own
            if value.startswith("/tmp/") and not value.startswith(str(self.home)):
                settings[key] = value.replace("/tmp", str(self.home / name), 1)
        theirs = {key: value for key, value in os.environ.items() if not key.startswith(OTHERS)}
        return {
            **theirs, **{key: value for key, value in image.items() if key not in ("PATH", "VIRTUAL_ENV")},
            "GAUNTLET_HOME": str(self.home / "home"), **settings, **own,
            "PREFECT_WORKER_WEBSERVER_PORT": str(self.ports["worker"]), "GAUNTLET_TEST_HOME": str(self.home),
        }  # fmt: skip

    def command(self, name: str) -> list[str]:
        """A service's command behind the image's entrypoint, its program that of this environment."""
        first, *others = (self.here(word) for word in SERVICES[name]["command"])
        chosen = sys.executable if first == "python" else program(first)
        return [*self.walls, sys.executable, "-m", "gauntlet.deployments.entrypoint", chosen, *others]

    def run(self, name: str) -> str:
        """Run a service that ends; what it said."""
        answer = subprocess.run(
            self.command(name), env=self.environment(name), cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return answer.stdout

    def start(self, name: str, *more: str) -> None:
        """Run a service that stays, and wait until its own health check is content."""
        log = self.home / f"{name}.log"
        self.running[name] = start([*self.command(name), *more], self.environment(name), log)
        _, interpreter, *check = SERVICES[name]["healthcheck"]["test"]
        assert interpreter == "python"

        def healthy() -> bool:
            answer = subprocess.run([sys.executable, *map(self.here, check)], capture_output=True, check=False)
            return answer.returncode == 0

        assert wait_until(healthy, time.monotonic() + 180, every=1.0), log.read_text()[-2000:]

    def listening(self, name: str) -> list[int]:
        """Every port that the service's processes listen on."""
        process = self.running[name]
        return sorted(
            connection.laddr.port
            for one in (process, *process.children(recursive=True))
            for connection in one.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        )


@pytest.fixture
def machine(locked_postgres: tuple[str, str], tmp_path: Path) -> Iterator[Machine]:
    """Nothing runs yet; nothing does afterwards."""
    made = Machine(locked_postgres, tmp_path)
    yield made
    stop(*made.running.values())


@pytest.mark.slow
def test_the_services_run_as_the_file_says(machine: Machine) -> None:
    """Their own commands, settings and secrets, in the file's order: each is healthy by its own check, all find each other,
    and no port of any of them answers without a key, a foreign page or under a foreign name."""
    assert machine.run("databases").count("made") == len(DATABASES)
    machine.start("s3", *(f"-{name}.port={port}" for name, port in machine.inner.items()))
    machine.start("mlflow")
    machine.start("prefect")
    assert "work pool    gauntlet (made)" in machine.run("deploy")
    machine.start("worker")
    machine.start("api")
    _assert_they_find_each_other(machine)
    _assert_no_port_answers_without_a_key(machine)
    _assert_no_secret_shows(machine)


def _assert_they_find_each_other(machine: Machine) -> None:
    ready = requests.get(f"http://127.0.0.1:{machine.ports['api']}/readyz", timeout=60).json()
    assert ready == {"claims": "ok", "secret": "ok", "prefect": "ok"}
    for name, table in {"mlflow": "registered_models", "prefect": "deployment", "claims": "gauntlet_once"}.items():
        owner = read_owner(machine.home / "secrets" / f"{name}_database")
        with psycopg.connect(f"postgresql://{name}@{machine.postgres}/{name}", password=owner.password) as connection:
            assert connection.execute("SELECT to_regclass(%s) IS NOT NULL", [table]).fetchone() == (True,)
    keys = {"aws_access_key_id": "gauntlet", "aws_secret_access_key": machine.secret("s3_secret_key")}
    address = f"http://127.0.0.1:{machine.ports['s3']}"
    client = boto3.client("s3", endpoint_url=address, region_name="us-east-1", **keys)
    client.put_object(Bucket="maintenance-artifacts", Key="kept", Body=b"kept")
    assert client.get_object(Bucket="maintenance-artifacts", Key="kept")["Body"].read() == b"kept"
    experiments = f"http://127.0.0.1:{machine.ports['mlflow']}/api/2.0/mlflow/experiments/search?max_results=1"
    login = ("gauntlet", machine.secret("mlflow_password"))
    assert requests.get(experiments, auth=login, timeout=30).status_code == 200
    assert requests.get(experiments, auth=login, headers={"Origin": FOREIGN}, timeout=30).status_code == 403
    page = requests.get(f"http://127.0.0.1:{machine.ports['prefect']}/", timeout=30)
    assert (page.status_code, "<!DOCTYPE html>" in page.text) == (200, True)


def _assert_no_port_answers_without_a_key(machine: Machine) -> None:
    listening = {name: machine.listening(name) for name in machine.running}
    assert {name: len(ports) for name, ports in listening.items()} == {
        "s3": 10, "mlflow": 1, "prefect": 1, "worker": 2, "api": 1,  # a worker's second: Prefect's channel to its runs
    }  # fmt: skip
    for name, ports in listening.items():
        for port in ports:
            for path in PATHS[name]:
                for method in ("GET", "POST", "PUT", "DELETE"):
                    for headers in ({}, {"Origin": FOREIGN}, {"Host": "pages.example"}):
                        status = _status(port, path, method, headers)
                        assert status is None or status >= 400, (name, port, method, path, headers, status)


def _status(port: int, path: str, method: str, headers: dict[str, str]) -> int | None:
    """None where the door did not open at all."""
    try:
        return requests.request(
            method, f"http://127.0.0.1:{port}{path}", headers=headers, json={}, timeout=10
        ).status_code
    except requests.RequestException:
        return None


def _assert_no_secret_shows(machine: Machine) -> None:
    """Neither on a command line nor in a log."""
    secrets = {machine.secret(name).rpartition(":")[2] for name in (*CONTENTS, SIGNING_KEY)}
    for name, process in machine.running.items():
        lines = " ".join(word for one in (process, *process.children(recursive=True)) for word in one.cmdline())
        said = lines + (machine.home / f"{name}.log").read_text(errors="replace")
        assert not [secret for secret in secrets if secret in said], name


@pytest.mark.slow
def test_each_database_has_an_owner_with_no_other_right(locked_postgres: tuple[str, str], tmp_path: Path) -> None:
    """No superuser; each gets into its own database only, by its own password only, also after that was replaced."""
    address, superuser = locked_postgres
    with_password = address.replace("postgres@", f"postgres:{superuser}@")
    make_secrets(tmp_path)
    files = {name: tmp_path / f"{name}_database" for name in DATABASES}
    for again in range(2):
        owners = {name: read_owner(file) for name, file in files.items()}
        lines = make_databases(with_password, list(owners.values()))
        assert [line.split(":")[1].split(",")[0].strip() for line in lines] == [("made", "was there")[again]] * 3
        entered = {
            (user, database): _enters(address, user, database, owner.password)
            for user, owner in owners.items()
            for database in (*DATABASES, "postgres", "template1")
        }
        assert {pair for pair, can in entered.items() if can} == {(name, name) for name in DATABASES}
        former = owners["claims"].password
        files["claims"].unlink()
        assert make_secrets(tmp_path) == ["claims_database"]
    assert not [user for user in (*DATABASES, "postgres") if _enters(address, user, "postgres", "")]
    assert not _enters(address, "claims", "claims", "")
    assert _enters(address, "claims", "claims", former)
    with psycopg.connect(with_password) as connection:
        rights = connection.execute(
            "SELECT rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls FROM pg_roles "
            "WHERE rolname = ANY(%s)",
            [list(DATABASES)],
        ).fetchall()
    assert rights == [(False,)] * 3


def _enters(address: str, user: str, database: str, password: str) -> bool:
    url = address.replace("postgres@", f"{user}@").rpartition("/")[0] + f"/{database}"
    try:
        psycopg.connect(url, password=password or "none", connect_timeout=10).close()
    except psycopg.OperationalError:
        return False
    return True
