"""`gauntlet audit-lock` against a server that speaks as OSV does and keeps what it was asked: every locked version is asked
for, what is known is told with its mended version, and no answer is no pass."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from packaging.version import Version

from gauntlet.datasets.errors import NotAudited
from gauntlet.deployments import lock_audit
from gauntlet.deployments.lock import pinned
from gauntlet.deployments.lock_audit import audit

PINS = {"alpha": [Version("1.0"), Version("2.0")], "beta": [Version("3.1")], "gamma": [Version("0.5")]}


@dataclass
class Osv:
    """The database on loopback: advisories by package and version, pages of one, and (path, document) of each request."""

    address: str = ""
    known: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    advisories: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, Any]] = field(default_factory=list)
    spoil: Any = None  # what is answered instead


@pytest.fixture
def osv(serve: Callable[..., str]) -> Osv:
    """It knows of nothing yet."""
    made = Osv()

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            made.asked.append((self.path, body))
            self._send({"results": [self._result(query) for query in body["queries"]]})

        def _result(self, query: dict[str, Any]) -> dict[str, Any]:
            known = made.known.get((query["package"]["name"], query["version"]), [])
            place = int(query.get("page_token", "0"))
            if place >= len(known):
                return {}
            more = {"next_page_token": str(place + 1)} if place + 1 < len(known) else {}
            return {"vulns": [{"id": known[place]}], **more}

        def do_GET(self) -> None:
            made.asked.append((self.path, None))
            self._send(made.advisories.get(self.path.rpartition("/")[2], {}))

        def _send(self, document: Any) -> None:
            status, document = (200, document) if made.spoil is None else made.spoil
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    made.address = serve(Answers)
    return made


def advisory(name: str, package: str, *fixed: str, **more: Any) -> dict[str, Any]:
    """An advisory as OSV writes it; each fix ends a range of its own."""
    ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": one}]} for one in fixed]
    return {"id": name, "affected": [{"package": {"name": package, "ecosystem": "PyPI"}, "ranges": ranges}], **more}


def test_each_version_is_asked_for_and_each_weakness_told(osv: Osv, monkeypatch: pytest.MonkeyPatch) -> None:
    """In calls of as many as OSV takes at once, page by page; with its other names, and the first version above that mends it."""
    monkeypatch.setattr(lock_audit, "AT_ONCE", 3)
    osv.known = {("alpha", "2.0"): ["PYSEC-1", "GHSA-2"], ("gamma", "0.5"): ["GHSA-3", "GHSA-4"]}
    osv.advisories = {
        "PYSEC-1": advisory("PYSEC-1", "Alpha", "1.5", "2.4", "3.0rc1", aliases=["CVE-1"], summary="reads\nall"),
        "GHSA-2": advisory("GHSA-2", "another", "9.0"),
        "GHSA-3": advisory("GHSA-3", "gamma", "0.4"),
        "GHSA-4": advisory("GHSA-4", "gamma", "1.0", withdrawn="2026-01-01T00:00:00Z"),
    }
    assert [finding.line() for finding in audit(PINS, osv.address)] == [
        "alpha 2.0  GHSA-2  no fixed version known",
        "alpha 2.0  PYSEC-1 (CVE-1)  fixed in 2.4  reads all",
        "gamma 0.5  GHSA-3  no fixed version known",
    ]
    batches = [body["queries"] for path, body in osv.asked if path == "/v1/querybatch"]
    first = [
        (query["package"]["name"], query["version"])
        for queries in batches
        for query in queries
        if "page_token" not in query
    ]
    assert first == [("alpha", "1.0"), ("alpha", "2.0"), ("beta", "3.1"), ("gamma", "0.5")]
    assert {query["package"]["ecosystem"] for queries in batches for query in queries} == {"PyPI"}
    assert [len(queries) for queries in batches] == [3, 1, 1, 1]
    assert [path for path, _ in osv.asked if "/vulns/" in path] == [
        f"/v1/vulns/{name}" for name in ("GHSA-2", "GHSA-3", "GHSA-4", "PYSEC-1")
    ]


@pytest.mark.parametrize(
    "spoil",
    [(500, {}), (200, {}), (200, {"results": []}), (200, {"results": [{}] * 3}), (200, [1]), (200, {"results": [7] * 4}),
     (200, {"results": [{"vulns": [{}]}] * 4}), (404, {"results": [{}] * 4})],
)  # fmt: skip
def test_an_answer_that_is_not_whole_is_no_pass(osv: Osv, spoil: tuple[int, Any]) -> None:
    """A failure, another document, an answer for some of the packages only."""
    osv.spoil = spoil
    with pytest.raises(NotAudited, match="not audited: ") as raised:
        audit(PINS, osv.address)
    assert "\n" not in str(raised.value)


def test_an_advisory_that_cannot_be_read_is_no_pass(osv: Osv) -> None:
    """That there is one was answered; which, and what mends it, was not."""
    osv.known = {("beta", "3.1"): ["GHSA-9"]}
    with pytest.raises(NotAudited):
        audit(PINS, osv.address)


def gauntlet(address: str) -> subprocess.CompletedProcess[str]:
    """`gauntlet audit-lock` as a user calls it, on the project's own lock."""
    command = [sys.executable, "-c", "from gauntlet.deployments.cli import main; main()", "audit-lock"]
    environment = {**os.environ, "GAUNTLET_OSV_URL": address}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_command_tells_three_ends_apart(osv: Osv) -> None:
    """No weakness 0, a weakness 1, no answer 3: asked is each version of the lock."""
    told = gauntlet(osv.address)
    assert (told.returncode, told.stderr) == (0, "")
    versions = {(name, str(version)) for name, versions in pinned().items() for version in versions}
    assert f"no known weakness in {len(versions)} locked versions" in told.stdout
    queries = [query for _, body in osv.asked for query in body["queries"]]
    assert {(query["package"]["name"], query["version"]) for query in queries} == versions
    (version,) = pinned()["mlflow"]
    osv.known = {("mlflow", str(version)): ["GHSA-1"]}
    osv.advisories = {"GHSA-1": advisory("GHSA-1", "mlflow", "999.0")}
    told = gauntlet(osv.address)
    assert (told.returncode, told.stdout, told.stderr) == (1, f"mlflow {version}  GHSA-1  fixed in 999.0\n", "")
    told = gauntlet("http://127.0.0.1:9")
    assert (told.returncode, told.stdout, told.stderr.count("\n")) == (3, "", 1)
    assert "not audited: no answer from http://127.0.0.1:9" in told.stderr
