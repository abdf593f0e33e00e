"""`gauntlet lock-images` against a registry of HTTP API v2 that keeps what it was asked: digests are written as it says,
for every image or for none."""

from __future__ import annotations

import http.server
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from gauntlet.datasets.errors import BadInput, GauntletError, ServiceDown
from gauntlet.deployments.image_digests import FILES, HUB, lock_images, read_image

TOKEN = "anybody"


@dataclass
class Registry:
    """A registry on loopback: what it has, and (method, path, authorization) of each request."""

    address: str = ""
    images: dict[str, str] = field(default_factory=dict)  # path -> digest
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    realm: str = ""
    accepted: list[str] = field(default_factory=list)


@pytest.fixture
def registry(serve: Callable[..., str]) -> Registry:
    """Asks for a token, which it gives to everybody for the repository that they name."""
    made = Registry()

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            given = self.headers.get("Authorization", "")
            made.asked.append(("HEAD", self.path, given))
            made.accepted.append(self.headers.get("Accept", ""))
            repository = self.path.removeprefix("/v2/").rpartition("/manifests/")[0]
            if given != f"Bearer {TOKEN} repository:{repository}:pull":
                self.send_response(401)
                scope = f'scope="repository:{repository}:pull"'
                self.send_header("WWW-Authenticate", f'Bearer realm="{made.realm}",service="a registry",{scope}')
            elif self.path in made.images:
                self.send_response(200)
                self.send_header("Docker-Content-Digest", made.images[self.path])
            else:
                self.send_response(404)
            self.end_headers()

        def do_GET(self) -> None:
            made.asked.append(("GET", self.path, self.headers.get("Authorization", "")))
            (scope,) = parse_qs(urlsplit(self.path).query)["scope"]
            body = json.dumps({"token": f"{TOKEN} {scope}"}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    made.address = serve(Answers)
    made.realm = f"{made.address}/token"
    return made


def digest(word: str) -> str:
    """A digest as registries write them."""
    return f"sha256:{sha256(word.encode()).hexdigest()}"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, ...]:
    """Copies of the compose file and the Dockerfile."""
    return tuple(Path(shutil.copy(file, tmp_path)) for file in FILES)


@pytest.fixture
def paths(files: tuple[Path, ...]) -> list[str]:
    """Where a registry is asked for the images of these files, in the order of their names."""
    names = {
        name
        for file in files
        for name in re.findall(r"^\s*(?:image:|FROM) ([^\s@]+)", file.read_text(), re.MULTILINE)
        if not name.startswith("gauntlet:")
    }
    return [f"/v2/library/{name.replace(':', '/manifests/')}" for name in sorted(names)]


def test_digests_are_written_as_the_registry_says(
    registry: Registry, files: tuple[Path, ...], paths: list[str]
) -> None:
    """Each tag stays and gets its digest, the image that is built here none; once more with others replaces them. Three
    requests an image: asked, a token fetched, asked with it; no other word goes out."""
    before = [file.read_text() for file in files]
    for word in ("first", "second"):
        registry.asked.clear()
        registry.images = {path: digest(word + path) for path in paths}
        assert len(lock_images(files, registry.address)) == len(paths) == 2
        for file, text in zip(files, before, strict=True):
            lines = zip(text.splitlines(), file.read_text().splitlines(), strict=True)
            changed = [(old, new) for old, new in lines if old != new]
            assert {len(changed)} <= {1, 2}
            for old, new in changed:
                image = re.split(r"\s+", old.strip())[1]
                path = f"/v2/library/{image.replace(':', '/manifests/')}"
                assert new == old.replace(image, f"{image}@{registry.images[path]}")
        assert [(method, urlsplit(path).path, bool(given)) for method, path, given in registry.asked] == [
            step for path in paths for step in (("HEAD", path, False), ("GET", "/token", False), ("HEAD", path, True))
        ]
    assert all("image.index" in accepted for accepted in registry.accepted)


@pytest.mark.parametrize("fault", ["no answer", "unknown tag", "no digest", "token elsewhere"])
def test_without_every_answer_nothing_is_changed(
    fault: str, registry: Registry, files: tuple[Path, ...], paths: list[str]
) -> None:
    """The second image is not to be had: the first one's digest is not written either, and it is said in one line."""
    before = [file.read_bytes() for file in files]
    registry.images = {path: digest(path) for path in paths}
    address, expected = registry.address, GauntletError
    if fault == "no answer":
        address, expected = "http://127.0.0.1:9", ServiceDown
    elif fault == "unknown tag":
        del registry.images[paths[1]]
    elif fault == "no digest":
        registry.images[paths[1]] = "sha256:typed"
    else:
        registry.realm, expected = "file:///etc/passwd", ServiceDown
    with pytest.raises(expected) as raised:
        lock_images(files, address)
    assert "\n" not in str(raised.value)
    assert "nothing was changed" in str(raised.value).lower()
    assert [file.read_bytes() for file in files] == before


def test_the_command_ends_with_a_status_of_its_own_where_nobody_answers() -> None:
    """And leaves the checkout's own files as they are."""
    before = [file.read_bytes() for file in FILES]
    command = [sys.executable, "-c", "from gauntlet.deployments.cli import main; main()", "lock-images"]
    environment = {**os.environ, "GAUNTLET_IMAGE_REGISTRY": "http://127.0.0.1:9"}
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout, told.stderr.count("\n")) == (1, "", 1)
    assert "the registry at http://127.0.0.1:9 does not answer" in told.stderr
    assert [file.read_bytes() for file in FILES] == before


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("postgres:17.11", (HUB, "library/postgres", "17.11")),
        ("docker.io/postgres:17.11", (HUB, "library/postgres", "17.11")),
        ("docker.io/library/python:3.12.15-slim", (HUB, "library/python", "3.12.15-slim")),
        ("prefecthq/prefect:3.8.1", (HUB, "prefecthq/prefect", "3.8.1")),
        ("ghcr.io/mlflow/mlflow:v3.17.0", ("ghcr.io", "mlflow/mlflow", "v3.17.0")),
        ("localhost:5000/own:1.0", ("localhost:5000", "own", "1.0")),
    ],
)
def test_an_image_is_asked_for_where_the_engine_would(name: str, where: tuple[str, str, str]) -> None:
    """Registry, repository and tag by Docker's own rules."""
    image = read_image(name)
    assert (image.registry, image.repository, image.tag) == where


@pytest.mark.parametrize("name", ["postgres", "postgres:latest", "localhost:5000/own"])
def test_an_image_without_a_version_is_refused(name: str) -> None:
    """A digest of whatever is newest today would look like a choice."""
    with pytest.raises(BadInput, match="names no version"):
        read_image(name)
