"""The local stack, with real servers: what was killed is mended, what is a stranger's is left alone."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from gauntlet.datasets.errors import ServiceDown
from gauntlet.deployments import stack as local_stack
from gauntlet.deployments.stack.process import Record, alive, marked, read_record, start, stop, wait_until, write_record
from gauntlet.deployments.stack.process import record_of as record_made
from gauntlet.deployments.stack.services import S3, SERVICES, needed, some_free_port
from gauntlet.tasks.runtime.connection import read_credentials, s3_client
from gauntlet.tasks.runtime.settings import Settings

QUIETLY: dict[str, Any] = {"say": lambda _: None}


def pid_file(cfg: Settings, name: str = "s3") -> Path:
    return cfg.state / "stack" / f"{name}.json"


def record_of(cfg: Settings, name: str = "s3") -> Record:
    record = read_record(pid_file(cfg, name))
    assert record is not None
    return record


def states(cfg: Settings) -> dict[str, str]:
    return {service.name: service.state for service in local_stack.status(cfg)}


def running(cfg: Settings) -> list[psutil.Process]:
    return [process for service in SERVICES for process in marked(str(pid_file(cfg, service.name)))]


def client(cfg: Settings) -> Any:
    return s3_client(record_of(cfg).url, read_credentials(cfg), cfg.aws_region)


@pytest.fixture
def stranger() -> Iterator[psutil.Process]:
    """Somebody else's process."""
    with subprocess.Popen(["sleep", "120"]) as child:
        yield psutil.Process(child.pid)
        child.kill()


def test_up_twice_starts_once(cfg: Settings) -> None:
    """The second `up` says that all is well and leaves the process alone."""
    said: list[str] = []
    assert local_stack.up(cfg, **QUIETLY) == ["s3"]
    before = record_of(cfg)
    assert local_stack.up(cfg, say=said.append) == []
    assert record_of(cfg) == before
    assert len(said) == 1
    assert "was up already" in said[0]
    assert states(cfg)["s3"] == "healthy"


def test_what_was_killed_is_mended_on_the_same_port_and_keeps_its_objects(cfg: Settings) -> None:
    """kill -9, then `status` and `up`."""
    local_stack.up(cfg, **QUIETLY)
    client(cfg).put_object(Bucket=cfg.s3_bucket, Key="kept", Body=b"42")
    before = record_of(cfg)
    os.kill(before.pid, signal.SIGKILL)
    assert wait_until(lambda: states(cfg)["s3"] == "stopped", time.monotonic() + 5)
    assert local_stack.up(cfg, **QUIETLY) == ["s3"]
    assert record_of(cfg).port == before.port
    assert record_of(cfg).pid != before.pid
    assert client(cfg).get_object(Bucket=cfg.s3_bucket, Key="kept")["Body"].read() == b"42"


def test_objects_survive_down_and_up(cfg: Settings) -> None:
    """State is on disk; the port stays too; no socket is left among the temporary files."""
    local_stack.up(cfg, **QUIETLY)
    port = record_of(cfg).port
    sockets = list(Path("/tmp").glob(f"seaweedfs-*-{port}.sock"))  # its choice
    assert sockets
    client(cfg).put_object(Bucket=cfg.s3_bucket, Key="kept", Body=b"42")
    assert local_stack.down(cfg, **QUIETLY) == ["s3"]
    assert running(cfg) == []
    assert not [one for one in sockets if one.exists()]
    assert local_stack.down(cfg, **QUIETLY) == []
    local_stack.up(cfg, **QUIETLY)
    assert record_of(cfg).port == port
    assert client(cfg).get_object(Bucket=cfg.s3_bucket, Key="kept")["Body"].read() == b"42"


def test_a_taken_port_is_evaded(s3_only: Callable[..., Settings]) -> None:
    """Somebody listens where we wished to."""
    with socket.socket() as squatter:
        port = some_free_port(grpc=True)
        squatter.bind(("127.0.0.1", port))
        squatter.listen()
        cfg = s3_only(s3_port=port)
        local_stack.up(cfg, **QUIETLY)
        assert record_of(cfg).port != port
        assert states(cfg)["s3"] == "healthy"


def test_a_server_that_is_slow_for_a_while_is_not_restarted(cfg: Settings) -> None:
    """A busy machine: health is answered late, and a restart would lose somebody's work."""
    local_stack.up(cfg, **QUIETLY)
    before = record_of(cfg)
    os.kill(before.pid, signal.SIGSTOP)
    assert states(cfg)["s3"] == "unhealthy"
    threading.Timer(1.0, os.kill, (before.pid, signal.SIGCONT)).start()
    assert local_stack.up(cfg, **QUIETLY) == []
    assert record_of(cfg) == before


def test_a_server_that_hangs_is_replaced(cfg: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs but never answers: ended, by force, and started again."""
    monkeypatch.setattr(local_stack, "PATIENCE_S", 0.1)
    monkeypatch.setattr("gauntlet.deployments.stack.process.STOP_TIMEOUT_S", 1.0)
    local_stack.up(cfg, **QUIETLY)
    hung = record_of(cfg)
    os.kill(hung.pid, signal.SIGSTOP)
    assert local_stack.up(cfg, **QUIETLY) == ["s3"]
    assert {process.pid for process in running(cfg)} == {record_of(cfg).pid} != {hung.pid}


def test_a_step_of_the_clock_restarts_no_healthy_server(cfg: Settings) -> None:
    """The time of birth is counted back from the clock's: after a step of an hour it is another, the process the same."""
    local_stack.up(cfg, **QUIETLY)
    before = record_of(cfg)
    write_record(pid_file(cfg), dataclasses.replace(before, created=before.created - 3600))
    assert states(cfg)["s3"] == "healthy"
    assert local_stack.up(cfg, **QUIETLY) == []
    assert [process.pid for process in running(cfg)] == [before.pid]


def test_a_pid_that_was_used_again_is_a_strangers(cfg: Settings, stranger: psutil.Process) -> None:
    """Of the same second by the clock, and born at another tick or in another boot."""
    mine = record_made(stranger, cfg.s3_port, f"http://127.0.0.1:{cfg.s3_port}")
    assert alive(mine) == stranger
    boot, _, ticks = mine.born.partition(" ")
    for born in (f"{boot} {int(ticks) - 1}", f"another {ticks}"):
        assert alive(dataclasses.replace(mine, born=born)) is None
    assert alive(dataclasses.replace(mine, born="")) == stranger


@pytest.mark.parametrize("kind", ["other birth", "garbage", "a list", "no file"])
def test_down_kills_no_stranger(cfg: Settings, stranger: psutil.Process, kind: str) -> None:
    """A pid is used again after a reboot: only the process that `up` started is ended."""
    written = Record(stranger.pid, stranger.create_time() - 100, cfg.s3_port, f"http://127.0.0.1:{cfg.s3_port}")
    write_record(pid_file(cfg), written)
    if kind == "garbage":
        pid_file(cfg).write_text(f"\0{stranger.pid}")
    elif kind == "a list":
        pid_file(cfg).write_text(f"[{stranger.pid}]")
    elif kind == "no file":
        pid_file(cfg).unlink()
    assert states(cfg) == {"s3": "stopped", "mlflow": "yours", "prefect": "yours"}
    assert local_stack.down(cfg, **QUIETLY) == []
    assert stranger.is_running()


def test_a_lost_pid_file_loses_no_server(cfg: Settings) -> None:
    """Our own server is known by its mark too, so that neither `up` nor `down` leaves it behind."""
    local_stack.up(cfg, **QUIETLY)
    pid_file(cfg).unlink()
    local_stack.up(cfg, **QUIETLY)
    assert [process.pid for process in running(cfg)] == [record_of(cfg).pid]
    pid_file(cfg).write_text("garbage")
    assert local_stack.down(cfg, **QUIETLY) == ["s3"]
    assert running(cfg) == []


def test_children_of_a_killed_server_are_ended(bare_environment: None, tmp_path: Path) -> None:
    """`mlflow server` is two processes: the second would hold its port for ever when the first is killed."""
    cfg = Settings.model_validate({"home": tmp_path / "home"})
    mark = str(pid_file(cfg, "mlflow"))
    pid_file(cfg, "mlflow").parent.mkdir(parents=True)
    command = f"{sys.executable} -c 'import time; time.sleep(120)' & wait"
    environment = {**os.environ, "GAUNTLET_STARTED_AS": mark}
    with subprocess.Popen(["sh", "-c", command], env=environment, start_new_session=True) as parent:
        assert wait_until(lambda: len(marked(mark)) == 2, time.monotonic() + 10)
        parent.kill()
    assert len(marked(mark)) == 1
    assert local_stack.down(cfg, **QUIETLY) == ["mlflow"]
    assert marked(mark) == []


UP = """
from gauntlet.deployments import stack
from gauntlet.deployments.stack.services import S3
from gauntlet.tasks.runtime.settings import Settings
import json, sys
stack.needed = lambda cfg: (S3,)
chosen = json.loads(sys.argv[1])
started = stack.up(Settings.model_validate(chosen), say=lambda _: None)
print(json.dumps(started))
"""


def up_elsewhere(cfg: Settings) -> subprocess.Popen[str]:
    chosen = json.dumps({"home": str(cfg.home), "s3_port": cfg.s3_port, "service_timeout_s": cfg.service_timeout_s})
    return subprocess.Popen([sys.executable, "-c", UP, chosen], text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, cwd=Path(__file__).parents[2])  # fmt: skip


def test_two_ups_at_once_start_one_stack(cfg: Settings) -> None:
    """The second waits for the first and finds all well."""
    with up_elsewhere(cfg) as one, up_elsewhere(cfg) as other:
        said = [process.communicate(timeout=60) for process in (one, other)]
    assert sorted(json.loads(out) for out, _ in said) == [[], ["s3"]], said
    assert [process.pid for process in running(cfg)] == [record_of(cfg).pid]


def test_an_up_while_a_session_starts_its_servers_keeps_them(cfg: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes when the session's server is started and not yet well, waits for it, and finds all up."""
    begin, asked = local_stack._start_all, list[threading.Thread]()

    def and_up_meanwhile(*arguments: Any) -> None:
        if not asked:
            asked.append(threading.Thread(target=local_stack.up, args=(cfg,), kwargs=QUIETLY))
            asked[0].start()
        begin(*arguments)

    monkeypatch.setattr(local_stack, "_start_all", and_up_meanwhile)
    with local_stack.session_stack(cfg, **QUIETLY):
        asked[0].join(60)
    assert [process.pid for process in running(cfg)] == [record_of(cfg).pid]


def test_an_up_during_a_session_keeps_its_servers(cfg: Settings) -> None:
    """The session ends, what the user asked to keep stays."""
    with local_stack.session_stack(cfg, **QUIETLY):
        assert local_stack.up(cfg, **QUIETLY) == []
    assert [process.pid for process in running(cfg)] == [record_of(cfg).pid]


CHILD = "import {0}, sys; sys.exit(0 if '{1}' not in {0}.__file__ else 'imported from the current folder')"


@pytest.mark.parametrize("name", ["json", "prefect"])
def test_a_server_imports_nothing_of_the_current_folder(tmp_path: Path, name: str) -> None:
    """Nor do its children, such as the runs of a worker: a module there that bears a known name is not executed."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    (folder / f"{name}.py").write_text(f"open({str(folder / 'imported')!r}, 'w').close()")
    child = CHILD.format(name, folder)
    parent = f"import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', {child!r}]))"
    log, here = tmp_path / "child.log", Path.cwd()
    os.chdir(folder)
    try:
        process = start([sys.executable, "-c", parent], os.environ, log)
    finally:
        os.chdir(here)
    assert process.wait(60) in (0, None)
    stop(process)
    assert "current folder" not in log.read_text()
    assert not (folder / "imported").exists()


def test_every_python_that_is_started_leaves_the_current_folder_out() -> None:
    """Each command line of ours that starts a Python says so itself."""
    root = Path(__file__).parents[2]
    files = [
        file for part in ("blocks", "datasets", "deployments", "flows", "tasks") for file in (root / part).rglob("*.py")
    ]
    found = {
        file.relative_to(root).as_posix(): words
        for file in files
        if (words := re.findall(r"\[\s*sys\.executable,\s*\"([^\"]+)\"", file.read_text()))
    }
    assert set(found) >= {"deployments/deploy.py", "deployments/stack/services.py", "deployments/stack/worker.py",
                          "tasks/registry/fresh.py"}  # fmt: skip
    assert {word for words in found.values() for word in words} == {"-P"}, found


def test_ctrl_c_during_up_leaves_nothing_running(
    s3_only: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server is started but not yet well when the user gives up."""

    def impatient(_cfg: Settings, _url: str) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(local_stack, "needed", lambda cfg: (dataclasses.replace(S3, healthy=impatient),))
    cfg = s3_only()
    with pytest.raises(KeyboardInterrupt):
        local_stack.up(cfg, **QUIETLY)
    assert read_record(pid_file(cfg)) is not None  # it was started
    assert running(cfg) == []


def test_an_error_between_start_and_pid_file_leaves_nothing_running(
    cfg: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk, say."""

    def full(_file: Path, _record: Record) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(local_stack, "write_record", full)
    with pytest.raises(OSError, match="No space"):
        local_stack.up(cfg, **QUIETLY)
    assert running(cfg) == []


@pytest.mark.parametrize("why", ["it ends at once", "it never answers"])
def test_a_server_that_does_not_start_is_one_line(
    s3_only: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    """The line names the service, the address, the reason and the log."""
    script = (
        "print('no volume left'); raise SystemExit(1)" if why == "it ends at once" else "import time; time.sleep(99)"
    )
    broken = dataclasses.replace(S3, command=lambda _cfg, _port: [sys.executable, "-c", script])
    monkeypatch.setattr(local_stack, "needed", lambda cfg: (broken,))
    cfg = s3_only(service_timeout_s=1.0 if why == "it never answers" else 30.0)
    with pytest.raises(ServiceDown) as caught:
        local_stack.up(cfg, **QUIETLY)
    line = str(caught.value)
    assert "\n" not in line
    assert str(cfg.state / "logs" / "s3.log") in line
    assert f"s3 at http://127.0.0.1:{cfg.s3_port}" in line
    assert ("no volume left" if why == "it ends at once" else "not healthy after 1 s") in line
    assert running(cfg) == []


def test_the_secret_is_told_to_nobody(cfg: Settings) -> None:
    """Its files are the owner's only; no log and no process's command line has it."""
    local_stack.up(cfg, **QUIETLY)
    keys = read_credentials(cfg)
    assert keys is not None
    secret = keys.secret_key.get_secret_value()
    holders = {file for file in cfg.state.rglob("*") if file.is_file() and secret.encode() in file.read_bytes()}
    assert {file.name for file in holders} == {"credentials.json", "s3-identities.json"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in holders} == {0o600}
    assert not [process for process in psutil.process_iter(["cmdline"])
                if secret in " ".join(process.info["cmdline"] or [])]  # fmt: skip


def addresses(process: psutil.Process) -> set[str]:
    return {one.laddr.ip for one in process.net_connections("inet") if one.status == psutil.CONN_LISTEN}


def test_s3_listens_on_loopback_only(cfg: Settings) -> None:
    """Nobody in the network reaches it."""
    local_stack.up(cfg, **QUIETLY)
    assert addresses(psutil.Process(record_of(cfg).pid)) <= {"127.0.0.1", "::1"}


def test_every_server_listens_on_loopback_only(stack: Any) -> None:
    """All three of the whole stack, their children included."""
    for service in SERVICES:
        found = marked(str(pid_file(stack.cfg, service.name)))
        assert set().union(*(addresses(process) for process in found)) == {"127.0.0.1"}, service.name


def test_pages_of_prefect_ask_the_server_that_serves_them(stack: Any) -> None:
    """Here its port is not the usual 4200, at which the pages look unless they are told."""
    with urllib.request.urlopen(f"{stack.urls['Prefect']}/ui-settings") as answer:
        assert json.load(answer)["api_url"] == f"{stack.urls['Prefect']}/api"


def test_no_secret_in_the_whole_stack(stack: Any) -> None:
    """Logs and command lines of all three."""
    secret = stack.connection.credentials.secret_key.get_secret_value()
    assert not [log for log in (stack.cfg.state / "logs").iterdir() if secret in log.read_text(errors="replace")]
    for service in SERVICES:
        found = marked(str(pid_file(stack.cfg, service.name)))
        assert found
        assert not [process for process in found if secret in " ".join(process.cmdline())]


def test_proxies_do_not_come_between(cfg: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A factory's proxy is for the internet, not for this machine."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "intranet.example")
    monkeypatch.setenv("no_proxy", "intranet.example")
    assert local_stack.up(cfg, **QUIETLY) == ["s3"]
    assert os.environ["no_proxy"] == os.environ["NO_PROXY"] == "intranet.example,127.0.0.1,localhost"


@pytest.mark.parametrize(
    ("own", "started"),
    [
        ({}, {"s3", "mlflow", "prefect"}),
        ({"PREFECT_API_URL": "http://p/api"}, {"s3", "mlflow"}),
        ({"MLFLOW_TRACKING_URI": "http://m"}, {"prefect"}),
        ({"MLFLOW_S3_ENDPOINT_URL": "http://s"}, {"mlflow", "prefect"}),
        ({"AWS_ENDPOINT_URL": "http://s"}, {"mlflow", "prefect"}),
        ({"AWS_PROFILE": "plant"}, {"mlflow", "prefect"}),
        ({"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}, {"mlflow", "prefect"}),
        ({"PREFECT_API_URL": "http://p/api", "MLFLOW_TRACKING_URI": "http://m"}, set()),
    ],
)
def test_what_the_user_brings_is_not_started(
    bare_environment: None, monkeypatch: pytest.MonkeyPatch, own: dict[str, str], started: set[str]
) -> None:
    """Own servers by the names that their own tools read; ours are started for the others only."""
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    assert {service.name for service in needed(Settings())} == started


def test_own_servers_are_named_by_status_and_nothing_is_started(
    bare_environment: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`up` does nothing, `status` says whose they are."""
    monkeypatch.setenv("PREFECT_API_URL", "http://p/api")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://m")
    cfg = Settings.model_validate({"home": tmp_path / "home"})
    assert local_stack.up(cfg, **QUIETLY) == []
    assert states(cfg) == {"mlflow": "yours", "prefect": "yours"}
    assert running(cfg) == []


def test_a_session_takes_down_what_it_started(cfg: Settings) -> None:
    """Also when the run fails."""
    with pytest.raises(ZeroDivisionError), local_stack.session_stack(cfg, **QUIETLY):
        1 // (states(cfg)["s3"] != "healthy")
    assert running(cfg) == []


def test_a_session_leaves_a_running_stack_alone(cfg: Settings) -> None:
    """What `gauntlet up` started stays until `gauntlet down`."""
    local_stack.up(cfg, **QUIETLY)
    before = record_of(cfg)
    with local_stack.session_stack(cfg, **QUIETLY):
        pass
    assert states(cfg)["s3"] == "healthy"
    assert record_of(cfg) == before


def test_the_last_of_several_sessions_takes_the_stack_down(cfg: Settings) -> None:
    """Two runs side by side: the first to end does not pull the servers from under the second."""
    first, second = local_stack.session_stack(cfg, **QUIETLY), local_stack.session_stack(cfg, **QUIETLY)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert states(cfg)["s3"] == "healthy"
    second.__exit__(None, None, None)
    assert running(cfg) == []


def test_up_during_a_session_keeps_the_stack(cfg: Settings) -> None:
    """Who asks for the servers while a run has them gets to keep them."""
    with local_stack.session_stack(cfg, **QUIETLY):
        assert local_stack.up(cfg, **QUIETLY) == []
    assert states(cfg)["s3"] == "healthy"
