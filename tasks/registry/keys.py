"""The keys of this installation: a ring in one PEM file. The first key signs, every key verifies what it once signed.

    -----BEGIN PRIVATE KEY-----     the current key
    -----BEGIN PRIVATE KEY-----     the one before it, ...

One file, so that another host needs one mounted secret. A key is known by its name, the beginning of the sha256 of its
public half; the key itself never leaves this module but as a signature or a MAC.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from gauntlet.datasets.errors import BadInput

_BLOCK = re.compile(rb"-----BEGIN [^-\n]*-----.*?-----END [^-\n]*-----\n?", re.DOTALL)
_MAC = b"gauntlet: MAC over documents of the loop, HMAC-SHA256"  # sets its key apart from the one that signs models
_DO = (
    "put the file back from its backup; on another host mount that of the host which registers, and name it in "
    "GAUNTLET_SIGNING_KEY"
)


class Verifier(Protocol):
    """What checks a signature: one public key, or all of a ring."""

    def verify(self, signature: bytes, data: bytes, /) -> None:
        """Nothing; raises `cryptography.exceptions.InvalidSignature` when it is not ours."""


class Signer(Protocol):
    """What signs: one private key, or the current one of a ring."""

    def sign(self, data: bytes, /) -> bytes:
        """The signature, 64 bytes."""

    def public_key(self) -> Verifier:
        """What checks it."""


@dataclass(frozen=True)
class PublicRing:
    """The public halves of a ring, the current one first."""

    keys: tuple[Ed25519PublicKey, ...]

    def verify(self, signature: bytes, data: bytes, /) -> None:
        """Return when any of the keys made this signature; raises `InvalidSignature` otherwise."""
        for key in self.keys:
            with suppress(InvalidSignature):
                key.verify(signature, data)
                return
        raise InvalidSignature


@dataclass(frozen=True, eq=False, repr=False)
class KeyRing:
    """The private keys, the current one first. It prints as the keys' names."""

    keys: tuple[Ed25519PrivateKey, ...]

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self.names)})"

    def __reduce__(self) -> str:
        raise TypeError("keys are not written anywhere: hand on the path of their file")

    @property
    def names(self) -> tuple[str, ...]:
        """The keys' names, 16 hex digits each; safe to show."""
        return tuple(_name(key) for key in self.keys)

    def sign(self, data: bytes, /) -> bytes:
        """The current key's signature, 64 bytes."""
        return self.keys[0].sign(data)

    def public_key(self) -> PublicRing:
        """What verifies for the whole ring."""
        return PublicRing(tuple(key.public_key() for key in self.keys))

    @cached_property
    def _mac_keys(self) -> tuple[bytes, ...]:
        """Derived once: a drift check opens thousands of documents."""
        return tuple(_mac_key(key) for key in self.keys)

    def mac(self, data: bytes) -> tuple[str, str]:
        """The current key's name and its HMAC-SHA256 over the data, as hex."""
        return _name(self.keys[0]), hmac.new(self._mac_keys[0], data, hashlib.sha256).hexdigest()

    def mac_is(self, mac: str, data: bytes) -> bool:
        """True when one of the keys made this MAC over the data."""
        made = (hmac.new(key, data, hashlib.sha256).hexdigest() for key in self._mac_keys)
        return any(hmac.compare_digest(one.encode(), mac.encode()) for one in made)


def _name(key: Ed25519PrivateKey) -> str:
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return hashlib.sha256(public).hexdigest()[:16]


def _mac_key(key: Ed25519PrivateKey) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=_MAC).derive(key.private_bytes_raw())


def signing_key(path: Path) -> KeyRing:
    """The keys in this file.

    Raises:
        BadInput: there is none, it holds anything but Ed25519 private keys, or every user of the machine can read it.
    """
    try:
        content, mode = path.read_bytes(), path.stat().st_mode
    except OSError as error:
        raise BadInput(path, f"no signing key ({error.strerror or error})", do=_DO) from None
    blocks = _BLOCK.findall(content)
    keys = tuple(key for block in blocks if (key := _private(block)) is not None)
    if not keys or len(keys) < len(blocks) or _BLOCK.sub(b"", content).strip():
        raise BadInput(path, "no signing key", expected="Ed25519 private keys as PEM", do=_DO)
    if mode & 0o007:
        saw = f"mode {mode & 0o777:04o}"
        raise BadInput(path, "every user of this machine can read the signing key", saw=saw, do=f"chmod 600 {path}")
    return KeyRing(keys)


def _private(block: bytes) -> Ed25519PrivateKey | None:
    try:
        key = load_pem_private_key(block, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, Ed25519PrivateKey) else None


def make_key(path: Path) -> KeyRing:
    """The ring of this file, with a first key (mode 0600) where there was no file; one that is there stays.

    Raises:
        BadInput: it cannot be made, or what is there is none.
    """
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            with _scratch(path, _pem(Ed25519PrivateKey.generate())) as scratch, suppress(FileExistsError):
                os.link(scratch, path)  # never replaces a key that another process made first
    except OSError as error:
        raise BadInput(path, f"no signing key ({error.strerror or error})", do=_DO) from None
    return signing_key(path)


def rotate(path: Path) -> KeyRing:
    """The ring after a new key became the current one; every older key stays and verifies what it signed.

    Of calls at once each adds its key. A process that reads the file finds the old ring or the new one.

    Raises:
        BadInput: there is no ring yet, or the file or its folder cannot be written, as a mounted secret.
    """
    signing_key(path)
    try:
        with _locked(path):
            content = _pem(Ed25519PrivateKey.generate()) + path.read_bytes()
            with _scratch(path, content) as scratch:
                scratch.replace(path)
    except OSError as error:
        do = "rotate where the file comes from, then mount it anew"
        raise BadInput(path, f"the keys cannot be written ({error.strerror or error})", do=do) from None
    return signing_key(path)


def _pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@contextmanager
def _scratch(path: Path, content: bytes) -> Iterator[Path]:
    """A file of this content beside `path`, on disk, mode 0600, gone at the end."""
    # A name of its own, not by process id, which threads share and a container gives out again.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the file that has this name now: whoever waited for the one that was replaced takes its turn anew."""
    while True:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                yield
                return
