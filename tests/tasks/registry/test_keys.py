"""The ring of keys: made once, by one of many; rotated so that what was signed before is still read; never shown."""

from __future__ import annotations

import os
import pickle
import stat
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from gauntlet.datasets.errors import BadInput
from gauntlet.tasks.registry.keys import make_key, rotate, signing_key

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)


def public(path: Path) -> bytes:
    """The public half of the key in a file, which is made when it is missing."""
    return make_key(path).public_key().keys[0].public_bytes(Encoding.Raw, PublicFormat.Raw)


def test_a_missing_key_is_made_for_its_owner_only(tmp_path: Path) -> None:
    """Mode 0600, in a folder that is made; the second call reads it; nothing else lies beside it."""
    path = tmp_path / "new" / "signing.pem"
    first = public(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert public(path) == first
    assert list(path.parent.iterdir()) == [path]


def test_processes_that_make_the_key_at_once_get_the_same(tmp_path: Path) -> None:
    """The first one's stays; eight calls in four processes agree."""
    path = tmp_path / "signing.pem"
    with ProcessPoolExecutor(4, mp_context=get_context("forkserver")) as pool:
        keys = set(pool.map(public, [path] * 8))
    assert keys == {public(path)}
    assert list(tmp_path.iterdir()) == [path]


def test_threads_that_make_the_key_at_once_get_the_same(tmp_path: Path) -> None:
    """Candidates are registered side by side in one process: none may stumble over the other's unfinished file."""
    for attempt in range(20):
        path, keys, barrier = tmp_path / str(attempt) / "signing.pem", [], threading.Barrier(6)

        def make(path: Path = path, keys: list[bytes] = keys, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            keys.append(public(path))

        threads = [threading.Thread(target=make) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(keys) == 6
        assert set(keys) == {public(path)}
        assert list(path.parent.iterdir()) == [path]


def test_what_a_killed_process_left_is_in_nobodys_way(tmp_path: Path) -> None:
    """In a container every process is number 1: a file of that name left behind must not block the next start."""
    (tmp_path / f".signing.pem.{os.getpid()}").write_bytes(b"half a k")
    assert public(tmp_path / "signing.pem")


PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
OTHER_KEYS = {
    "empty": b"",
    "one that is none among them": PEM
    + KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    + PEM,
    "the last one cut off": PEM + PEM[:60],
    "words": b"my key",
    "cut off": KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())[:60],
    "encrypted": KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")),
    "public": KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    "another kind": generate_private_key(SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", OTHER_KEYS)
def test_what_is_no_signing_key_is_said_to_be_none(tmp_path: Path, kind: str) -> None:
    """And it is left as it is."""
    path = tmp_path / "signing.pem"
    path.write_bytes(OTHER_KEYS[kind])
    with pytest.raises(BadInput, match="no signing key") as error:
        signing_key(path)
    assert "GAUNTLET_SIGNING_KEY" in str(error.value)
    assert path.read_bytes() == OTHER_KEYS[kind]


def test_a_key_that_can_neither_be_read_nor_made_is_one_line(tmp_path: Path) -> None:
    """A folder in its place, a file where its folder should be, a link to nowhere."""
    (tmp_path / "file").write_text("")
    (tmp_path / "nowhere").symlink_to(tmp_path / "missing")
    for path in (tmp_path, tmp_path / "file" / "signing.pem", tmp_path / "nowhere"):
        with pytest.raises(BadInput, match="no signing key"):
            signing_key(path)


@pytest.mark.promise("keys")
def test_what_was_signed_before_a_rotation_still_verifies(tmp_path: Path) -> None:
    """Signatures and MACs of every key the ring ever had; the newest signs, and stands first."""
    path = tmp_path / "signing.pem"
    first = make_key(path)
    signature, (by, mac) = first.sign(b"model"), first.mac(b"order")
    for rotations in (1, 2):
        ring = rotate(path)
        assert len(ring.names) == len(set(ring.names)) == rotations + 1
        assert ring.names[-1] == first.names[0] == by
        assert ring.mac(b"order")[0] == ring.names[0]
        ring.public_key().verify(signature, b"model")
        assert ring.mac_is(mac, b"order")
        assert not ring.mac_is(mac, b"other")
        with pytest.raises(InvalidSignature):
            first.public_key().verify(ring.sign(b"model"), b"model")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def rotated(path: Path) -> str:
    """The name of the key that was current after a rotation."""
    return rotate(path).names[0]


def test_rotations_at_once_lose_no_key(tmp_path: Path) -> None:
    """Eight in four processes: nine keys, and none twice."""
    path = tmp_path / "signing.pem"
    first = make_key(path).names[0]
    with ProcessPoolExecutor(4, mp_context=get_context("forkserver")) as pool:
        list(pool.map(rotated, [path] * 8))
    names = signing_key(path).names
    assert len(set(names)) == 9
    assert names[-1] == first


def test_a_mac_is_no_signature_and_cannot_be_had_from_the_public_key(tmp_path: Path) -> None:
    """Its key is derived from the private half under a label of its own; another ring does not confirm it."""
    ring, other = make_key(tmp_path / "a.pem"), make_key(tmp_path / "b.pem")
    _, mac = ring.mac(b"order")
    assert not other.mac_is(mac, b"order")
    for forged in ("", "00" * 32, "§", ring.sign(b"order").hex()):
        assert not ring.mac_is(forged, b"order")


def test_a_key_is_neither_printed_nor_pickled(tmp_path: Path) -> None:
    """A ring among a step's parameters would be written to Prefect's results."""
    ring = make_key(tmp_path / "signing.pem")
    assert repr(ring) == str(ring) == f"KeyRing({ring.names[0]})"
    with pytest.raises(TypeError, match="hand on the path"):
        pickle.dumps(ring)


def test_reading_makes_no_key(tmp_path: Path) -> None:
    """One line that says where it looked and what to do; nothing is made."""
    with pytest.raises(BadInput, match="no signing key") as error:
        signing_key(tmp_path / "signing.pem")
    assert "GAUNTLET_SIGNING_KEY" in str(error.value)
    with pytest.raises(BadInput, match="no signing key"):
        rotate(tmp_path / "signing.pem")
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_everybody_can_read_is_refused(tmp_path: Path) -> None:
    """As a secret that was mounted for all; a group's is the container's way."""
    path = tmp_path / "signing.pem"
    make_key(path)
    for mode, well in ((0o644, False), (0o604, False), (0o440, True), (0o400, True)):
        path.chmod(mode)
        if well:
            assert len(signing_key(path).names) == 1
        else:
            with pytest.raises(BadInput, match=f"mode {mode:04o}.*[Cc]hmod 600"):
                signing_key(path)
