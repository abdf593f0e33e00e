"""Raw signal from text files: a compiled path that is exact or refuses, and pandas for what it refuses.

Publishers' quirks that are read as they are: tab, comma or semicolon between fields, decimal comma (only beside another
separator), byte-order mark, CRLF, spaces around fields, exponents, a separator at the end of each line.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pandas as pd

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.io import _number_kernel as kernel
from gauntlet.datasets.records.snapshot import TextLayout

_BOM = b"\xef\xbb\xbf"
_PAGE = 64  # a buffer at another offset than a cache line makes reads several times slower on some machines


def read_bytes(path: Path) -> np.ndarray:
    """The file's bytes, uint8, in a cache-line aligned buffer.

    Raises:
        BadInput: a folder, unreadable or empty.
    """
    if path.is_dir():
        raise BadInput(path, "this is a folder", expected="a file")
    try:
        with path.open("rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            whole = np.empty(size + _PAGE, np.uint8)
            shift = -whole.ctypes.data % _PAGE
            buffer = whole[shift : shift + size]
            filled = 0
            while filled < size and (got := file.readinto(memoryview(buffer.data)[filled:])):
                filled += got
    except OSError as error:
        raise BadInput(path, f"cannot be read ({error.strerror})") from None
    if not filled or (buffer[0] <= 32 and not np.any(buffer[:filled] > 32)):
        raise BadInput(path, "the file is empty")
    return buffer[:filled]


def parse(content: np.ndarray, layout: TextLayout, path: Path) -> np.ndarray:
    """Samples, float32, signals x rows, in the order of `layout.signal`; the float32 nearest to the double nearest.

    Raises:
        BadInput: with line and column: not a number, NaN or infinite, wrong width, cut short, too many rows.
    """
    start, separator, point = _dialect(content, layout, path)
    slot = np.full(layout.columns, -1, np.int64)
    slot[list(layout.signal)] = np.arange(len(layout.signal))
    out = np.empty((len(layout.signal), layout.rows), np.float32)
    status, row, column = map(int, kernel.parse_rows(content, start, separator, point, layout.columns, slot, out))
    line = row + 1 + layout.header
    if status in (kernel.TOO_FEW, kernel.TOO_MANY):
        saw = "more" if status == kernel.TOO_MANY else str(column)
        raise BadInput(path, "wrong number of columns", row=line, saw=saw, expected=str(layout.columns))
    if status == kernel.ROWS_PAST_END:
        raise BadInput(path, "too many rows", row=line, expected=f"{layout.rows} rows")
    if status in (kernel.NOT_A_NUMBER, kernel.TOO_LONG):
        return _by_pandas(content[start:], separator, point, layout, path)
    if row < layout.rows:
        raise BadInput(path, "the file is cut short", saw=f"{row} rows", expected=f"{layout.rows}")
    return out


def _dialect(content: np.ndarray, layout: TextLayout, path: Path) -> tuple[int, int, int]:
    """(offset of the first sample, separator byte, decimal point byte), judged from the first line of samples."""
    head = content[:4096].tobytes()
    start = len(_BOM) if head.startswith(_BOM) else 0
    if layout.header:
        first = head.find(b"\n", start)
        if first < 0:
            raise BadInput(path, "the file is cut short", saw="one line", expected=f"{layout.rows} rows")
        # The header must not be a row of samples: then every row would be shifted by one, in silence.
        if not any(65 <= (byte & 0xDF) <= 90 for byte in head[start:first]):
            raise BadInput(path, "the header is missing", row=1, expected="a line of column names")
        start = first + 1
    line = head[start:].split(b"\n", 1)[0]
    separator = next((byte for byte in b"\t;" if bytes([byte]) in line), ord(","))
    comma = separator != ord(",") and b"," in line
    return start, separator, ord(",") if comma else ord(".")


def _by_pandas(content: np.ndarray, separator: int, point: int, layout: TextLayout, path: Path) -> np.ndarray:
    """The same by pandas, correctly rounded; it also names the field that is not a finite number."""
    try:
        frame = pd.read_csv(
            io.BytesIO(content.tobytes()),
            sep=chr(separator),
            decimal=chr(point),
            header=None,
            dtype=str,
            keep_default_na=False,
            skipinitialspace=True,
        )
    except (pd.errors.ParserError, UnicodeDecodeError, ValueError) as error:
        raise BadInput(path, f"not a table of numbers ({str(error).strip().splitlines()[-1]})") from None
    if frame.shape[1] != layout.columns:
        raise BadInput(path, "wrong number of columns", saw=str(frame.shape[1]), expected=str(layout.columns))
    if len(frame) != layout.rows:
        raise BadInput(path, "wrong number of rows", saw=str(len(frame)), expected=str(layout.rows))
    text = frame.iloc[:, list(layout.signal)].map(lambda field: field.strip().replace(chr(point), "."))
    values = np.empty((len(layout.signal), layout.rows), np.float32)
    for s, column in enumerate(text.columns):
        for r, field in enumerate(text[column]):
            values[s, r] = _finite(field, path, r + 1 + layout.header, layout.signal[s] + 1)
    return values


def _finite(field: str, path: Path, row: int, column: int) -> float:
    try:
        value = float(field) if "_" not in field else float("nan")
    except ValueError:
        value = float("nan")
    if not np.isfinite(value) or abs(value) > np.finfo(np.float32).max:
        raise BadInput(path, "not a finite number", row=row, column=str(column), saw=repr(field[:40]))
    return value
