"""`gauntlet keys` shows names and never a key; a worker without keys does not start."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path

from gauntlet.tasks.registry.keys import make_key, signing_key


def gauntlet(home: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command line as a user calls it."""
    command = [sys.executable, "-c", "from gauntlet.deployments.cli import main; main()", *words]
    environment = {**os.environ, "GAUNTLET_HOME": str(home), **environment}
    return subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True, check=False)


def test_keys_are_made_once_rotated_and_listed_by_name(tmp_path: Path) -> None:
    """`new`, `rotate`, `list`: the new one first; no line holds any part of a private key."""
    path = tmp_path / "keys" / "signing.pem"
    said = [gauntlet(tmp_path, "keys", verb) for verb in ("new", "rotate", "list")]
    assert [one.returncode for one in said] == [0, 0, 0], [one.stderr for one in said]
    ring = signing_key(path)
    assert len(ring.names) == 2
    assert [line.split()[0] for line in said[2].stdout.splitlines()[:2]] == list(ring.names)
    text = "".join(one.stdout + one.stderr for one in said)
    for key in ring.keys:
        raw = key.private_bytes_raw()
        assert all(secret not in text for secret in (raw.hex(), base64.b64encode(raw).decode()[4:40]))
    again = gauntlet(tmp_path, "keys", "new")
    assert again.returncode == 2
    assert "there are keys already" in again.stderr
    assert signing_key(path).names == ring.names


def test_a_worker_without_keys_refuses_in_one_line(tmp_path: Path) -> None:
    """Before it speaks to any server; neither is a key made."""
    for variables in ({}, {"GAUNTLET_SIGNING_KEY": str(tmp_path / "mounted.pem")}):
        said = gauntlet(tmp_path, "worker", PREFECT_API_URL="http://127.0.0.1:9/api", **variables)
        assert said.returncode == 2
        assert said.stderr.count("\n") == 1
        assert "no signing key" in said.stderr
        assert "on another host mount that" in said.stderr.lower()
    assert not list(tmp_path.rglob("*.pem"))


def test_a_worker_that_knows_no_server_says_so(tmp_path: Path) -> None:
    """With keys, and no server named."""
    make_key(tmp_path / "keys" / "signing.pem")
    said = gauntlet(tmp_path, "worker", PREFECT_API_URL="")
    assert said.returncode == 2
    assert "set PREFECT_API_URL" in said.stderr.replace("Set", "set")
