"""The text of a table file and how it is written: encoding, separator, decimal mark.

A published table is re-saved by spreadsheets and scripts all over the world. Whatever these change without changing a
value is read as it is; whatever is not a table of text at all is named.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from gauntlet.datasets.errors import BadInput

SEPARATORS = (",", ";", "\t", "|")
_NOT_TEXT = {
    b"PK\x03\x04": "a zip archive or a spreadsheet",
    b"\x1f\x8b": "gzip-compressed",
    b"Rar!": "a rar archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"PAR1": "a parquet file",
    b"\x89HDF": "an HDF5 file",
    b"%PDF": "a PDF document",
    b"\xd0\xcf\x11\xe0": "a spreadsheet in the old binary format",
}
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")


@dataclass(frozen=True)
class TableText:
    """A file's text with how it is written. `header_line` counts from 1; `sha256` and `bytes` are those on disk."""

    path: Path
    text: str
    encoding: str
    separator: str
    decimal: str
    header: tuple[str, ...]
    header_line: int
    sha256: str
    bytes: int


def load(path: Path, known: Callable[[str], bool], content: bytes | None = None) -> TableText:
    """The table text in `path`. `known` tells a column's name from any other word; the separator that shows most of
    them in the header is the file's. `content`: its bytes, where they were read before.

    Raises:
        BadInput: missing, a folder, not permitted, empty, not text, or a first line without a known column.
    """
    data = read_bytes(path) if content is None else content
    text, encoding = _decode(path, data)
    lines = text.split("\n")
    filled = [number for number, line in enumerate(lines) if line.strip()]
    if not filled:
        raise BadInput(path, "the file holds blank lines only", expected="a header and rows", do="export it again")
    told = re.fullmatch(r'"?sep=.?"?', lines[filled[0]].strip(), re.IGNORECASE)  # a spreadsheet's own first line
    at = filled[1] if told and len(filled) > 1 else filled[0]
    separator, header = _header(path, lines[at], at + 1, known)
    decimal = _decimal(text, separator)
    digest = sha256(data).hexdigest()
    return TableText(path, text, encoding, separator, decimal, header, at + 1, digest, len(data))


def read_bytes(path: Path) -> bytes:
    """The file's bytes, at least one.

    Raises:
        BadInput: missing, a folder, not permitted, unreadable, or empty.
    """
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise BadInput(path, "there is no such file", do="check the path") from None
    except IsADirectoryError:
        raise BadInput(
            path, "this is a folder", expected="a file", do="name the file, or the folder it is in"
        ) from None
    except PermissionError:
        raise BadInput(path, "reading is not permitted", do=f"allow it, e.g. `chmod u+r {path.name}`") from None
    except OSError as error:
        raise BadInput(path, f"the file cannot be read ({error.strerror})", do="copy it again") from None
    if not data:
        raise BadInput(path, "the file is empty (0 bytes)", do="copy or fetch it again")
    return data


def _decode(path: Path, data: bytes) -> tuple[str, str]:
    """(text with \\n line ends, encoding)."""
    for magic, kind in _NOT_TEXT.items():
        if data.startswith(magic):
            raise BadInput(path, f"this is {kind}", expected="a text table", do="unpack it or export it as CSV")
    for encoding in _encodings(data):
        try:
            text = data.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
        except UnicodeDecodeError:
            continue
        junk = _CONTROL.search(text)
        if junk is None:
            return text, encoding
        line = text.count("\n", 0, junk.start()) + 1
        raise BadInput(
            path,
            "this is not text",
            row=line,
            saw=f"byte 0x{ord(junk.group()):02x}",
            expected="a text table",
            do="check that the file was copied whole, or export it again",
        )
    raise BadInput(path, "this is not text", expected="UTF-8, UTF-16 or Windows-1252", do="export it again as CSV")


def _encodings(data: bytes) -> tuple[str, ...]:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return ("utf-16",)
    # A byte-order mark gets lost easily. Every second byte of Western text in UTF-16 is zero, in other text none is.
    sample = data[:64]
    if sample[1::2].count(0) > len(sample) // 4 and not sample[::2].count(0):
        return ("utf-16-le",)
    if sample[::2].count(0) > len(sample) // 4 and not sample[1::2].count(0):
        return ("utf-16-be",)
    return ("utf-8-sig", "cp1252")


def _header(path: Path, line: str, number: int, known: Callable[[str], bool]) -> tuple[str, tuple[str, ...]]:
    best: tuple[int, str, tuple[str, ...]] = (0, "", ())
    for separator in SEPARATORS:
        try:
            names = tuple(next(csv.reader([line], delimiter=separator, skipinitialspace=True)))
        except csv.Error:
            continue
        count = sum(known(name) for name in names)
        if count > best[0]:
            best = (count, separator, names)
    if not best[0]:
        raise BadInput(
            path,
            "no known column name",
            row=number,
            saw=repr(line[:60]),
            expected="the header",
            do="give the file its header line, or check that it is the right file",
        )
    return best[1], best[2]


def _decimal(text: str, separator: str) -> str:
    """The mark in the first cell that is a number with a fraction; a comma separates or marks decimals, never both."""
    if separator == ",":
        return "."
    edge = re.escape(separator)
    found = re.search(rf'(?:^|{edge})"?\s*-?\d+([.,])\d+\s*"?(?={edge}|$)', text, re.MULTILINE)
    return found.group(1) if found else "."
