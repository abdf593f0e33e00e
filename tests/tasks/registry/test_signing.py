"""Whatever is done to a signed model's folder, none of its bytes are handed on."""

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gauntlet.datasets.errors import Altered, Unsigned, Untrusted
from gauntlet.tasks.registry.signing import SIGNATURE_FILE, sign_folder, verified_files

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
FILES = {"MLmodel": b"model_id: m-1\n", "model.skops": bytes(range(256)), "plots/roc.png": b"\x89PNG", ".hidden": b""}


def made(folder: Path, subject: str = "m-1", key: Ed25519PrivateKey = KEY) -> Path:
    """A signed folder."""
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    sign_folder(folder, subject, key)
    return folder


def test_an_untouched_folder_gives_the_signed_bytes(tmp_path: Path) -> None:
    """Every file of every depth, hidden and empty ones too, and nothing else."""
    assert verified_files(made(tmp_path / "m"), "m-1", KEY.public_key()) == FILES


def test_the_signature_can_be_checked_without_our_code(tmp_path: Path) -> None:
    """Ed25519 over the manifest as canonical JSON: what the module says is what is in the file."""
    document = json.loads((made(tmp_path / "m") / SIGNATURE_FILE).read_text())
    signed = json.dumps(document["manifest"], sort_keys=True, separators=(",", ":")).encode()
    KEY.public_key().verify(base64.b64decode(document["signature"]), signed)
    with pytest.raises(InvalidSignature):
        KEY.public_key().verify(base64.b64decode(document["signature"]), signed + b" ")


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    """Any one file taken away."""
    folder = made(tmp_path / "m")
    (folder / name).unlink()
    with pytest.raises(Altered, match=f"{name} is missing"):
        verified_files(folder, "m-1", KEY.public_key())


@pytest.mark.parametrize("place", range(0, 256, 51))
def test_one_flipped_bit_is_found(tmp_path: Path, place: int) -> None:
    """At any place of the model's bytes."""
    folder = made(tmp_path / "m")
    content = bytearray(FILES["model.skops"])
    content[place] ^= 1
    (folder / "model.skops").write_bytes(content)
    with pytest.raises(Altered, match=r"model\.skops was changed"):
        verified_files(folder, "m-1", KEY.public_key())


@pytest.mark.parametrize(
    "name", ["requirements.txt", "plots/x.pkl", "plots/signature.json", "plots/registered_model_meta"]
)
def test_an_added_file_is_named(tmp_path: Path, name: str) -> None:
    """Anywhere; the two names that are left out are left out on top only."""
    folder = made(tmp_path / "m")
    (folder / name).write_bytes(b"evil")
    with pytest.raises(Altered, match=f"{name} was added"):
        verified_files(folder, "m-1", KEY.public_key())


def test_what_mlflow_adds_to_a_download_is_neither_checked_nor_handed_on(tmp_path: Path) -> None:
    """`registered_model_meta` on top of the folder."""
    folder = made(tmp_path / "m")
    (folder / "registered_model_meta").write_text("model_name: x")
    assert verified_files(folder, "m-1", KEY.public_key()) == FILES


@pytest.mark.parametrize("name", ["model.skops", "new", SIGNATURE_FILE, "registered_model_meta"])
def test_a_symbolic_link_is_refused(tmp_path: Path, name: str) -> None:
    """Even to the very same bytes: a link can turn elsewhere after the check."""
    folder = made(tmp_path / "m")
    target = tmp_path / "target"
    target.write_bytes((folder / name).read_bytes() if (folder / name).exists() else b"")
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(target)
    with pytest.raises(Altered, match="not a plain file"):
        verified_files(folder, "m-1", KEY.public_key())
    with pytest.raises(Altered, match="not a plain file"):
        sign_folder(folder, "m-1", KEY)


def test_a_linked_folder_and_a_pipe_are_refused(tmp_path: Path) -> None:
    """Nothing but plain files in plain folders; a pipe would block the reader for ever."""
    folder = made(tmp_path / "m")
    (folder / "linked").symlink_to(made(tmp_path / "other"), target_is_directory=True)
    with pytest.raises(Altered, match="linked: not a plain file"):
        verified_files(folder, "m-1", KEY.public_key())
    (folder / "linked").unlink()
    os.mkfifo(folder / "pipe")
    with pytest.raises(Altered, match="pipe: not a plain file"):
        verified_files(folder, "m-1", KEY.public_key())


def test_a_swapped_description_is_found(tmp_path: Path) -> None:
    """The MLmodel of another version, validly signed there, is changed here."""
    folder, other = made(tmp_path / "m"), tmp_path / "other"
    other.mkdir()
    (other / "MLmodel").write_text("model_id: m-2\n")
    sign_folder(other, "m-2", KEY)
    (other / "MLmodel").replace(folder / "MLmodel")
    with pytest.raises(Altered, match="MLmodel was changed"):
        verified_files(folder, "m-1", KEY.public_key())


def test_another_versions_folder_cannot_take_this_ones_place(tmp_path: Path) -> None:
    """Valid bytes, valid signature, wrong subject: an older, worse model put where the champion lies."""
    with pytest.raises(Altered, match="m-1: holds the signed files of m-2"):
        verified_files(made(tmp_path / "m", "m-2"), "m-1", KEY.public_key())


def test_an_unsigned_folder_is_refused(tmp_path: Path) -> None:
    """The signature taken away."""
    folder = made(tmp_path / "m")
    (folder / SIGNATURE_FILE).unlink()
    with pytest.raises(Unsigned, match=r"no signature\.json"):
        verified_files(folder, "m-1", KEY.public_key())


def test_another_key_is_refused(tmp_path: Path) -> None:
    """Whoever can write to the store can sign, but not with our key."""
    folder = made(tmp_path / "m", key=Ed25519PrivateKey.generate())
    with pytest.raises(Unsigned, match="GAUNTLET_SIGNING_KEY"):
        verified_files(folder, "m-1", KEY.public_key())


def _with_manifest_changed(good: str) -> str:
    document = json.loads(good)
    document["manifest"]["files"].pop("model.skops")
    return json.dumps(document)


GARBAGE: dict[str, Callable[[str], str]] = {
    "empty": lambda _: "",
    "no JSON": lambda good: good[:-20],
    "a list": lambda _: "[]",
    "a number": lambda _: "7",
    "no signature": lambda good: json.dumps({"manifest": json.loads(good)["manifest"]}),
    "no manifest": lambda good: json.dumps({"signature": json.loads(good)["signature"]}),
    "signature is a number": lambda good: json.dumps({**json.loads(good), "signature": 7}),
    "signature is no base64": lambda good: json.dumps({**json.loads(good), "signature": "§§"}),
    "signature is short": lambda good: json.dumps({**json.loads(good), "signature": "AAAA"}),
    "a file fewer in the manifest": _with_manifest_changed,
    "nested without end": lambda _: "[" * 100_000,
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_a_garbled_signature_is_no_signature(tmp_path: Path, kind: str) -> None:
    """One error of ours, whatever stands in signature.json."""
    folder = made(tmp_path / "m")
    file = folder / SIGNATURE_FILE
    file.write_text(GARBAGE[kind](file.read_text()))
    with pytest.raises(Unsigned, match="not confirmed by our key"):
        verified_files(folder, "m-1", KEY.public_key())


def test_bytes_that_are_no_text_and_a_folder_are_no_signature(tmp_path: Path) -> None:
    """Not even then is the error a stranger."""
    folder = made(tmp_path / "m")
    (folder / SIGNATURE_FILE).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Unsigned):
        verified_files(folder, "m-1", KEY.public_key())
    (folder / SIGNATURE_FILE).unlink()
    (folder / SIGNATURE_FILE).mkdir()
    with pytest.raises(Untrusted):
        verified_files(folder, "m-1", KEY.public_key())
