"""A simulated pump with the size, gaps and rhythm of the published table, and failures whose precursors are known.

    load (day, week, wander) ─┐
    ambient (day, wander)    ─┼─> 52 sensors = operating point + own drift + noise  ─> missingness ─> file
    wear of one of 3 kinds   ─┘        └─ off and ramping up while RECOVERING

Seven failures of three kinds. A kind moves its own group of sensors against the others: what the load does not explain.
The severity grows as a power of the time since the onset; lead and visibility differ, and one failure is silent.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.signal import lfilter

VERSION = 1
ROWS = 220_320
LEAST_ROWS = 20_000
MINUTES_A_DAY = 1440
SENSORS = tuple(f"sensor_{k:02d}" for k in range(52))
EMPTY = 15
START = "2018-04-01"
# Share of the rows without a value: sensor_50 dies for good late in the record, the others have long gaps.
GAPS = {0: 0.046, 6: 0.022, 7: 0.025, 8: 0.023, 9: 0.021, 51: 0.07}
DEAD_FROM = {50: 0.65}
KINDS = {  # which sensors a kind of wear moves, and which way
    "bearing": ((4, 1.0), (16, 0.9), (17, 0.8), (25, 0.7), (26, 0.6)),
    "seal": ((1, -0.9), (2, -0.8), (10, -1.0), (11, -0.8), (12, -0.6)),
    "cavitation": ((36, 1.0), (37, -0.8), (38, 0.9), (39, 0.8), (40, 0.7)),
}


@dataclass(frozen=True)
class Failure:
    """One failure: place in the record (share), kind, hours from onset, height in noise standard deviations, recovery."""

    place: float
    kind: str
    lead_h: float
    visibility: float
    recovery_min: int


FAILURES = (
    Failure(0.079, "bearing", 20, 6.0, 945),
    Failure(0.111, "seal", 16, 5.0, 3111),
    Failure(0.315, "bearing", 12, 5.0, 1313),
    Failure(0.351, "cavitation", 18, 6.0, 638),
    Failure(0.503, "seal", 22, 4.5, 2700),
    Failure(0.640, "cavitation", 8, 3.5, 74),
    Failure(0.756, "bearing", 0, 0.0, 5696),  # without any precursor
)


def draw(seed: int, rows: int = ROWS) -> pd.DataFrame:
    """The table: timestamp, 52 sensors (NaN is a gap), machine_status; equal (seed, rows), equal values."""
    rng = np.random.default_rng(seed)
    t = np.arange(rows)
    status, running = _status(rows)
    values = _operating_point(rng, t) + _own_noise(rng, rows)
    values += _wear(rows)
    values = values * running[:, None] + (1 - running[:, None]) * (-6 + 0.3 * rng.normal(size=values.shape))
    centre = 20 + 700 * rng.random(52)
    scale = centre * (0.01 + 0.02 * rng.random(52))
    table = pd.DataFrame(np.maximum(centre + scale * values, 0.0).round(4), columns=list(SENSORS))
    _remove_values(rng, table)
    moments = pd.Timestamp(START) + pd.to_timedelta(t, unit="min")
    table.insert(0, "timestamp", moments.strftime("%Y-%m-%d %H:%M:%S"))
    table["machine_status"] = np.array(["NORMAL", "BROKEN", "RECOVERING"])[status]
    return table


def failing_rows(rows: int = ROWS) -> np.ndarray:
    """The row at which each failure strikes, (7,) int64: the truth."""
    return np.array([round(failure.place * rows) for failure in FAILURES])


def _status(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """(status code, share of running: 1 in operation, 0 while repaired, rising over the last third of a recovery)."""
    status, running = np.zeros(rows, dtype=np.int8), np.ones(rows)
    for failure, row in zip(FAILURES, failing_rows(rows), strict=True):
        length = max(30, round(failure.recovery_min * rows / ROWS))
        end = min(rows, row + 1 + length)
        status[row], status[row + 1 : end] = 1, 2
        ramp = np.clip((np.arange(end - row) / length - 2 / 3) * 3, 0, 1)
        running[row:end] = np.maximum(ramp, 0.05)
    return status, running


def _wander(rng: np.random.Generator, n: int, hours: float) -> np.ndarray:
    """A first-order autoregression with this correlation time and unit variance."""
    a = np.exp(-1 / (60 * hours))
    start = rng.normal()
    return np.asarray(lfilter([1], [1, -a], np.sqrt(1 - a * a) * rng.normal(size=n), zi=[a * start])[0])


def _operating_point(rng: np.random.Generator, t: np.ndarray) -> np.ndarray:
    day, week = 2 * np.pi * t / MINUTES_A_DAY, 2 * np.pi * t / (7 * MINUTES_A_DAY)
    load = 1.2 * np.sin(day - 1.8) + 0.5 * np.sin(2 * day) + 0.7 * np.sin(week) + 0.8 * _wander(rng, len(t), 6)
    ambient = 1.0 * np.sin(day - 2.4) + 1.2 * _wander(rng, len(t), 72)
    demand = 0.8 * _wander(rng, len(t), 2)
    latent = np.column_stack([load, ambient, demand])
    return np.asarray(latent @ (rng.normal(size=(3, 52)) * np.array([[1.0], [0.6], [0.5]])))


def _own_noise(rng: np.random.Generator, rows: int) -> np.ndarray:
    """Of each sensor alone: minute noise, a wander over hours, a slow drift over weeks."""
    noise = rng.normal(size=(rows, 52))
    for k in range(52):
        noise[:, k] += 0.3 * _wander(rng, rows, 8) + 0.25 * _wander(rng, rows, 400)
    return noise


def _wear(rows: int) -> np.ndarray:
    """What wear adds to each sensor, in standard deviations of its minute noise; nothing after the failure."""
    added = np.zeros((rows, 52))
    for failure, row in zip(FAILURES, failing_rows(rows), strict=True):
        length = round(60 * failure.lead_h)
        since = np.arange(1, length + 1) / max(length, 1)
        begin = max(0, row - length)
        for sensor, weight in KINDS[failure.kind]:
            added[begin:row, sensor] += failure.visibility * weight * since[length - (row - begin) :] ** 1.5
    return added


def _remove_values(rng: np.random.Generator, table: pd.DataFrame) -> None:
    rows = len(table)
    table[SENSORS[EMPTY]] = np.nan
    for sensor, share in GAPS.items():
        left = round(share * rows)
        while left > 0:
            length = min(left, int(rng.integers(30, 3000)))
            at = int(rng.integers(0, rows - length))
            table.loc[at : at + length - 1, SENSORS[sensor]] = np.nan
            left -= length
    for sensor, share in DEAD_FROM.items():
        table.loc[round(share * rows) :, SENSORS[sensor]] = np.nan
    column = table.columns.get_indexer(pd.Index(SENSORS))
    for at in rng.integers(0, rows, size=rows // 100):  # single cells lost on the way
        table.iat[int(at), int(column[int(at) % 52])] = np.nan


def text(table: pd.DataFrame) -> bytes:
    """The table as the published file is written: a nameless running number first, empty cells for gaps."""
    import pyarrow as pa  # a fifth of a second, which whoever only reads need not wait
    from pyarrow import csv

    numbered = table.copy(deep=False)
    numbered.insert(0, "", np.arange(len(table)))
    buffer = io.BytesIO()
    options = csv.WriteOptions(quoting_style="none")
    csv.write_csv(pa.Table.from_pandas(numbered, preserve_index=False), buffer, options)
    return buffer.getvalue().replace(b'"', b"")
