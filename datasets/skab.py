"""SKAB v0.9: a water pump on a test rig, eight sensors at 1 Hz, 35 runs with labelled anomalies and changepoints.

The first 400 rows of each run are free of anomalies: they are the training part, the rest is the test part.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd

from gauntlet.datasets.errors import BadInput, GauntletError, TooManyBadFiles
from gauntlet.datasets.io.atomic import write_whole
from gauntlet.datasets.io.fetch import download
from gauntlet.datasets.io.sensor_table import Mended, Schema, read_sensors
from gauntlet.datasets.provenance import mark_simulated, provenance
from gauntlet.datasets.source import Simulation
from gauntlet.datasets.spec import Dataset, Provenance, RemoteFile

SENSORS = (
    "Accelerometer1RMS", "Accelerometer2RMS", "Current", "Pressure", "Temperature", "Thermocouple", "Voltage",
    "Volume Flow RateRMS",
)  # fmt: skip
BEGINNING = 400  # rows of each run that train
FREE = "anomaly-free"
MOST_BAD = 0.05
VERSION = 1
_ADDRESS = "https://raw.githubusercontent.com/waico/SKAB/master/data/{}"
_NAMES = (
    f"{FREE}/{FREE}.csv",
    *(f"valve1/{k}.csv" for k in range(16)),
    *(f"valve2/{k}.csv" for k in range(4)),
    *(f"other/{k}.csv" for k in range(1, 15)),
)

SPEC = Dataset(
    name="skab",
    title="Skoltech Anomaly Benchmark (SKAB) v0.9",
    homepage="https://github.com/waico/SKAB",
    licence="GPL-3.0",
    citation=(
        "I. D. Katser and V. O. Kozitsin, Skoltech Anomaly Benchmark (SKAB), Kaggle, 2020, doi:10.34740/KAGGLE/DSV/1693952"
    ),
    sensor_type="pump",
    marker="*/*.csv",
    files=tuple(RemoteFile(name, _ADDRESS.format(name)) for name in _NAMES),
)
_SCHEMA = Schema(
    ("datetime", "timestamp"), (("anomaly",), ("changepoint", "change_point")), SENSORS, needed=len(SENSORS)
)

# F1 as the repository's own leaderboard states it, over all of its runs; the last is every row called an anomaly.
LEADERBOARD = {
    "leaderboard_conv_ae": 0.78,
    "leaderboard_mset": 0.78,
    "leaderboard_t2_q_pca": 0.76,
    "leaderboard_lstm_ae": 0.74,
    "leaderboard_t2": 0.66,
    "leaderboard_lstm_vae": 0.56,
    "leaderboard_isolation_forest": 0.29,
}


@dataclass(frozen=True)
class RigRun:
    """One experiment. `values` n x 8 float64 without gaps; `anomaly`, `changepoint` (n,) bool; `seconds` from start."""

    name: str
    values: pd.DataFrame
    anomaly: np.ndarray
    changepoint: np.ndarray
    time: np.ndarray
    mended: Mended

    @property
    def seconds(self) -> np.ndarray:
        """Time of each row since the first [s], (n,) float64."""
        return (self.time - self.time[0]).astype(np.int64) / 1e9


@dataclass(frozen=True)
class SKAB:
    """The runs in order of name, and what could not be used: (file, reason)."""

    runs: tuple[RigRun, ...]
    path: Path
    sha256: str
    bytes: int
    source: Provenance
    quarantined: tuple[tuple[str, str], ...]

    @property
    def rows(self) -> int:
        """Rows of all runs."""
        return sum(len(run.values) for run in self.runs)


def read(folder: Path, *, most_bad: float = MOST_BAD) -> SKAB:
    """The labelled runs below `folder`, in the publisher's layout, whole or in part.

    Raises:
        BadInput: no run there; `TooManyBadFiles` when more than `most_bad` of the files cannot be used.
    """
    folder = Path(folder)
    files = (
        sorted(file for file in folder.glob(SPEC.marker) if file.parent.name != FREE) if folder.is_dir() else [folder]
    )
    if not files:
        raise BadInput(
            folder, "the folder holds no run of SKAB", expected="valve1/0.csv and so on", do="name its folder"
        )
    runs, bad, digest, size = [], [], sha256(), 0
    for file in files:
        name = f"{file.parent.name}/{file.stem}"
        try:
            run, hashed, length = _run(file, name)
        except GauntletError as error:
            bad.append((name, str(error)))
            continue
        runs.append(run)
        digest.update(f"{name} {hashed}\n".encode())
        size += length
    if not runs and len(bad) == 1:
        raise BadInput(files[0], bad[0][1].removeprefix(f"{files[0]}").strip(" ,:."))
    if len(bad) > most_bad * len(files):
        raise TooManyBadFiles(folder, bad, len(files), most_bad)
    return SKAB(tuple(runs), folder, digest.hexdigest(), size, provenance(folder), tuple(bad))


def _run(file: Path, name: str) -> tuple[RigRun, str, int]:
    table = read_sensors(file, _SCHEMA)
    if gone := [*table.mended.constant, *table.mended.empty]:
        raise BadInput(file, "a sensor never moves or is empty", column=gone[0], do="check the sensor")
    for label in ("anomaly", "changepoint"):
        if label not in table.labels:
            raise BadInput(file, "the label is missing", column=label, saw=", ".join(table.columns[-3:]), do="add it")
    anomaly, changes = (_flag(file, table.labels[label]) for label in ("anomaly", "changepoint"))
    if len(anomaly) < BEGINNING + 50:
        raise BadInput(file, f"{len(anomaly)} rows", expected=f"at least {BEGINNING + 50}", do="give the whole run")
    if anomaly[:BEGINNING].any():
        raise BadInput(
            file, f"an anomaly within the first {BEGINNING} rows", column="anomaly",
            row=int(np.argmax(anomaly)) + 2, expected="a healthy beginning: it is what is learnt from",
        )  # fmt: skip
    values = table.values.ffill().bfill()  # forward first: a row never sees a later one, but for a gap at the start
    return RigRun(name, values, anomaly, changes, table.time, table.mended), table.sha256, table.bytes


def _flag(file: Path, column: pd.Series) -> np.ndarray:
    numbers = pd.to_numeric(column, errors="coerce")
    if not numbers.isin([0, 1]).all():
        row = int(np.argmin(numbers.isin([0, 1])))
        raise BadInput(
            file, "wrong value", row=row + 2, column=str(column.name), saw=repr(column.iloc[row]), expected="0 or 1"
        )
    return numbers.to_numpy() == 1


def simulate(folder: Path, seed: int = 7, runs: int = 8, rows: int = 1150) -> Path:
    """A folder `valve1` of `runs` simulated experiments: a valve is throttled over 400 s, then opened again.

    Flow falls by 2 to 6 standard deviations of its noise with vibration following; motor and housing warm up
    throughout, so that temperatures drift without any anomaly. Simulated, in the publisher's format.
    """
    if runs < 1 or rows < 800 or seed < 0:
        raise BadInput(
            None, f"cannot simulate {runs} runs of {rows} rows", expected="runs >= 1, rows >= 800, seed >= 0"
        )
    folder = Path(folder)
    if provenance(folder) == "real" and any(folder.glob(SPEC.marker)):
        raise BadInput(folder, "the folder holds files that are not simulated", do="name another folder")
    mark_simulated(folder, __name__, VERSION, seed=seed, runs=runs, rows=rows)
    for number in range(runs):
        text = _experiment(np.random.default_rng([seed, number]), number, rows)
        write_whole(folder / "valve1" / f"{number}.csv", text.encode())
    return folder


def _experiment(rng: np.random.Generator, number: int, rows: int) -> str:
    t = np.arange(rows)
    start, stop = 572 * rows // 1150, 972 * rows // 1150
    anomaly = (t > start) & (t <= stop)
    ramp = np.clip((t - start) / 30, 0, 1) * np.clip((stop - t) / 20, 0, 1)
    depth = 2 + 4 * rng.random()
    warm = 6 * (1 - np.exp(-t / 900)) + np.cumsum(rng.normal(0, 0.02, rows))
    z = rng.normal(size=(rows, 8))
    z[:, 7] += -depth * ramp
    z[:, 0] += 0.3 * depth * ramp
    z[:, 2] -= 0.2 * depth * ramp
    centre = np.array([0.027, 0.040, 1.0, 0.06, 70.0, 25.0, 230.0, 32.0])
    scale = np.array([0.0002, 0.0005, 0.25, 0.25, 0.4, 0.05, 10.0, 0.5])
    values = centre + scale * z
    values[:, 4] += 0.3 * warm
    values[:, 5] += 0.15 * warm
    change = np.isin(t, [start + 1, start + 31, stop - 19, stop + 1])
    frame = pd.DataFrame(values, columns=list(SENSORS)).round(6)
    moments = pd.Timestamp("2020-03-09 10:00:00") + pd.to_timedelta(number * 1200 + t, unit="s")
    frame.insert(0, "datetime", moments.strftime("%Y-%m-%d %H:%M:%S"))
    frame["anomaly"], frame["changepoint"] = anomaly.astype(float), change.astype(float)
    return frame.to_csv(index=False, sep=";", lineterminator="\n")


def simulation(seed: int = 7, scale: float = 1.0) -> Simulation:
    """The draw of `scale` x 20 runs, at least four, for `source.locate` to make or to find."""
    runs = max(4, round(scale * 20))
    return Simulation(f"v{VERSION}-seed{seed}-runs{runs}", lambda folder: simulate(folder, seed, runs))


def fetch(folder: Path, progress: bool = True) -> Path:
    """The publisher's files in `folder`, downloaded from its repository unless they are there.

    The repository states no hashes; what was read is hashed into every result instead.

    Raises:
        ServiceDown: the repository does not answer. BadInput: the folder cannot be written.
    """
    for remote in SPEC.files:
        part, name = remote.name.split("/")
        download(RemoteFile(name, remote.url), Path(folder) / part, progress=progress)
    return Path(folder)
