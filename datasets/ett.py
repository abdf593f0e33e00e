"""ETT: hourly and quarter-hourly readings of electricity transformers in China, July 2016 to June 2018.

The target is the oil temperature, OT. The published protocol: the first 12 months train, the next 4 validate, the next
4 test (months of 30 days; what is left over is not used), z-scores by the training part.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.io import table_text
from gauntlet.datasets.io.fetch import download
from gauntlet.datasets.provenance import provenance
from gauntlet.datasets.records.series import Series, SeriesSet, on_a_grid
from gauntlet.datasets.source import Simulation
from gauntlet.datasets.spec import Dataset, RemoteFile

TARGET = "OT"
COLUMNS = ("date", "HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", TARGET)
HORIZONS = (96, 192, 336, 720)
MONTHS = (12, 16, 20)  # ends of training, validation and test part, in months of 30 days

_AT = "https://raw.githubusercontent.com/zhouhaoyi/ETDataset/main/ETT-small/"
SPEC = Dataset(
    name="ett",
    title="ETT: Electricity Transformer Temperature",
    homepage="https://github.com/zhouhaoyi/ETDataset",
    licence="CC BY-ND 4.0",
    citation=(
        "H. Zhou et al., Informer: Beyond Efficient Transformer for Long Sequence Time-Series Forecasting, "
        "AAAI 2021, arXiv:2012.07436"
    ),
    sensor_type="temperature",
    marker="ETT*.csv",
    files=(
        RemoteFile("ETTh1.csv", _AT + "ETTh1.csv", "f18de3ad269cef59bb07b5438d79bb3042d3be49bdeecf01c1cd6d29695ee066"),
        RemoteFile("ETTm1.csv", _AT + "ETTm1.csv", "6ce1759b1a18e3328421d5d75fadcb316c449fcd7cec32820c8dafda71986c9e"),
    ),
)


def read(folder: Path, *, long: bool = False) -> SeriesSet:
    """The oil temperature of every `ETT*.csv` in the folder, one series a file, named by the file.

    Args:
        long: also read the quarter-hourly files (ETTm*), where there are hourly ones.

    Raises:
        BadInput: no such file, or a file is not in ETT's format; one line with file, line and what was expected.
    """
    files = sorted(Path(folder).glob(SPEC.marker)) if Path(folder).is_dir() else [Path(folder)]
    if not files:
        raise BadInput(folder, "no ETT file here", expected=SPEC.marker)
    hourly = [file for file in files if not file.name.startswith("ETTm")]
    files = files if long or not hourly else hourly
    series = tuple(_series(file) for file in files)
    summary = sha256(b"".join(sha256(file.read_bytes()).digest() for file in files)).hexdigest()
    return SeriesSet(
        series=series,
        path=Path(folder),
        sha256=summary if len(files) > 1 else sha256(files[0].read_bytes()).hexdigest(),
        bytes=sum(file.stat().st_size for file in files),
        rows=sum(len(one) for one in series),
        files=len(files),
        source=provenance(Path(folder)),
        published={one.name: borders(one) for one in series},
    )


def borders(series: Series) -> tuple[int, int, int]:
    """Where training, validation and test part end, in points.

    Raises:
        BadInput: the series ends before the test part does.
    """
    month = round(pd.Timedelta(days=30) / series.step)
    train, validation, test = (months * month for months in MONTHS)
    if len(series) < test:
        raise BadInput(
            None, f"series {series.name} has {len(series):,} points", expected=f"{test:,}, 20 months of 30 days",
            do="fetch the whole file, or rename it: a table of columns id, time, value is split by share",
        )  # fmt: skip
    return train, validation, test


def simulation(seed: int = 7, scale: float = 1.0) -> Simulation:  # noqa: ARG001 - the form that every data set has
    """Never a draw: the set is measured.

    Raises:
        BadInput: always, with what is simulated instead.
    """
    raise BadInput(None, "ETT is measured, nobody simulates it", do="run `gauntlet data simulate sensors`")


def fetch(folder: Path, progress: bool = True) -> Path:
    """The published files in `folder`, downloaded unless they are there, their hashes verified.

    Raises:
        WrongHash: a download is not the published file.
        ServiceDown: the publisher does not answer.
        BadInput: the folder cannot be written, or holds other files under these names.
    """
    for file in SPEC.files:
        download(file, Path(folder), progress=progress)
    return Path(folder)


def _series(file: Path) -> Series:
    text = table_text.load(file, lambda name: name.strip() in COLUMNS)
    names = [name.strip() for name in text.header]
    if missing := [name for name in ("date", TARGET) if name not in names]:
        raise BadInput(
            file, f"no column {missing[0]!r}", row=text.header_line, saw=", ".join(names), expected=", ".join(COLUMNS)
        )
    when, what = names.index("date"), names.index(TARGET)
    rows = [
        (number, line.split(text.separator))
        for number, line in enumerate(text.text.split("\n")[text.header_line :], text.header_line + 1)
        if line.strip()
    ]
    times, values = [], []
    for number, cells in rows:
        if len(cells) != len(names):
            raise BadInput(
                file, "the line has another number of columns", row=number, saw=str(len(cells)),
                expected=str(len(names)), do="copy or fetch the file again",
            )  # fmt: skip
        times.append(cells[when])
        values.append(cells[what])
    lines = np.array([number for number, _ in rows])
    if not rows:
        raise BadInput(file, "there are no rows under the header", row=text.header_line)
    moments = pd.to_datetime(pd.Series(times), errors="coerce", format="ISO8601")
    numbers = pd.to_numeric(pd.Series(values), errors="coerce")
    for column, parsed, expected in (("date", moments, "YYYY-MM-DD hh:mm:ss"), (TARGET, numbers, "a number")):
        if parsed.isna().any():
            at = int(parsed.isna().to_numpy().argmax())
            raw = (times if column == "date" else values)[at]
            raise BadInput(file, "wrong value", row=int(lines[at]), column=column, saw=repr(raw), expected=expected)
    return on_a_grid(file, file.stem, pd.DatetimeIndex(moments), numbers.to_numpy(np.float64), lines, None)
