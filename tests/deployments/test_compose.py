"""The compose file and the image, as far as they can be checked without a container engine: what refers to what, what
is open to whom; and the commands themselves, run on this machine with their own settings against a real PostgreSQL."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import requests
import yaml
from packaging.specifiers import SpecifierSet

from gauntlet.deployments.stack.process import start, stop, wait_until
from gauntlet.deployments.stack.services import program, some_free_port
from gauntlet.deployments.webhook_client import new_secret
from gauntlet.tasks.runtime.settings import variables

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "deployments" / "compose.yaml").read_text()
COMPOSE = yaml.safe_load(TEXT)
SERVICES: Mapping[str, Any] = COMPOSE["services"]
DOCKERFILE = (ROOT / "deployments" / "Dockerfile").read_text()
EXAMPLE = (ROOT / "deployments" / "compose.env.example").read_text()
ONCE = {name for name, service in SERVICES.items() if service.get("restart") == "no"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_whole(name: str) -> None:
    """It has an image, a health check if it stays, and what it waits for, mounts and is configured by exists."""
    service = SERVICES[name]
    assert re.search(r":\d", service["image"]), "an image without a version changes under one's feet"
    assert (name in ONCE) != ("healthcheck" in service)
    for needed, how in service.get("depends_on", {}).items():
        assert how["condition"] == ("service_completed_successfully" if needed in ONCE else "service_healthy")
        assert needed in SERVICES
    for mount in service.get("volumes", ()):
        source = mount.rpartition(":/")[0].removesuffix(":/data")
        assert source in COMPOSE["volumes"] or source.startswith("${GAUNTLET_DATA_DIR")
    assert all(one["source"] in COMPOSE["configs"] for one in service.get("configs", ()))
    if "build" in service:
        assert (ROOT / "deployments" / service["build"]["context"]).resolve() == ROOT
        assert (ROOT / service["build"]["dockerfile"]).is_file()


def test_nothing_is_open_beyond_loopback() -> None:
    """Every published port names the address, and the database publishes none."""
    ports = {name: service.get("ports", []) for name, service in SERVICES.items()}
    assert all(port.startswith("127.0.0.1:") for published in ports.values() for port in published)
    assert ports["postgres"] == []
    assert {name for name, published in ports.items() if published} == {"s3", "prefect", "mlflow", "api"}


def test_our_containers_have_no_rights() -> None:
    """No capability, no way to get one, and a user of their own."""
    for name, service in SERVICES.items():
        if "build" in service:
            assert (service["cap_drop"], service["security_opt"]) == (["ALL"], ["no-new-privileges:true"]), name
    assert re.findall(r"^USER (.*)$", DOCKERFILE, re.MULTILINE) == ["gauntlet"]


def test_secrets_come_from_the_environment_only() -> None:
    """Each stands in the example, empty; each of the example is used; the one that signs goes to the webhook only."""
    used = set(re.findall(r"\$\{([A-Z_]+)", TEXT))
    assert used == set(re.findall(r"^([A-Z_]+)=$", EXAMPLE, re.MULTILINE))
    assert "=" not in re.sub(r"^([A-Z_]+=|#.*)$", "", EXAMPLE, flags=re.MULTILINE)
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|KEY", variable):
                assert value.startswith("${"), (name, variable)
            assert not re.search(r"://\w+:(?!\$\{)[^@/]*@", value), (name, variable)
    assert [name for name, one in SERVICES.items() if "GAUNTLET_WEBHOOK_SECRET" in one.get("environment", {})] == [
        "api"
    ]


def test_clients_are_told_what_settings_read() -> None:
    """Every name is a setting's; addresses name services of this file at the ports that these serve."""
    known = {one for name, others, *_ in variables() for one in (name, *others)}
    known |= {"GAUNTLET_CLAIMS_URL", "GAUNTLET_WEBHOOK_SECRET", "PREFECT_WORKER_QUERY_SECONDS"}
    for name in ("deploy", "worker", "api"):
        assert set(SERVICES[name]["environment"]) <= known
    addresses = re.findall(r"//(?:gauntlet:[^@]+@)?([a-z0-9]+):(\d+)", TEXT)
    serving = {"postgres": "5432", "s3": "8333", "prefect": "4200", "mlflow": "5000"}
    assert set(addresses) == set(serving.items())


def test_the_image_holds_the_lock_and_the_packages() -> None:
    """Hashes are asked for, what is copied exists and is let through to the builder, every package is among it."""
    copied = [
        word for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE) for word in line.split()[:-1]
    ]
    ignore = (ROOT / "deployments" / "Dockerfile.dockerignore").read_text().splitlines()
    assert all((ROOT / one).exists() and f"!{one}" in ignore for one in copied)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = {one.split(".")[1] for one in project["tool"]["setuptools"]["packages"]}
    assert packages | {"requirements.lock", "prefect.yaml"} <= set(copied)
    assert "--require-hashes" in DOCKERFILE
    (python,) = set(re.findall(r"^FROM python:([0-9.]+)-", DOCKERFILE, re.MULTILINE))
    assert SpecifierSet(project["project"]["requires-python"]).contains(python)
    assert SERVICES["api"]["image"] == f"gauntlet:{project['project']['version']}"


PORTS = {"s3": 8333, "prefect": 4200, "mlflow": 5000, "api": 8000, "worker": 8080}


class Machine:
    """The services of the file as processes of this machine: their commands and settings, other hosts and ports."""

    def __init__(self, postgres: str, home: Path) -> None:
        self.home, self.running = home, []
        (home / "s3").mkdir()
        self.ports = {name: some_free_port(grpc=name == "s3") for name in PORTS}
        self.secrets = {
            "POSTGRES_PASSWORD": "unused", "AWS_ACCESS_KEY_ID": "plant", "AWS_SECRET_ACCESS_KEY": uuid4().hex,
            "GAUNTLET_WEBHOOK_SECRET": new_secret(), "GAUNTLET_DATA_DIR": str(home),
        }  # fmt: skip
        self.databases = {}
        with psycopg.connect(postgres, autocommit=True) as connection:
            for name in ("prefect", "mlflow", "claims"):
                self.databases[name] = f"{name}_{uuid4().hex}"
                connection.execute(f"CREATE DATABASE {self.databases[name]}")  # type: ignore[call-overload]
        self.postgres = postgres.rpartition("@")[2].rpartition("/")[0]

    def here(self, text: str) -> str:
        """A word of the file, with this machine's addresses in the services' place."""
        text = re.sub(r"\$\{([A-Z_]+)[^}]*\}", lambda found: self.secrets[found[1]], text)
        for name, port in PORTS.items():
            text = re.sub(rf"\b({name}|127\.0\.0\.1|localhost):{port}\b", f"127.0.0.1:{self.ports[name]}", text)
            text = re.sub(rf"^((?:-s3\.port=)?){port}$", rf"\g<1>{self.ports[name]}", text)
        text = re.sub(r"postgres:5432/(\w+)", lambda found: f"{self.postgres}/{self.databases[found[1]]}", text)
        text = text.replace("0.0.0.0", "127.0.0.1").replace("-ip=s3", "-ip=127.0.0.1")
        return text.replace("/var/lib/s3", str(self.home / "s3"))

    def environment(self, name: str) -> dict[str, str]:
        """What the image and the file put into a service's environment."""
        image = dict(re.findall(r"([A-Z_]+)=(\S+)", DOCKERFILE.rpartition("\nENV ")[2].partition("\nWORKDIR")[0]))
        return {
            **os.environ, **{key: value for key, value in image.items() if key not in ("PATH", "VIRTUAL_ENV")},
            "GAUNTLET_HOME": str(self.home), "HOME": str(self.home), "PREFECT_HOME": str(self.home / name),
            "PREFECT_WORKER_WEBSERVER_PORT": str(self.ports["worker"]),
            **{key: self.here(value) for key, value in SERVICES[name]["environment"].items()},
        }  # fmt: skip

    def command(self, name: str) -> list[str]:
        """A service's command, its program that of this environment."""
        first, *others = (self.here(word) for word in SERVICES[name]["command"])
        return [program(first), *others]

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
        self.running.append(start([*self.command(name), *more], self.environment(name), log))
        _, interpreter, *check = SERVICES[name]["healthcheck"]["test"]
        assert interpreter == "python"

        def healthy() -> bool:
            answer = subprocess.run([sys.executable, *map(self.here, check)], capture_output=True, check=False)
            return answer.returncode == 0

        assert wait_until(healthy, time.monotonic() + 180, every=1.0), log.read_text()[-2000:]


@pytest.fixture
def machine(whole_postgres: str, tmp_path: Path) -> Iterator[Machine]:
    """Nothing runs yet; nothing does afterwards."""
    made = Machine(whole_postgres, tmp_path)
    yield made
    stop(*made.running)


@pytest.mark.slow
def test_the_services_run_as_the_file_says(machine: Machine) -> None:
    """Their own commands and settings, in the file's order: each is healthy by its own check, and all find each other."""
    inner = [f"-{name}.port={some_free_port(grpc=True)}" for name in ("master", "volume", "filer", "admin")]
    machine.start("s3", *inner)
    machine.start("mlflow")
    machine.start("prefect")
    assert "work pool    gauntlet (made)" in machine.run("deploy")
    machine.start("worker")
    machine.start("api")
    assert requests.get(f"http://127.0.0.1:{machine.ports['api']}/readyz", timeout=60).json() == {
        "claims": "ok", "secret": "ok", "prefect": "ok",
    }  # fmt: skip
    tables = {"mlflow": "registered_models", "prefect": "deployment", "claims": "gauntlet_once"}
    for name, table in tables.items():
        url = f"postgresql://gauntlet@{machine.postgres}/{machine.databases[name]}"
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT to_regclass(%s) IS NOT NULL", [table]).fetchone() == (True,)
