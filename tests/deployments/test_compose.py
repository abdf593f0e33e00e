"""The compose file and the image, as far as they can be checked without a container engine: what refers to what, what
is open to whom, and who may know what. `test_compose_runs.py` runs the commands."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.specifiers import SpecifierSet

from gauntlet.deployments.entrypoint import NAMES
from gauntlet.deployments.secret_files import CONTENTS, SIGNING_KEY
from gauntlet.tasks.runtime.settings import variables

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "deployments" / "compose.yaml").read_text()
COMPOSE = yaml.safe_load(TEXT)
SERVICES: Mapping[str, Any] = COMPOSE["services"]
DOCKERFILE = (ROOT / "deployments" / "Dockerfile").read_text()
EXAMPLE = (ROOT / "deployments" / "compose.env.example").read_text()
ONCE = {name for name, service in SERVICES.items() if service["restart"] == "no"}
OURS = {name for name, service in SERVICES.items() if "build" in service}

# Who knows what: a service that is broken into gives away these, and no other.
KNOWS = {
    "postgres": {"postgres_password"},
    "databases": {"postgres_password", "prefect_database", "mlflow_database", "claims_database"},
    "s3": {"s3_secret_key"},
    "prefect": {"prefect_login", "prefect_database"},
    "mlflow": {"mlflow_password", "mlflow_database", "s3_secret_key"},
    "deploy": {"prefect_login", "s3_secret_key", "signing_key"},
    "worker": {"prefect_login", "mlflow_password", "s3_secret_key", "claims_database", "signing_key"},
    "api": {"prefect_login", "claims_database", "webhook_secret"},
}
# Who reaches whom.
REACHES = {
    "postgres": {"database"}, "databases": {"database"}, "s3": {"storage"}, "deploy": {"front"},
    "prefect": {"database", "front"}, "mlflow": {"database", "storage", "front"},
    "worker": {"database", "storage", "front"}, "api": {"database", "front"},
}  # fmt: skip


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_whole(name: str) -> None:
    """It has an image, a health check if it stays, and what it waits for, mounts and is configured by exists."""
    service = SERVICES[name]
    exact = r"[^@]+:\d+\.\d+[^@]*(@sha256:[0-9a-f]{64})?"
    assert re.fullmatch(exact, service["image"]), "an image without an exact version changes under one's feet"
    assert (name in ONCE) != ("healthcheck" in service)
    for needed, how in service.get("depends_on", {}).items():
        assert how["condition"] == ("service_completed_successfully" if needed in ONCE else "service_healthy")
        assert needed in SERVICES
    for mount in service.get("volumes", ()):
        source = mount.rpartition(":/")[0].removesuffix(":/data")
        assert source in COMPOSE["volumes"] or source.startswith("${GAUNTLET_DATA_DIR")
    assert set(service["secrets"]) <= set(COMPOSE["secrets"])
    assert set(service["networks"]) <= set(COMPOSE["networks"])
    if "build" in service:
        assert (ROOT / "deployments" / service["build"]["context"]).resolve() == ROOT
        assert (ROOT / service["build"]["dockerfile"]).is_file()


def test_nothing_is_open_beyond_loopback() -> None:
    """Every published port names the address, and the database publishes none."""
    ports = {name: service.get("ports", []) for name, service in SERVICES.items()}
    assert all(port.startswith("127.0.0.1:") for published in ports.values() for port in published)
    assert ports["postgres"] == []
    assert {name for name, published in ports.items() if published} == {"s3", "prefect", "mlflow", "api"}


def test_who_reaches_whom() -> None:
    """Each service is in the networks of those that it speaks to; the database's own has no way in or out."""
    assert {name: set(service["networks"]) for name, service in SERVICES.items()} == REACHES
    assert {name for name, how in COMPOSE["networks"].items() if (how or {}).get("internal")} == {"database"}


@pytest.mark.parametrize("name", SERVICES)
def test_containers_have_no_rights_and_limits(name: str) -> None:
    """No capability but those that PostgreSQL's entrypoint drops by itself, nothing to write to but what is named; so much
    memory, so many processes, so much of a log."""
    service = SERVICES[name]
    assert (service["cap_drop"], service["security_opt"]) == (["ALL"], ["no-new-privileges:true"])
    entrypoint = {"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"}
    assert set(service.get("cap_add", ())) == (entrypoint if name == "postgres" else set())
    assert service["read_only"] is True
    assert any(one.startswith("/tmp:size=") for one in service["tmpfs"])
    assert service["mem_limit"].endswith("g")
    assert service["pids_limit"] > 0
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}
    assert service["restart"] == ("no" if name in ONCE else "unless-stopped")


def test_the_images_user_is_nobody_special() -> None:
    """One user, whose number is the owner's of the secrets; every command begins by reading those, and imports nothing that
    lies in the folder where it stands."""
    assert "PYTHONSAFEPATH=1" in DOCKERFILE
    assert re.findall(r"^USER (.*)$", DOCKERFILE, re.MULTILINE) == ["gauntlet"]
    assert 'useradd --uid "$USER_ID"' in DOCKERFILE
    assert 'ENTRYPOINT ["python", "-m", "gauntlet.deployments.entrypoint"]' in DOCKERFILE
    assert {SERVICES[name]["build"]["args"]["USER_ID"].partition(":")[0] for name in OURS} == {"${GAUNTLET_UID"}


def test_secrets_are_files_and_known_to_those_who_need_them() -> None:
    """`gauntlet secrets` makes each; no environment, command or address holds one, and none goes into the image."""
    assert {name: set(service["secrets"]) for name, service in SERVICES.items()} == KNOWS
    assert COMPOSE["secrets"] == {name: {"file": f"secrets/{name}"} for name in (*CONTENTS, SIGNING_KEY)}
    for name, service in SERVICES.items():
        pointed = {
            Path(value).name for value in service["environment"].values() if value.startswith("/run/secrets/")
        } | {Path(word).name for word in service.get("command", ()) if word.startswith("/run/secrets/")}
        assert pointed == KNOWS[name], name
        for variable, value in service["environment"].items():
            if re.search("PASSWORD|SECRET|AUTH|_KEY$", variable):
                assert value.startswith("/run/secrets/"), (name, variable)
    pointers = {
        variable.removesuffix("_FILE")
        for name in OURS
        for variable in SERVICES[name]["environment"]
        if variable.endswith("_FILE")
    }
    assert pointers == set(NAMES), "what the entrypoint reads, and nothing else"
    assert not re.search(r"://[^/\s]*:[^/\s]*@", TEXT)
    ignored = (ROOT / "deployments" / "Dockerfile.dockerignore").read_text().splitlines()
    assert {"deployments/secrets", "**/.env*"} <= set(ignored)
    assert "deployments/secrets/" in (ROOT / ".gitignore").read_text().splitlines()


def test_the_example_holds_what_the_file_asks_for() -> None:
    """Each variable stands in the example, what has a default with that default."""
    asked = dict(re.findall(r"\$\{([A-Z_]+):[?-]([^}]*)\}", TEXT))
    given = dict(re.findall(r"^([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE))
    assert set(asked) == set(re.findall(r"\$\{([A-Z_]+)", TEXT)) == set(given)
    assert {name: value for name, value in given.items() if value} == {
        name: value for name, value in asked.items() if f"{name}:-" in TEXT
    }


def test_clients_are_told_what_settings_read() -> None:
    """Every name is a setting's or Prefect's, MLflow's or PostgreSQL's own; addresses name services at their ports."""
    known = {one for name, others, *_ in variables() for one in (name, *others)} | {
        "HOME", "PREFECT_HOME", "PGPASSFILE", "PREFECT_API_AUTH_STRING", "MLFLOW_TRACKING_USERNAME",
        "MLFLOW_TRACKING_PASSWORD", "PREFECT_WORKER_QUERY_SECONDS", "PREFECT_WORKER_WEBSERVER_HOST",
    }  # fmt: skip
    for name in ("deploy", "worker", "api"):
        assert {variable.removesuffix("_FILE") for variable in SERVICES[name]["environment"]} <= known
    addresses = re.findall(r"//(?:[a-z]+@)?([a-z0-9]+):(\d+)", TEXT)
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
    installs = re.findall(r"pip install [^&|]*-r[^&|]*", DOCKERFILE + (ROOT / "Makefile").read_text())
    assert len(installs) == 4  # uv, which installs the others, and these
    assert all("--require-hashes" in one for one in installs)
    (python,) = set(re.findall(r"^FROM python:(\d+\.\d+\.\d+)-", DOCKERFILE, re.MULTILINE))
    assert SpecifierSet(project["project"]["requires-python"]).contains(python)
    assert SERVICES["api"]["image"] == f"gauntlet:{project['project']['version']}"
