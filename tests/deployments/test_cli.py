"""The command line's promises: exit statuses, and one line per mistake."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gauntlet.datasets import mimii
from gauntlet.deployments import cli
from gauntlet.deployments.cli.run import _forget_own_servers
from gauntlet.deployments.stack.process import marked, wait_until
from gauntlet.deployments.stack.services import SERVICES
from gauntlet.tasks.runtime import settings as settings_module
from gauntlet.tasks.runtime.settings import settings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def call(
    bare_environment: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> object:
    """`gauntlet` with these arguments: its exit status, standard output and standard error."""
    monkeypatch.setenv("GAUNTLET_HOME", str(tmp_path / "home"))
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    settings.cache_clear()

    def gauntlet(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["gauntlet", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capfd.readouterr()
        return int(ended.value.code or 0), out, err

    yield gauntlet
    settings.cache_clear()
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "ai5i"), "no gauntlet 'ai5i'; expected one of ai4i, pump,"),
        (("run", "ai4i", "--source", "imagined"), "--source imagined; expected one of auto, real, simulated."),
        (("run", "ai4i", "--columns", "some"), "--columns some; expected one of features, all."),
        (("run", "ai4i", "--data", "/nowhere"), "/nowhere: there is no such folder or file. Check --data."),
        (("run", "ai4i", "--json", "/nowhere/r.json"), "its folder is missing or cannot be written. Check --json."),
        (("run", "ai4i", "--json", "/"), "/: this is a folder; expected a file for --json."),
        (("run", "ai4i", "--price-of-miss", "nan"), "--price-of-miss nan; expected an amount of money, 0 or more."),
        (("run", "ai4i", "--price-of-false-alarm=-1"), "--price-of-false-alarm -1.0; expected an amount"),
        (("data", "get", "ai5i"), "no data set 'ai5i'; expected one of "),
        (("data", "get", "ai4i", "--part", "1"), "ai4i is published in one part. Leave --part away."),
        (("data", "get", "mimii", "--part", "9_dB_fan"), "there is no archive '9_dB_fan'; expected -6_dB_fan, "),
    ],
)
def test_a_wrong_call_is_one_line_and_status_2(call: object, arguments: tuple[str, ...], said: str) -> None:
    """Found out before any server is started."""
    status, out, err = call(*arguments)  # type: ignore[operator]
    assert status == 2
    assert out == ""
    assert err.startswith("gauntlet: ")
    assert err.count("\n") == 1
    assert said in err
    assert not [process for service in SERVICES for process in marked(str(home() / f"stack/{service.name}.json"))]


def home() -> Path:
    return Path(os.environ["GAUNTLET_HOME"])


def test_a_bad_table_is_named_before_any_server_starts(call: object, tmp_path: Path) -> None:
    """`--data` is a file of something else."""
    (tmp_path / "ai4i2020.csv").write_text("a,b\n1,2\n")
    status, _, err = call("run", "ai4i", "--data", str(tmp_path))  # type: ignore[operator]
    assert status == 2
    assert "ai4i2020.csv" in err
    assert err.count("\n") == 1
    assert not (home() / "logs").exists()


@pytest.mark.parametrize("arguments", [("--nonsense",), ("run",), ("run", "ai4i", "--seed", "x"), ("fly",),
                                       ("run", "ai4i", "--seed=-1")])  # fmt: skip
def test_usage_errors_have_status_2(call: object, arguments: tuple[str, ...]) -> None:
    """Those that the command line itself finds."""
    status, _, err = call(*arguments)  # type: ignore[operator]
    assert status == 2
    assert "Usage" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("verb", [("status",), ("up",), ("down",), ("run", "ai4i"), ("data", "list")])
def test_a_bad_setting_is_one_line_and_status_2(
    call: object, monkeypatch: pytest.MonkeyPatch, verb: tuple[str, ...]
) -> None:
    """Whatever was called."""
    monkeypatch.setenv("GAUNTLET_S3_PORT", "abc")
    status, out, err = call(*verb)  # type: ignore[operator]
    assert (status, out) == (2, "")
    assert err.startswith("gauntlet: setting GAUNTLET_S3_PORT = 'abc': ")
    assert err.count("\n") == 1


def test_status_says_1_when_a_server_is_down(call: object) -> None:
    """A line per server, for scripts a status."""
    status, out, err = call("status")  # type: ignore[operator]
    assert (status, err) == (1, "")
    assert [line.split()[0] for line in out.splitlines()] == ["s3", "mlflow", "prefect"]
    assert out.count("stopped") == 3
    assert "gauntlet up" in out


def test_status_says_0_for_own_servers(call: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are not ours to judge."""
    monkeypatch.setenv("PREFECT_API_URL", "http://p/api")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://m")
    status, out, _ = call("status")  # type: ignore[operator]
    assert status == 0
    assert out.count("yours") == 2


def test_down_with_nothing_up_is_harmless(call: object) -> None:
    """Status 0."""
    assert call("down") == (0, "nothing to stop\n", "")  # type: ignore[operator]


@pytest.mark.parametrize("arguments", [("--help",), ("run", "-h"), ("data", "--help")])
def test_help_has_status_0(call: object, arguments: tuple[str, ...]) -> None:
    """On standard output."""
    status, out, err = call(*arguments)  # type: ignore[operator]
    assert (status, err) == (0, "")
    assert "Usage" in out


def test_data_list_names_the_sets(call: object) -> None:
    """Every data set has a line."""
    status, out, _ = call("data", "list")  # type: ignore[operator]
    assert status == 0
    assert "ai4i" in out


def test_one_archive_of_mimii_is_fetched_and_no_other(
    call: object, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By the name that the publisher gives it, its leading dash too; a second call asks for nothing."""
    asked: list[str] = []
    archive = tmp_path / "published" / "-6_dB_fan.zip"
    archive.parent.mkdir()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("fan/id_00/normal/00000000.wav", b"x")

    class Publisher(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            asked.append(self.path)

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Publisher, directory=str(archive.parent))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setattr(mimii, "_URL", f"http://127.0.0.1:{server.server_port}/{{name}}.zip")
        monkeypatch.setitem(mimii.MD5, "-6_dB_fan", hashlib.md5(archive.read_bytes()).hexdigest())
        for _ in range(2):
            status, out, err = call("data", "get", "mimii", "--part", "-6_dB_fan")  # type: ignore[operator]
            assert (status, err) == (0, "")
        server.shutdown()
    assert asked == ["/-6_dB_fan.zip"]
    assert [file.name for file in Path(out.strip()).rglob("*") if file.is_file()] == ["00000000.wav"]
    assert [folder.name for folder in Path(out.strip()).iterdir()] == ["-6_dB_fan"]


def test_an_unforeseen_error_is_one_line_too(call: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """The traceback on request."""

    def broken(_cfg: object) -> None:
        raise RuntimeError("first line\nsecond line")

    monkeypatch.setattr("gauntlet.deployments.stack.status", broken)
    status, _, err = call("status")  # type: ignore[operator]
    assert status == 1
    assert err == "gauntlet: RuntimeError: first line second line. Set GAUNTLET_TRACEBACK=1 for the traceback.\n"


def test_offline_server_forgets_own_servers_of_environment_and_env_file(
    bare_environment: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`.env` has no say either."""
    monkeypatch.setattr(settings_module, "project", lambda: tmp_path)
    (tmp_path / ".env").write_text("PREFECT_API_URL=http://p/api\nMLFLOW_S3_ENDPOINT_URL=http://s\nAWS_PROFILE=x\n")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://m")
    for name in ("PREFECT_API_URL", "MLFLOW_TRACKING_URI", "S3_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_PROFILE"):
        monkeypatch.setenv(f"GAUNTLET_{name}", "")
        monkeypatch.delenv(f"GAUNTLET_{name}")
    settings.cache_clear()
    assert (settings().own_prefect, settings().own_mlflow, settings().own_s3) == (True, True, True)
    _forget_own_servers()
    assert (settings().own_prefect, settings().own_mlflow, settings().own_s3) == (False, False, False)
    settings.cache_clear()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_up_that_is_told_to_end_leaves_nothing(bare_environment: None, tmp_path: Path, number: int) -> None:
    """Ctrl-C, `kill`, a closed terminal: while the servers start."""
    environment = {**os.environ, "GAUNTLET_HOME": str(tmp_path / "home"), "PREFECT_API_URL": "http://127.0.0.1:9/api"}
    mark = str(tmp_path / "home" / "stack" / "mlflow.json")
    command = [sys.executable, "-c", "import gauntlet.deployments.cli as c; c.main()", "up"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as up:
        assert wait_until(lambda: marked(mark), time.monotonic() + 30)
        up.send_signal(number)
        _, err = up.communicate(timeout=40)
    assert up.returncode == 128 + number
    assert "Traceback" not in err
    assert not [one for service in SERVICES for one in marked(str(tmp_path / f"home/stack/{service.name}.json"))]
