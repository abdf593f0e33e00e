"""Simulated sensors: ten hourly series of five quantities, with labelled faults; nobody published them.

sensors.csv  sensor_id, timestamp, value      labels.csv  sensor_id, kind, start, end      sensors.json  configuration
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.io.atomic import write_whole
from gauntlet.datasets.provenance import mark_simulated, provenance
from gauntlet.datasets.simulate import sensors as generator
from gauntlet.datasets.source import Simulation
from gauntlet.datasets.spec import Dataset, Provenance

FILE, LABELS, CONFIGURATION = "sensors.csv", "labels.csv", "sensors.json"
FAULTS = generator.KINDS
FACTS = ("level_shift", "missing")  # labelled, too, but no faults to be found
COLUMNS = ("sensor_id", "timestamp", "value")
LABEL_COLUMNS = ("sensor_id", "kind", "start", "end")

SPEC = Dataset(
    name="sensors",
    title="Simulated sensors of a machine hall",
    homepage="",
    licence="Apache-2.0",
    citation="",
    sensor_type="multi_sensor",
    marker=FILE,
)


@dataclass(frozen=True, eq=False)
class Sensors:
    """The readings. `frame`: sensor_id str, timestamp datetime64, value float64 with NaN where missing, in order of
    sensor and time. `labels`: sensor_id, kind, start, end (last faulty reading), empty where the folder has none.
    """

    frame: pd.DataFrame
    labels: pd.DataFrame
    path: Path
    sha256: str
    bytes: int
    source: Provenance


def simulate(folder: Path, seed: int = 7, scale: float = 1.0) -> Path:
    """`sensors.csv` in `folder`, its labels and configuration beside it; equal (seed, scale), equal bytes.

    Raises:
        BadInput: `seed` or `scale` out of range, the folder cannot be written or holds a file that is not simulated.
    """
    if seed < 0 or not 0 < scale <= 100:
        raise BadInput(
            None, f"cannot simulate scale {scale:g} with seed {seed}", expected="0 < scale <= 100, seed >= 0"
        )
    folder = Path(folder)
    if provenance(folder) == "real" and folder.is_dir() and any(folder.glob(SPEC.marker)):
        # The record marks a whole folder: it would make simulated files of whatever lies here.
        raise BadInput(folder, "the folder holds files that are not simulated", do="name another folder")
    mark_simulated(folder, __name__, generator.VERSION, seed=seed, scale=scale)
    readings, labels = generator.draw(seed, scale)
    write_whole(folder / LABELS, labels.to_csv(index=False, lineterminator="\n").encode())
    write_whole(folder / CONFIGURATION, (json.dumps(configuration(), indent=1) + "\n").encode())
    return write_whole(folder / FILE, readings.to_csv(index=False, lineterminator="\n").encode())


def simulation(seed: int = 7, scale: float = 1.0) -> Simulation:
    """The draw of `scale` x 120 days, for `source.locate` to make or to find."""
    draw = f"v{generator.VERSION}-seed{seed}-scale{scale:g}"
    return Simulation(draw, lambda folder: simulate(folder, seed, scale))


def fetch(folder: Path, progress: bool = True) -> Path:  # noqa: ARG001
    """Never a path: nobody published this set.

    Raises:
        BadInput: always, with what to do instead.
    """
    do = f"use --source simulated, or put your own {FILE} ({', '.join(COLUMNS)}) here"
    raise BadInput(Path(folder), "there is nothing to fetch: these sensors are simulated", do=do)


def configuration() -> dict[str, object]:
    """What each sensor measures and how it was drawn, as plain types."""
    return {
        "step": "1h",
        "healthy_share": generator.HEALTHY,
        "fault_size_in_noise_deviations": generator.SIZE,
        "fault_hours": {kind: list(hours) for kind, hours in generator.HOURS.items()},
        "sensors": [asdict(sensor) for sensor in generator.SENSORS],
    }


def read(path: Path) -> Sensors:
    """The readings in a file of this format, or in a folder with `sensors.csv`, with labels where it has them.

    Raises:
        BadInput: one line with file, line, column, what was seen and what was expected.
    """
    file = Path(path) / FILE if Path(path).is_dir() else Path(path)
    content, frame = _table(file, COLUMNS)
    frame["timestamp"] = _moments(file, frame["timestamp"])
    numbers = pd.to_numeric(frame["value"], errors="coerce")
    wrong = ~np.isfinite(numbers.to_numpy(np.float64)) & (frame["value"] != "").to_numpy()
    if wrong.any():
        _refuse(file, frame["value"], wrong, "not a finite number", "a number, or nothing for a missing reading")
    frame["value"] = numbers.astype(np.float64)
    twice = frame.duplicated(["sensor_id", "timestamp"]).to_numpy()
    if twice.any():
        _refuse(file, frame["timestamp"], twice, "the sensor has two readings of this time", "one")
    beside = file.parent / LABELS
    labels = _labels(beside) if beside.exists() else pd.DataFrame(columns=list(LABEL_COLUMNS))
    frame = frame.sort_values(["sensor_id", "timestamp"], ignore_index=True)
    digest = sha256(content).hexdigest()
    return Sensors(frame, labels, file, digest, len(content), provenance(file))


def _labels(file: Path) -> pd.DataFrame:
    _, labels = _table(file, LABEL_COLUMNS)
    for column in ("start", "end"):
        labels[column] = _moments(file, labels[column])
    backwards = (labels["end"] < labels["start"]).to_numpy()
    if backwards.any():
        _refuse(file, labels["end"], backwards, "the event ends before it starts", "start <= end")
    return labels


def _table(file: Path, columns: tuple[str, ...]) -> tuple[bytes, pd.DataFrame]:
    """The file's bytes and its columns as text, stripped; line 2 of the file is row 0."""
    try:
        content = file.read_bytes()
        frame = pd.read_csv(file, dtype=str, keep_default_na=False, skip_blank_lines=False, encoding="utf-8-sig")
    except OSError as error:
        raise BadInput(file, f"cannot be read ({error.strerror})", do="check the path") from None
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise BadInput(file, f"not a table of text ({error})", expected=", ".join(columns)) from None
    missing = [column for column in columns if column not in frame]
    if missing:
        saw = ", ".join(map(str, frame.columns[:8]))
        raise BadInput(file, f"missing column {missing[0]!r}", row=1, saw=saw, expected=", ".join(columns))
    if columns == COLUMNS and frame.empty:
        raise BadInput(file, "there are no rows under the header", row=1, do="export it again")
    frame = frame[list(columns)].apply(lambda column: column.str.strip())
    nameless = (frame["sensor_id"] == "").to_numpy()
    if nameless.any():
        _refuse(file, frame["sensor_id"], nameless, "no sensor", "the sensor's name")
    return content, frame


def _moments(file: Path, texts: pd.Series) -> pd.Series:
    moments = pd.to_datetime(texts, errors="coerce", format="ISO8601", utc=True)
    if moments.isna().any():
        _refuse(file, texts, moments.isna().to_numpy(), "wrong time", "2026-01-31 12:00:00")
    return moments.dt.tz_localize(None)


def _refuse(file: Path, column: pd.Series, wrong: np.ndarray, what: str, expected: str) -> None:
    at = int(wrong.argmax())
    saw = repr(str(column.iloc[at]))
    raise BadInput(file, what, row=at + 2, column=str(column.name), saw=saw, expected=expected)
