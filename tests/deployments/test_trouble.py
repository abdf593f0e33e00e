"""A port that is somebody else's and a disk that is full are one line each: what, where, and what to do."""

from __future__ import annotations

import dataclasses
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gauntlet.datasets.errors import BadInput, ServiceDown
from gauntlet.deployments import stack as local_stack
from gauntlet.deployments.cli.loop import api
from gauntlet.deployments.stack.process import marked, read_record
from gauntlet.deployments.stack.services import S3, some_free_port
from gauntlet.tasks.runtime.settings import Settings

ROOT = Path(__file__).parents[2]
ME = f"(process {os.getpid()})"


@pytest.fixture
def squatter() -> Iterator[socket.socket]:
    """Somebody's socket, at no port yet."""
    with socket.socket() as ours:
        yield ours


def taken(squatter: socket.socket, port: int) -> int:
    squatter.bind(("127.0.0.1", port))
    squatter.listen()
    return port


@pytest.mark.parametrize("beside", [0, 10_000])
def test_a_move_to_another_port_is_said(s3_only: Callable[..., Settings], squatter: socket.socket, beside: int) -> None:
    """Who has the wished one, or that for gRPC beside it, which it is now, and how to choose."""
    port, said = some_free_port(grpc=True), list[str]()
    taken(squatter, port + beside)
    cfg = s3_only(s3_port=port)
    local_stack.up(cfg, say=said.append)
    record = read_record(cfg.state / "stack" / "s3.json")
    assert record is not None
    assert record.port != port
    assert [line for line in said if f"port {port} or {port + 10_000} is in use by" in line and ME in line
            and f"it gets {record.port} instead" in line and "GAUNTLET_S3_PORT" in line]  # fmt: skip


def test_a_port_that_is_taken_while_the_server_starts_is_said(
    s3_only: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch, squatter: socket.socket
) -> None:
    """The server ends by itself, and its log need not say why."""

    def overtaken(cfg: Settings, port: int) -> list[str]:
        return S3.command(cfg, taken(squatter, port))

    monkeypatch.setattr(local_stack, "needed", lambda cfg: (dataclasses.replace(S3, command=overtaken),))
    cfg = s3_only()
    with pytest.raises(ServiceDown) as caught:
        local_stack.up(cfg, say=lambda _: None)
    assert f"port {cfg.s3_port} or {cfg.s3_port + 10_000} is in use by" in str(caught.value)
    assert ME in str(caught.value)
    assert "set GAUNTLET_S3_PORT to a free port" in str(caught.value)
    assert marked(str(cfg.state / "stack" / "s3.json")) == []


def test_the_webhook_names_who_has_its_port(squatter: socket.socket) -> None:
    """Before any server is started for it."""
    port = taken(squatter, some_free_port())
    with pytest.raises(BadInput, match=rf"--port {port} at 127.0.0.1: in use by .*process {os.getpid()}.*--port"):
        api(port=port)


def on_a_disk_of(size: str, folder: Path, command: str) -> tuple[int, str, list[str]]:
    """(status, standard error, what is left) of a command whose home, $H, lies on a disk of its own."""
    folder.mkdir()
    script = (
        f"mount -t tmpfs -o size={size} tmpfs {folder} || exit 99; H={folder}/home; {command}; rc=$?; find $H; exit $rc"
    )
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode == 99 or "unshare" in done.stderr:
        pytest.skip("no disk of a test's own can be mounted here")
    return done.returncode, done.stderr, done.stdout.splitlines()


UP = (
    f"GAUNTLET_HOME=$H GAUNTLET_S3_PORT={{}} {sys.executable} -P -c 'import gauntlet.deployments.cli as c; c.main()' up"
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "said"), [("20k", "No space left on device"), ("1m", "is full: 0 MB of 1 MB are free")]
)
def test_a_full_disk_is_one_line(bare_environment: None, tmp_path: Path, size: str, said: str) -> None:
    """Full before the first server is started, or by what the servers wrote; no server and no part of a file is left."""
    status, err, left = on_a_disk_of(size, tmp_path / "disk", UP.format(some_free_port(grpc=True)))
    assert status in (1, 2)
    assert err.count("\n") == 1, err
    assert said in err
    assert str(tmp_path / "disk" / "home") in err
    ours = [Path(name).name for name in left if "/home/s3/" not in name]
    assert "credentials.json" in ours
    assert not [name for name in ours if name.endswith(".part") or name.startswith(".")]
    assert not [
        one for name in ("s3", "mlflow", "prefect") for one in marked(f"{tmp_path}/disk/home/stack/{name}.json")
    ]
