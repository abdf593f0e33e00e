"""Downloads are verified, whole, and resumed; whatever goes wrong is one line with the address and the remedy."""

from __future__ import annotations

import hashlib
import io
import socket
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gauntlet.datasets.errors import BadInput, ServiceDown, WrongHash
from gauntlet.datasets.io.fetch import download
from gauntlet.datasets.provenance import mark_simulated
from gauntlet.datasets.spec import RemoteFile

TABLE = b"UDI,Type\r\n" + b"1,L\r\n" * 200_000
TABLE_SHA = hashlib.sha256(TABLE).hexdigest()


def zipped(name: str = "data/table.csv", content: bytes = TABLE) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


@dataclass
class Publisher:
    """A publisher on loopback. `cut_after`: bytes sent per answer, one entry per request, None = all."""

    url: str
    files: dict[str, bytes] = field(default_factory=dict)
    cut_after: list[int | None] = field(default_factory=list)
    asked: list[str | None] = field(default_factory=list)
    ranges: bool = True

    def remote(self, name: str, **known: str) -> RemoteFile:
        return RemoteFile(name, f"{self.url}/{name}", **known)


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers["Range"]
            site.asked.append(wanted)
            content = site.files.get(self.path[1:])
            if content is None:
                return self.send_error(404)
            start = int(wanted[6:-1]) if wanted and site.ranges else 0
            if start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                return self.end_headers()
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            cut = site.cut_after.pop(0) if site.cut_after else None
            self.wfile.write(content[start:] if cut is None else content[start : start + cut])
            return None

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site = Publisher(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield site
    server.shutdown()
    thread.join()
    server.server_close()


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_member_of_a_zip_is_taken_out_and_verified(publisher: Publisher, tmp_path: Path) -> None:
    publisher.files["table.zip"] = zipped()
    remote = publisher.remote("table.zip", member="table.csv")
    file = download(remote, tmp_path / "new" / "set", member_sha256=TABLE_SHA)
    assert file == tmp_path / "new" / "set" / "table.csv"
    assert file.read_bytes() == TABLE
    assert names(file.parent) == ["table.csv"]


def test_what_is_there_is_not_fetched_again(publisher: Publisher, tmp_path: Path) -> None:
    publisher.files["table.csv"] = TABLE
    remote = publisher.remote("table.csv", sha256=TABLE_SHA)
    for _ in range(2):
        assert download(remote, tmp_path).read_bytes() == TABLE
    assert len(publisher.asked) == 1


def test_another_file_of_that_name_is_not_overwritten(publisher: Publisher, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("mine")
    with pytest.raises(BadInput, match="not overwritten"):
        download(publisher.remote("table.csv", sha256=TABLE_SHA), tmp_path)
    assert (tmp_path / "table.csv").read_text() == "mine"
    assert publisher.asked == []


@pytest.mark.parametrize("member", [None, "table.csv"])
def test_a_wrong_hash_names_both_and_leaves_nothing(publisher: Publisher, tmp_path: Path, member: str | None) -> None:
    publisher.files["file"] = zipped() if member else TABLE
    wrong = "0" * 64
    remote = RemoteFile("file", f"{publisher.url}/file", None if member else wrong, member)
    with pytest.raises(WrongHash) as caught:
        download(remote, tmp_path, member_sha256=wrong)
    assert wrong in str(caught.value)
    assert TABLE_SHA in str(caught.value)
    assert names(tmp_path) == []


@pytest.mark.parametrize("ranges", [True, False])
def test_a_cut_connection_is_taken_up_again(publisher: Publisher, tmp_path: Path, ranges: bool) -> None:
    """Where it broke off, or from the beginning at a publisher that knows no ranges."""
    publisher.files["table.csv"], publisher.cut_after, publisher.ranges = TABLE, [300_000, None], ranges
    assert download(publisher.remote("table.csv", sha256=TABLE_SHA), tmp_path).read_bytes() == TABLE
    assert publisher.asked[0] is None
    assert publisher.asked[1] is not None
    assert names(tmp_path) == ["table.csv"]


def test_a_connection_that_keeps_breaking_is_resumed_by_the_next_call(publisher: Publisher, tmp_path: Path) -> None:
    publisher.files["table.csv"], publisher.cut_after = TABLE, [270_000] * 3
    remote = publisher.remote("table.csv", sha256=TABLE_SHA)
    with pytest.raises(ServiceDown) as caught:
        download(remote, tmp_path)
    assert remote.url in str(caught.value)
    assert names(tmp_path) == [".table.csv.part"]
    assert download(remote, tmp_path).read_bytes() == TABLE
    assert publisher.asked[-1] not in (None, "bytes=0-")
    assert names(tmp_path) == ["table.csv"]


def test_a_part_that_is_already_whole_needs_no_byte_more(publisher: Publisher, tmp_path: Path) -> None:
    publisher.files["table.csv"] = TABLE
    (tmp_path / ".table.csv.part").write_bytes(TABLE)
    assert download(publisher.remote("table.csv", sha256=TABLE_SHA), tmp_path).read_bytes() == TABLE


def test_a_part_longer_than_the_file_is_begun_anew_by_the_next_call(publisher: Publisher, tmp_path: Path) -> None:
    publisher.files["table.csv"] = TABLE
    remote = publisher.remote("table.csv", sha256=TABLE_SHA)
    (tmp_path / ".table.csv.part").write_bytes(TABLE + b"more")
    with pytest.raises(ServiceDown):
        download(remote, tmp_path)
    assert download(remote, tmp_path).read_bytes() == TABLE


BAD_ZIPS = {
    "not a zip": (b"<html>moved</html>", "not a whole zip archive"),
    "cut off": (zipped()[:-50], "not a whole zip archive"),
    "without the member": (zipped("other.csv"), "lacks table.csv, saw other.csv"),
}


@pytest.mark.parametrize("how", BAD_ZIPS)
def test_a_bad_zip_is_named_and_removed(publisher: Publisher, tmp_path: Path, how: str) -> None:
    publisher.files["table.zip"], words = BAD_ZIPS[how]
    with pytest.raises(BadInput, match=words):
        download(publisher.remote("table.zip", member="table.csv"), tmp_path, member_sha256=TABLE_SHA)
    assert names(tmp_path) == []


def one_line(error: Exception, url: str, folder: Path) -> str:
    message = str(error)
    assert "\n" not in message
    assert url in message
    assert f"put table.csv into {folder}" in message
    return message


def test_a_refusal_says_its_status_and_the_way_by_hand(publisher: Publisher, tmp_path: Path) -> None:
    remote = publisher.remote("gone.zip", member="table.csv")
    with pytest.raises(ServiceDown) as caught:
        download(remote, tmp_path, member_sha256=TABLE_SHA)
    assert "HTTP 404" in one_line(caught.value, remote.url, tmp_path)


def test_no_server_and_no_network_say_the_way_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refuses
        remote = RemoteFile("table.csv", f"http://127.0.0.1:{taken.getsockname()[1]}/table.csv")
        with pytest.raises(ServiceDown) as caught:
            download(remote, tmp_path)
        assert "Connection refused" in one_line(caught.value, remote.url, tmp_path)

    def unresolved(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unresolved)
    remote = RemoteFile("table.csv", "http://data.invalid/table.csv")
    with pytest.raises(ServiceDown) as caught:
        download(remote, tmp_path)
    assert "Name or service not known" in one_line(caught.value, remote.url, tmp_path)


def test_real_files_are_not_fetched_into_a_simulated_folder(publisher: Publisher, tmp_path: Path) -> None:
    mark_simulated(tmp_path, "gauntlet.datasets.ai4i", 1, seed=7)
    with pytest.raises(BadInput, match="holds simulated files"):
        download(publisher.remote("table.csv"), tmp_path)


def test_a_folder_that_cannot_be_written_is_one_line(publisher: Publisher, tmp_path: Path) -> None:
    publisher.files["table.csv"] = TABLE
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="cannot be written"):
        download(publisher.remote("table.csv"), tmp_path / "file" / "set")
