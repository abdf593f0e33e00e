"""Signatures over a model's folder: made at registration, checked before a byte of it is deserialised.

    signature.json = {"manifest": {"subject": "m-…", "files": {"MLmodel": sha256, …}}, "signature": base64}

The signature (Ed25519, RFC 8032) covers the manifest as canonical JSON. The subject is the model's own id, so that a
validly signed folder of another version cannot take its place.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature

from gauntlet.datasets.errors import Altered, Unsigned
from gauntlet.tasks.registry.keys import Signer, Verifier

SIGNATURE_FILE = "signature.json"
# MLflow writes this one into every download; it is no part of the model and nothing reads it.
_ADDED_BY_DOWNLOAD = "registered_model_meta"


def _files(folder: Path) -> dict[str, Path]:
    """Every file below the folder by its relative name.

    Raises:
        Altered: a symbolic link or another thing that is no plain file; a link could change after the check.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise Altered(f"{name}: not a plain file. The model is not loaded.")
        if path.is_file() and name not in (SIGNATURE_FILE, _ADDED_BY_DOWNLOAD):
            found[name] = path
    return found


def digest(content: bytes) -> str:
    """The sha256 of these bytes, as hex."""
    return hashlib.sha256(content).hexdigest()


def _canonical(manifest: Mapping[str, Any]) -> bytes:
    return json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()


def signed(manifest: Mapping[str, Any], key: Signer) -> bytes:
    """The manifest with its signature, as a file."""
    signature = base64.b64encode(key.sign(_canonical(manifest))).decode()
    return json.dumps({"manifest": manifest, "signature": signature}, indent=1).encode()


def confirmed(content: bytes, where: str, key: Verifier) -> dict[str, Any]:
    """The manifest in such a file.

    Raises:
        Unsigned: our key does not confirm it; the message begins with `where`.
    """
    try:
        document = json.loads(content)
        manifest, signature = document["manifest"], base64.b64decode(document["signature"], validate=True)
        key.verify(signature, _canonical(manifest))
        return dict(manifest)
    except (ValueError, KeyError, TypeError, RecursionError, InvalidSignature):
        raise Unsigned(
            f"{where} is not confirmed by our key. The model is not loaded; "
            "if another machine registered it, set GAUNTLET_SIGNING_KEY to that machine's key."
        ) from None


def sign_folder(folder: Path, subject: str, key: Signer) -> None:
    """Write `signature.json` over every file of the folder."""
    manifest = {
        "subject": subject,
        "files": {name: digest(path.read_bytes()) for name, path in _files(folder).items()},
    }
    (folder / SIGNATURE_FILE).write_bytes(signed(manifest, key))


def _signed_manifest(folder: Path, key: Verifier) -> dict[str, Any]:
    try:
        content = (folder / SIGNATURE_FILE).read_bytes()
    except FileNotFoundError:
        raise Unsigned(f"{folder.name}: no {SIGNATURE_FILE}. The model is not loaded.") from None
    except OSError:
        content = b""
    manifest = confirmed(content, f"{folder.name}: {SIGNATURE_FILE}", key)
    if not {"subject", "files"} <= manifest.keys():
        raise Unsigned(f"{folder.name}: {SIGNATURE_FILE} signs something else than files. The model is not loaded.")
    return manifest


def verified_files(folder: Path, subject: str, key: Verifier) -> dict[str, bytes]:
    """The folder's files as bytes, each the very bytes that were signed for this subject.

    They are read once, checked, and handed on, so that nothing can be changed between the check and the use.

    Raises:
        Unsigned: no signature, or none by this key.
        Altered: another subject, or a file that is changed, missing, added or no plain file.
    """
    manifest = _signed_manifest(folder, key)
    if manifest["subject"] != subject:
        raise Altered(f"{subject}: holds the signed files of {manifest['subject']}. The model is not loaded.")
    contents = {name: path.read_bytes() for name, path in _files(folder).items()}
    signed: dict[str, str] = manifest["files"]
    wrong = [f"{name} is missing" for name in sorted(signed.keys() - contents.keys())]
    wrong += [f"{name} was added" for name in sorted(contents.keys() - signed.keys())]
    wrong += [
        f"{name} was changed"
        for name in sorted(signed.keys() & contents.keys())
        if digest(contents[name]) != signed[name]
    ]
    if wrong:
        raise Altered(f"{subject}: {', '.join(wrong)} since it was signed. The model is not loaded.")
    return contents
