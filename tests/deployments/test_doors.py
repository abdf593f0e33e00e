"""Loopback is no fence: every port that the local stack listens on, asked without a key, by a foreign page or name."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import socket
import ssl
import stat
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from gauntlet.deployments.cli.stack import status
from gauntlet.deployments.screenshots.browser import page
from gauntlet.deployments.stack.process import marked
from gauntlet.deployments.stack.services import SERVICES
from gauntlet.tasks.runtime.connection import passwords_file
from gauntlet.tasks.runtime.settings import Settings, private_home

FOREIGN = "http://pages.example"
# What the servers' own pages and clients ask for; and what SeaweedFS's parts answer when they are left open.
PATHS = {
    "prefect": (
        "/api/flow_runs/filter", "/api/block_documents/filter", "/api/variables/filter", "/api/logs/filter",
        "/api/admin/settings", "/api/work_pools/filter", "/api/automations/filter", "/api/artifacts/filter",
    ),
    "mlflow": (
        "/", "/graphql", "/api/2.0/mlflow/experiments/search", "/ajax-api/2.0/mlflow/experiments/search", "/version",
        "/get-artifact", "/model-versions/get-artifact", "/api/2.0/mlflow-artifacts/artifacts", "/server-info", "/metrics",
    ),
    "s3": (
        "/", "/maintenance-artifacts", "/buckets", "/buckets/maintenance-artifacts/.healthy", "/dir/assign", "/dir/status",
        "/cluster/status", "/status?pretty=y", "/vol/status", "/ui/index.html", "/debug/vars", "/admin", "/login", "/metrics",
    ),
}  # fmt: skip
METHODS = ("GET", "POST", "PUT", "DELETE", "OPTIONS")


def ports(stack: Any, name: str) -> list[int]:
    """Every port that the processes of a server listen on."""
    processes = marked(str(stack.cfg.state / "stack" / f"{name}.json"))
    found = {
        connection.laddr.port
        for process in processes
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    return sorted(found)


def asked(port: int, method: str, path: str, **headers: str) -> requests.Response | None:
    """The answer; None where the door did not open at all."""
    try:
        return requests.request(method, f"http://127.0.0.1:{port}{path}", headers=headers, timeout=10, json={})
    except requests.RequestException:
        return None


@pytest.mark.parametrize(
    "headers", [{}, {"Origin": FOREIGN}, {"Host": "pages.example"}], ids=["no key", "page", "name"]
)
@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
@pytest.mark.promise("doors")
def test_no_port_answers_without_a_key(stack: Any, service: Any, headers: dict[str, str]) -> None:
    """Each is refused, or answers a preflight without letting the page in."""
    listening = ports(stack, service.name)
    assert len(listening) == (10 if service.name == "s3" else 1)
    for port in listening:
        for path in PATHS[service.name]:
            for method in METHODS:
                answer = asked(port, method, path, **headers)
                if answer is None or answer.status_code >= 400:
                    continue
                bare = not answer.content or path == "/status?pretty=y"
                assert bare, (port, method, path, answer.status_code, answer.content[:200])


def test_a_foreign_page_is_not_let_in_by_a_password_that_the_browser_knows(stack: Any) -> None:
    """The browser adds it to what any page asks for: MLflow refuses the page, Prefect's answer is not shown to it."""
    (prefect,), (mlflow,) = ports(stack, "prefect"), ports(stack, "mlflow")
    login = stack.login("mlflow")
    address = f"http://127.0.0.1:{mlflow}/api/2.0/mlflow/experiments/search?max_results=1"
    for headers, status_code in (({}, 200), ({"Origin": FOREIGN}, 403), ({"Host": f"pages.example:{mlflow}"}, 403),
                                 ({"Origin": f"http://127.0.0.1:{mlflow}"}, 200)):  # fmt: skip
        assert requests.get(address, auth=login, headers=headers, timeout=30).status_code == status_code
    address, login = f"http://127.0.0.1:{prefect}/api/flow_runs/filter", stack.login("prefect")
    shown = requests.post(address, json={}, auth=login, headers={"Origin": FOREIGN}, timeout=30)
    assert (shown.status_code, shown.headers.get("Access-Control-Allow-Origin")) == (200, None)
    preflight = requests.options(
        address, headers={"Origin": FOREIGN, "Access-Control-Request-Method": "POST"}, timeout=30
    )
    assert "Access-Control-Allow-Origin" not in preflight.headers


def test_parts_of_the_s3_server_take_no_call_without_their_certificate(stack: Any) -> None:
    """All but the S3 port itself, HTTP and gRPC alike: a handshake without a certificate ends in an alert."""
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    inner = [port for port in ports(stack, "s3") if not stack.connection.s3_endpoint_url.endswith(f":{port}")]
    assert len(inner) == 9
    for port in inner:
        with pytest.raises(ssl.SSLError):
            _answer_by_tls(trusting, port)


def _answer_by_tls(trusting: ssl.SSLContext, port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as bare, trusting.wrap_socket(bare) as wrapped:
        wrapped.sendall(b"GET /dir/assign HTTP/1.1\r\nHost: x\r\n\r\n")
        return wrapped.recv(100)


@pytest.fixture
def foreign_page() -> Iterator[str]:
    """A web site of somebody else's, on a port of its own."""

    class Empty(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<p>elsewhere</p>")

        def log_message(self, *_: Any) -> None:
            return

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Empty) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="the same questions are asked without a browser above")
@pytest.mark.promise("doors")
def test_a_page_in_a_real_browser_reads_and_writes_nothing(stack: Any, foreign_page: str) -> None:
    """Every port, path and kind of call: the page sees an error or a refusal, never an answer."""
    asks = [(port, path) for service in SERVICES for port in ports(stack, service.name) for path in PATHS[service.name]]
    script = """(async () => {
      const seen = [];
      for (const [port, path] of %s) for (const method of ['GET', 'POST', 'PUT']) {
        try {
          const answer = await fetch(`http://127.0.0.1:${port}${path}`,
            {method, credentials: 'include', body: method === 'GET' ? undefined : '{}'});
          if (answer.status < 400 && await answer.text()) seen.push([port, path, method, answer.status]);
        } catch { /* the browser showed nothing */ }
      }
      return JSON.stringify(seen);
    })()""" % [list(ask) for ask in asks]
    with page({}) as tab:
        tab.open(foreign_page, "elsewhere", 400, 300)
        assert json.loads(tab.run(script)) == []


@pytest.mark.promise("doors")
def test_what_the_servers_write_is_their_owners_alone(stack: Any) -> None:
    """Databases, objects and logs: none has a bit for others, should the home folder ever be opened."""
    assert stat.S_IMODE(stack.cfg.state.stat().st_mode) == 0o700
    files = [file for file in stack.cfg.state.rglob("*") if file.suffix in (".db", ".log", ".dat", ".idx")]
    assert {".db", ".log"} <= {file.suffix for file in files}
    servers = [
        file for file in files if file.relative_to(stack.cfg.state).parts[0] in ("prefect", "mlflow", "s3", "logs")
    ]
    assert [str(file) for file in servers if stat.S_IMODE(file.stat().st_mode) & 0o077] == []
    assert stat.S_IMODE(passwords_file(stack.cfg).stat().st_mode) == 0o600


def test_a_home_that_others_could_read_is_closed() -> None:
    """Another user of the machine gets nothing from then on."""
    with tempfile.TemporaryDirectory() as base:
        Path(base).chmod(0o755)
        home = Path(base) / "home"
        home.mkdir(mode=0o755)
        (home / "prefect.db").write_text("a key")
        home.chmod(0o755)
        private_home(Settings(home=home))
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
        if os.geteuid() == 0:
            read = subprocess.run(["cat", str(home / "prefect.db")], user=65534, capture_output=True, check=False)
            assert (read.returncode, read.stdout) == (1, b"")


def test_no_password_in_logs_command_lines_or_on_the_terminal(stack: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """`status --urls` says where they lie; nothing else shows them."""
    passwords = [stack.login(name)[1] for name in ("prefect", "mlflow")]
    for process in (
        process for service in SERVICES for process in marked(str(stack.cfg.state / "stack" / f"{service.name}.json"))
    ):
        assert not [word for word in passwords if word in " ".join(process.cmdline())]
    logs = [log.read_text(errors="replace") for log in (stack.cfg.state / "logs").iterdir()]
    assert not [word for word in passwords for log in logs if word in log]
    status(urls=True)
    lines = capsys.readouterr().out
    assert str(passwords_file(stack.cfg)) in lines
    assert stack.urls["Prefect"] in lines
    assert not [word for word in passwords if word in lines]
