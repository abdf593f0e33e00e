"""Downloads from a data set's publisher: resumed when cut off, verified by sha256, in place whole or not at all."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256 as sha256_of
from http import HTTPStatus
from pathlib import Path

import pooch
import requests
from tqdm import tqdm

from gauntlet.datasets.errors import BadInput, ServiceDown, WrongHash
from gauntlet.datasets.io.atomic import cannot_write, write_whole
from gauntlet.datasets.provenance import RECORD, provenance
from gauntlet.datasets.spec import RemoteFile

CHUNK = 1 << 18
ATTEMPTS = 3
TIMEOUT_S = (10, 60)  # to connect, between two pieces


def download(remote: RemoteFile, folder: Path, *, member_sha256: str | None = None, progress: bool = True) -> Path:
    """The file in `folder`, the wanted member of a zip already taken out of it; nothing is sent when it is there.

    Args:
        member_sha256: hash of `remote.member`, where the publisher's zip has none of its own or changes.

    Raises:
        WrongHash: the download, or its member, is not the published file; it is removed.
        ServiceDown: no network, no server, or a refusal; a part that came stays and the next call resumes there.
        BadInput: the folder cannot be written, holds simulated files, or holds another file under this name.
    """
    target, sha256 = folder / (remote.member or remote.name), member_sha256 if remote.member else remote.sha256
    if target.exists():
        return _keep(target, sha256)
    if provenance(folder) == "simulated":
        raise BadInput(folder / RECORD, "the folder holds simulated files", do="name another folder")
    part = folder / f".{remote.name}.part"
    with _in_one_line(remote, target):
        folder.mkdir(parents=True, exist_ok=True)
        # A pooch's log would say on every first download that no hash is known, which is so for a publisher's zip.
        pooch.get_logger().setLevel("WARNING")
        fetched = Path(
            pooch.retrieve(
                remote.url,
                known_hash=None,  # `_Resumed` compares, so that both hashes are named
                fname=f".{remote.name}" if remote.member else remote.name,
                path=folder,
                downloader=_Resumed(part, remote.sha256, progress),
            )
        )
    if not remote.member:
        return fetched
    try:
        return write_whole(target, _member(fetched, remote.member, member_sha256))
    finally:
        fetched.unlink(missing_ok=True)


@dataclass(frozen=True)
class _Resumed:
    """A pooch downloader: fills `part` over as many connections as it takes, then verifies it and hands it over."""

    part: Path
    sha256: str | None
    progress: bool

    def __call__(self, url: str, output_file: str, _: object) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._fill(url)
                break
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError):
                # The next connection begins where this one was cut. One that brought nothing has no successor.
                if attempt == ATTEMPTS or not self.part.exists():
                    raise
        saw = pooch.file_hash(str(self.part), alg="sha256")
        if self.sha256 and saw != self.sha256:
            self.part.unlink()
            raise WrongHash(self.part.with_name(self.part.name[1:-5]), saw, self.sha256)
        self.part.replace(output_file)

    def _fill(self, url: str) -> None:
        have = self.part.stat().st_size if self.part.exists() else 0
        # Compressed on the way, byte counts would not be those of the file.
        asked = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        with requests.get(url, headers=asked, stream=True, timeout=TIMEOUT_S) as answer:
            if answer.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                if answer.headers.get("Content-Range") == f"bytes */{have}":
                    return  # it was all there: killed between the last byte and the move
                self.part.unlink()
                raise requests.ConnectionError("the file changed while it was fetched")
            answer.raise_for_status()
            have = have if answer.status_code == HTTPStatus.PARTIAL_CONTENT else 0
            length = int(answer.headers.get("Content-Length") or 0)
            with (
                self.part.open("ab" if have else "wb") as file,
                tqdm(
                    total=have + length if length else None,
                    initial=have,
                    unit="B",
                    unit_scale=True,
                    leave=False,
                    desc=self.part.name[1:-5],
                    disable=None if self.progress else True,
                ) as bar,
            ):
                for piece in answer.iter_content(CHUNK):
                    file.write(piece)
                    bar.update(len(piece))


def _keep(target: Path, sha256: str | None) -> Path:
    """`target`, which is there already, if it is what would have been fetched."""
    if not target.is_file():
        raise BadInput(target, "this is a folder", expected="a file or nothing", do="remove it or name another folder")
    if sha256 and pooch.file_hash(str(target), alg="sha256") != sha256:
        do = "move it away, or name another folder; it is not overwritten"
        raise BadInput(target, "there is another file of this name", expected=f"sha256 {sha256}", do=do)
    return target


def _member(archive: Path, member: str, sha256: str | None) -> bytes:
    """The bytes of the file `member`, in whatever folder of the zip it lies."""
    name = archive.name.lstrip(".")
    again = "fetch it again; if it stays so, the publisher changed the file"
    try:
        with zipfile.ZipFile(archive) as zipped:
            found = [entry for entry in zipped.infolist() if Path(entry.filename).name == member]
            if len(found) != 1:
                saw = ", ".join(zipped.namelist()[:5]) or "an empty zip"
                raise BadInput(name, f"the download lacks {member}", saw=saw, do=again)
            content = zipped.read(found[0])
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise BadInput(name, f"the download is not a whole zip archive ({error})", do=again) from None
    saw = sha256_of(content).hexdigest()
    if sha256 and saw != sha256:
        raise WrongHash(f"{name}:{member}", saw, sha256)
    return content


@contextmanager
def _in_one_line(remote: RemoteFile, target: Path) -> Iterator[None]:
    """Turns what goes wrong on the way into the one line that says where to put the file by hand."""
    do = f"fetch it by hand and put {target.name} into {target.parent}, or use --source simulated"
    try:
        yield
    except requests.RequestException as error:
        raise ServiceDown("the publisher", remote.url, _why(error), do) from None
    except OSError as error:
        raise cannot_write(target.parent, error) from None


def _why(error: requests.RequestException) -> str:
    """A few words for an error whose own text is a chain of three libraries' errors."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"HTTP {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.Timeout):
        return "timed out"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror and not isinstance(cause, requests.RequestException):
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return "the connection broke off" if "Incomplete" in str(error) or "broken" in str(error) else "no connection"
