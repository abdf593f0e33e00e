"""Kaggle's water pump: 52 sensors every minute from April to August 2018, seven failures, and the time to recover.

Status is written NORMAL / BROKEN / RECOVERING, or as 0 / 1 / 2 in re-saved copies. A failure is the first BROKEN row
after one that is not; what follows until NORMAL is the recovery.
"""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import requests

from gauntlet.datasets.errors import BadInput, ServiceDown
from gauntlet.datasets.io.atomic import cannot_write, write_whole
from gauntlet.datasets.io.sensor_table import Mended, Schema, read_sensors
from gauntlet.datasets.provenance import mark_simulated, provenance
from gauntlet.datasets.simulate import pump as generator
from gauntlet.datasets.source import Simulation
from gauntlet.datasets.spec import Dataset, Provenance, RemoteFile

FILE = "sensor.csv"
SENSORS = generator.SENSORS
STATES = ("NORMAL", "BROKEN", "RECOVERING")
ROWS = generator.ROWS

SPEC = Dataset(
    name="pump",
    title="Pump sensor data (Kaggle, nphantawee)",
    homepage="https://www.kaggle.com/datasets/nphantawee/pump-sensor-data",
    licence="unclear: the publisher states none",
    citation="nphantawee, pump_sensor_data, Kaggle, 2019",
    sensor_type="pump",
    marker="sensor*.[ct]sv",  # a folder of slices only does not hold the set
    files=(RemoteFile("sensor.zip", "https://www.kaggle.com/api/v1/datasets/download/nphantawee/pump-sensor-data"),),
)
_SCHEMA = Schema(("timestamp", "datetime", "time", "date"), (("machine_status", "status", "state"),))
_SPELLINGS = {
    **{state: code for code, state in enumerate(STATES)},
    "0": 0,
    "0.0": 0,
    "1": 1,
    "1.0": 1,
    "2": 2,
    "2.0": 2,
    "OK": 0,
    "FAILED": 1,
    "FAILURE": 1,
    "RECOVERY": 2,
}


@dataclass(frozen=True)
class Pump:
    """The table in order of time. `values` n x sensors float64, NaN is a gap; `status` (n,) 0 1 2 as `STATES`.

    `failures`: rows at which the machine broke.
    """

    time: np.ndarray
    values: pd.DataFrame
    status: np.ndarray
    path: Path
    sha256: str
    bytes: int
    source: Provenance
    mended: Mended
    columns: tuple[str, ...]

    @property
    def failures(self) -> np.ndarray:
        """The first row of each failure, (k,) int64."""
        broken = self.status == 1
        return np.flatnonzero(broken & ~np.r_[False, broken[:-1]])


def read(path: Path, *, labelled: bool = True) -> Pump:
    """The table in a file, or in a folder that holds one; the user's own: a time column, sensors, a status.

    Args:
        labelled: False for rows to be scored: the status may be absent (then all NORMAL) and may be one throughout.

    Raises:
        BadInput: one line with file, line, column, what was seen, what was expected and what to do.
    """
    file = _file_in(Path(path))
    table = read_sensors(file, _SCHEMA)
    if "machine_status" in table.labels:
        status = _status(file, table.labels["machine_status"])
    elif labelled:
        raise BadInput(
            file,
            "the status is missing",
            column="machine_status",
            saw=", ".join(table.columns[-3:]),
            expected=" / ".join(STATES),
            do="add the column, or score the table instead of training on it",
        )
    else:
        status = np.zeros(len(table.time), dtype=np.int8)
    pump = Pump(
        table.time, table.values, status, file, table.sha256, table.bytes, provenance(file), table.mended, table.columns
    )
    if labelled and not len(pump.failures):
        raise BadInput(
            file,
            "no row is BROKEN",
            column="machine_status",
            saw=f"{len(status):,} rows of {STATES[int(status[0])]}",
            expected="at least one failure",
            do="add a period with a failure: nothing can be learnt from none",
        )
    if labelled and not (status == 0).any():
        raise BadInput(file, "no row is NORMAL", column="machine_status", do="add a period of normal running")
    return pump


def _status(file: Path, words: pd.Series) -> np.ndarray:
    codes = words.str.upper().map(_SPELLINGS)
    if codes.isna().any():
        row = int(np.argmax(codes.isna()))
        raise BadInput(
            file,
            "unknown status",
            column="machine_status",
            row=row + 2,
            saw=repr(str(words.iloc[row])[:40]),
            expected="NORMAL, BROKEN or RECOVERING (0, 1 or 2)",
            do="correct or remove the line",
        )
    return codes.to_numpy(dtype=np.int8)


def simulate(folder: Path, seed: int = 7, rows: int = ROWS) -> Path:
    """The file `sensor.csv` in `folder`, simulated by `datasets/simulate/pump.py`, with the record that it is simulated.

    Raises:
        BadInput: `rows` or `seed` out of range, or the folder holds a file that is not simulated.
    """
    if rows < generator.LEAST_ROWS or seed < 0:
        expected = f"rows >= {generator.LEAST_ROWS:,} and seed >= 0"
        raise BadInput(None, f"cannot simulate {rows} rows with seed {seed}", expected=expected)
    folder = Path(folder)
    if provenance(folder) == "real" and any(folder.glob(SPEC.marker)):
        raise BadInput(folder, "the folder holds files that are not simulated", do="name another folder")
    mark_simulated(folder, __name__, generator.VERSION, seed=seed, rows=rows)
    return write_whole(folder / FILE, generator.text(generator.draw(seed, rows)))


def simulation(seed: int = 7, scale: float = 1.0) -> Simulation:
    """The draw of `scale` x 220,320 rows, for `source.locate` to make or to find."""
    rows = max(generator.LEAST_ROWS, round(scale * ROWS))
    return Simulation(f"v{generator.VERSION}-seed{seed}-rows{rows}", lambda folder: simulate(folder, seed, rows))


def fetch(folder: Path, progress: bool = True) -> Path:  # noqa: ARG001 - the form that every data set has
    """The published file in `folder`, from Kaggle with the user's own token (KAGGLE_USERNAME and KAGGLE_KEY).

    Raises:
        BadInput: no token, or the folder cannot be written. ServiceDown: Kaggle does not answer or refuses.
    """
    target = Path(folder) / FILE
    if target.exists():
        return target
    user, token = os.environ.get("KAGGLE_USERNAME", ""), os.environ.get("KAGGLE_KEY", "")
    by_hand = f"download it from {SPEC.homepage} and put {FILE} into {target.parent}, or use --source simulated"
    if not (user and token):
        raise BadInput(
            None,
            "Kaggle gives this file to those with an account only, and no token is set",
            expected="KAGGLE_USERNAME and KAGGLE_KEY (kaggle.com, Settings, API, Create new token)",
            do=by_hand,
        )
    archive = target.with_name(".sensor.zip")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with requests.get(SPEC.files[0].url, auth=(user, token), stream=True, timeout=(10, 60)) as answer:
            answer.raise_for_status()
            with archive.open("wb") as out:
                for chunk in answer.iter_content(1 << 18):
                    out.write(chunk)
        with zipfile.ZipFile(archive) as zipped:
            return write_whole(target, zipped.read(FILE))
    except requests.HTTPError as error:
        code = error.response.status_code if error.response is not None else "error"
        why = f"HTTP {code}: is the token right?"
        raise ServiceDown("Kaggle", SPEC.homepage, why, by_hand) from None
    except requests.RequestException:
        raise ServiceDown("Kaggle", SPEC.homepage, "no connection", by_hand) from None
    except (zipfile.BadZipFile, KeyError):
        raise BadInput(None, f"what Kaggle sent is no zip with {FILE}", do=by_hand) from None
    except OSError as error:
        raise cannot_write(target.parent, error) from None
    finally:
        archive.unlink(missing_ok=True)


def _file_in(path: Path) -> Path:
    """The table's file: `path` itself, or the one table in the folder `path`."""
    if not path.is_dir():
        return path
    tables = sorted(file for file in path.iterdir() if file.suffix.lower() in (".csv", ".tsv") and file.is_file())
    if path / FILE in tables:
        return path / FILE
    if len(tables) != 1:
        saw = ", ".join(file.name for file in tables[:5]) or "no table"
        do = "name the file itself" if tables else "name the folder that holds it"
        raise BadInput(path, f"the folder does not hold {FILE}", saw=saw, expected=f"{FILE} or one other table", do=do)
    return tables[0]
