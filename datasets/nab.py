"""NAB's machine temperature: 22,695 five-minute readings of an industrial machine, four official anomaly windows.

    data/machine_temperature_system_failure.csv      timestamp, value
    labels/combined_windows.json                     [start, end] of each window, both included

In its publisher's repository the table lies in data/realKnownCause/; both places are read. The clock was set back within
the file, so that some times come twice: rows are kept in the file's order, as NAB's own scorer does. That scorer lets a
detector learn from the first `probation` rows, 15 % of the file and 750 rows at most, which are not scored.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.io.fetch import download
from gauntlet.datasets.provenance import provenance
from gauntlet.datasets.source import Simulation
from gauntlet.datasets.spec import Dataset, Provenance, RemoteFile

FILE = "machine_temperature_system_failure.csv"
WINDOWS = "combined_windows.json"
KEY = f"realKnownCause/{FILE}"
BACKWARDS = 0.001  # share of steps back in time that the file may have: the published one has one
_RAW = "https://raw.githubusercontent.com/numenta/NAB/master"

SPEC = Dataset(
    name="nab",
    title="Numenta Anomaly Benchmark: machine temperature system failure",
    homepage="https://github.com/numenta/NAB",
    licence="MIT",
    citation=(
        "A. Lavin, S. Ahmad, Evaluating Real-Time Anomaly Detection Algorithms - the Numenta Anomaly Benchmark, "
        "IEEE ICMLA 2015, doi:10.1109/ICMLA.2015.141"
    ),
    sensor_type="temperature",
    marker=f"**/{FILE}",
    files=(
        RemoteFile(
            FILE,
            f"{_RAW}/data/{KEY}",
            "92bf5b87fc7f9bba8ca0b7ec63ccaac8cb4a1371a258e8c29a10ae9c018d82a4",
        ),
        RemoteFile(
            WINDOWS,
            f"{_RAW}/labels/{WINDOWS}",
            "1e1fbc4601321aad8d0f8b3784c8134299379f68f6c1f7777565f8ffd57ab6b1",
        ),
    ),
)


@dataclass(frozen=True, eq=False)
class MachineTemperature:
    """`times` (n,) datetime64 as in the file, `values` (n,) float64 in degrees Fahrenheit by their size, `windows`
    the official (start, end), both ends included.
    """

    times: pd.DatetimeIndex
    values: np.ndarray
    windows: tuple[tuple[pd.Timestamp, pd.Timestamp], ...]
    path: Path
    sha256: str
    bytes: int
    source: Provenance

    @property
    def probation(self) -> int:
        """Rows at the beginning that are not scored (the repository's nab/sweeper.py)."""
        return min(int(0.15 * len(self.values)), 750)

    @property
    def window_rows(self) -> tuple[tuple[int, int], ...]:
        """The windows as (first row, last row), both included."""
        at = [np.flatnonzero((self.times >= start) & (self.times <= end)) for start, end in self.windows]
        return tuple((int(rows[0]), int(rows[-1])) for rows in at if len(rows))


def read(folder: Path) -> MachineTemperature:
    """The table and its official windows.

    Raises:
        BadInput: a file is missing or is not what it should be; the message has file, line and column.
    """
    folder = Path(folder)
    file, labels = _one(folder, FILE), _one(folder, WINDOWS)
    content = file.read_bytes()
    try:
        frame = pd.read_csv(file, dtype=str, keep_default_na=False)
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise BadInput(file, f"not a table of text ({error})", expected="timestamp, value") from None
    if list(frame.columns) != ["timestamp", "value"]:
        raise BadInput(file, "other columns", row=1, saw=", ".join(frame.columns[:5]), expected="timestamp, value")
    times = pd.to_datetime(frame["timestamp"], errors="coerce", format="ISO8601")
    values = pd.to_numeric(frame["value"], errors="coerce").to_numpy(np.float64)
    for column, wrong in (("timestamp", times.isna().to_numpy()), ("value", ~np.isfinite(values))):
        if wrong.any():
            at = int(wrong.argmax())
            raise BadInput(file, "not readable", row=at + 2, column=column, saw=repr(frame[column].iloc[at]))
    backwards = np.diff(times.to_numpy()) < np.timedelta64(0)
    if backwards.mean() > BACKWARDS:
        at = int(backwards.argmax())
        raise BadInput(file, "time goes backwards", row=at + 3, do="sort the rows by time")
    digest = sha256(content).hexdigest()
    return MachineTemperature(
        pd.DatetimeIndex(times), values, _windows(labels), file, digest, len(content), provenance(file)
    )


def fetch(folder: Path, progress: bool = True) -> Path:
    """The table in `folder`/data and the windows in `folder`/labels, downloaded unless they are there, verified.

    Raises:
        WrongHash: a download is not the published file.
        ServiceDown: the publisher does not answer.
    """
    table = download(SPEC.files[0], Path(folder) / "data", progress=progress)
    download(SPEC.files[1], Path(folder) / "labels", progress=progress)
    return table


def simulation(seed: int = 7, scale: float = 1.0) -> Simulation:  # noqa: ARG001
    """Never a draw: the windows were set by people who knew the machine.

    Raises:
        BadInput: always, with the set that is simulated.
    """
    raise BadInput(None, "nobody simulates NAB's machine temperature", do="use the simulated data set sensors")


def _one(folder: Path, name: str) -> Path:
    found = sorted(folder.rglob(name))
    if len(found) != 1:
        saw = ", ".join(str(file.relative_to(folder)) for file in found[:3]) or "none"
        raise BadInput(folder, f"the folder does not hold one {name}", saw=saw, do="run `gauntlet data get nab`")
    return found[0]


def _windows(file: Path) -> tuple[tuple[pd.Timestamp, pd.Timestamp], ...]:
    expected = f"{KEY!r}: [[start, end], ...]"
    try:
        pairs = json.loads(file.read_text(encoding="utf-8"))[KEY]
        windows = tuple((pd.Timestamp(start), pd.Timestamp(end)) for start, end in pairs)
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(file, f"no official windows ({type(error).__name__}: {error})", expected=expected) from None
    if not windows or any(end < start for start, end in windows):
        raise BadInput(file, "no window, or one that ends before it starts", expected=expected)
    return windows
