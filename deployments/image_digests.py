"""The images of compose file and Dockerfile by digest: what a tag names may change, what a digest names may not.

Digests are written by `gauntlet lock-images` alone, as the registry answers (HTTP API v2):

    HEAD manifest ─> 401, which says who gives tokens ─> token ─> HEAD manifest ─> Docker-Content-Digest
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests

from gauntlet.datasets.errors import BadInput, GauntletError, ServiceDown

HERE = Path(__file__).resolve().parent
FILES = (HERE / "compose.yaml", HERE / "Dockerfile")
HUB = "registry-1.docker.io"
TIMEOUT_S = 20
_NAMED = re.compile(
    r"^(?P<before>\s*(?:image:|FROM)\s+)(?P<image>[^\s@]+)(?:@sha256:[0-9a-f]+)?(?P<after>.*)$", re.MULTILINE
)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
# An index of several architectures first: the digest then fits whichever machine pulls it.
_KINDS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)


@dataclass(frozen=True)
class Image:
    """An image by its tag: `text` as the file has it, and where it is asked for."""

    text: str
    registry: str
    repository: str
    tag: str


def read_image(text: str) -> Image:
    """The image that such a name means, as the container engine reads it: `postgres:17.11-alpine` is one of Docker's.

    Raises:
        BadInput: it has no tag, or none that names a version.
    """
    path, colon, tag = text.rpartition(":")
    if not colon or "/" in tag or not re.search(r"\d", tag):
        raise BadInput(
            None, f"the image {text} names no version", expected="an exact tag, such as postgres:17.11-alpine3.24"
        )
    first, slash, rest = path.removeprefix("docker.io/").partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return Image(text, first, rest, tag)
    return Image(text, HUB, f"{first}/{rest}" if slash else f"library/{first}", tag)


def lock_images(files: Sequence[Path] = FILES, registry: str | None = None) -> list[str]:
    """Write into each file the digest of every image that is not built here; the lines that tell which.

    Every image is asked for before anything is written: all files are locked, or none is touched. `registry`: the
    address of one that is asked in place of each image's own, as a mirror in the plant.

    Raises:
        BadInput: an image names no version.
        ServiceDown: a registry does not answer.
        GauntletError: it does not have an image, refuses it, or names no digest.
    """
    texts = {file: file.read_text() for file in files}
    own = set(re.findall(r"^  image: (\S+)\n  build:", texts[files[0]], re.MULTILINE))
    named = {found["image"] for text in texts.values() for found in _NAMED.finditer(text)} - own
    digests = {image: digest_of(read_image(image), registry) for image in sorted(named)}

    def locked(found: re.Match[str]) -> str:
        digest = digests.get(found["image"])
        return f"{found['before']}{found['image']}@{digest}{found['after']}" if digest else found[0]

    for file, text in texts.items():
        _replace(file, _NAMED.sub(locked, text))
    return [f"{image}@{digest}" for image, digest in digests.items()]


def _replace(file: Path, text: str) -> None:
    """Whole or not at all."""
    scratch = file.with_name(f".{file.name}.part")
    scratch.write_text(text)
    shutil.copymode(file, scratch)
    scratch.replace(file)


def digest_of(image: Image, registry: str | None = None) -> str:
    """The digest, `sha256:…`, that the image's tag has now. Raises as `lock_images`."""
    address = (registry or f"https://{image.registry}").rstrip("/")
    url = f"{address}/v2/{image.repository}/manifests/{image.tag}"
    headers = {"Accept": ", ".join(_KINDS)}
    try:
        with requests.Session() as session:
            answer = session.head(url, headers=headers, timeout=TIMEOUT_S)
            if answer.status_code == requests.codes.unauthorized:
                headers["Authorization"] = (
                    f"Bearer {_token(session, answer.headers.get('WWW-Authenticate', ''), address)}"
                )
                answer = session.head(url, headers=headers, timeout=TIMEOUT_S)
    except (requests.RequestException, ValueError) as error:
        raise ServiceDown(
            "the registry", address, type(error).__name__, "nothing was changed; try again later"
        ) from None
    digest = answer.headers.get("Docker-Content-Digest", "")
    if answer.status_code != requests.codes.ok or not _DIGEST.fullmatch(digest):
        saw = f"status {answer.status_code}" if answer.status_code != requests.codes.ok else f"digest {digest[:80]!r}"
        raise GauntletError(f"the registry at {address} does not give {image.text}: {saw}. Nothing was changed.")
    return digest


def _token(session: requests.Session, challenge: str, address: str) -> str:
    """What lets anybody read a public image, from where the registry says; never over a line that is less safe than its own.

    Raises:
        ValueError: the registry does not say where, or no token is given.
        requests.RequestException: nobody answers.
    """
    told = dict(_CHALLENGE.findall(challenge)) if challenge.lower().startswith("bearer ") else {}
    realm = told.pop("realm", "")
    if urlsplit(realm).scheme not in {"https", urlsplit(address).scheme}:
        raise ValueError(realm)
    answer = session.get(
        realm, params={key: told[key] for key in ("service", "scope") if key in told}, timeout=TIMEOUT_S
    )
    answer.raise_for_status()
    given = answer.json()
    token = given.get("token") or given.get("access_token") if isinstance(given, dict) else None
    if not isinstance(token, str):
        raise ValueError("no token")
    return token
