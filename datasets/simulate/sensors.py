"""Ten simulated sensors of a machine hall, two of each quantity: one sound, one with every kind of labelled fault.

    value = level + trend + daily season + weekly season + level shifts + AR(1) noise (+ faults), then readings go missing

No published generator stands behind this; every parameter is in the configuration that is written beside the data.
Faults lie apart from each other by a day at least, behind the sound beginning `HEALTHY`, and are sized in standard
deviations of the sensor's own noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

VERSION = 1
START = pd.Timestamp("2024-01-01")
DAYS = 120
HEALTHY = 0.4  # of each series lies before its first fault
ROUNDS = 2  # times that a faulty sensor has each kind
KINDS = ("spike", "dip", "drift", "stuck", "noise_burst")
HOURS = {"spike": (1, 2), "dip": (2, 6), "drift": (24, 48), "stuck": (8, 20), "noise_burst": (12, 24)}
SIZE = {"spike": 12.0, "dip": 9.0, "drift": 10.0, "noise_burst": 5.0}  # standard deviations of the noise
MEMORY = 0.5  # of the noise, from one hour to the next
GAPS = ((2, 8), (12, 36))  # hours missing: a short stretch and a long one


@dataclass(frozen=True)
class Sensor:
    """One sensor, in its own unit: `daily`, `weekly` amplitudes, `trend` per 30 days, `noise` a standard deviation,
    `shift` the size of its level shifts, `low` and `high` the range that it can read at all.
    """

    name: str
    quantity: str
    unit: str
    level: float
    daily: float
    weekly: float
    trend: float
    noise: float
    shift: float
    low: float
    high: float
    faulty: bool


_QUANTITIES = (
    ("temperature", "degC", 60.0, 5.0, 2.0, 0.8, 0.8, 2.0, -40.0, 150.0),
    ("vibration", "mm/s", 3.0, 0.4, 0.25, 0.06, 0.08, 0.25, 0.0, 50.0),
    ("pressure", "bar", 6.0, 0.25, 0.15, -0.04, 0.06, 0.2, 0.0, 16.0),
    ("humidity", "%", 45.0, 4.0, 2.0, 0.5, 0.9, 2.0, 0.0, 100.0),
    ("voltage", "V", 230.0, 1.5, 0.8, 0.1, 0.35, 1.0, 0.0, 300.0),
)
SENSORS = tuple(
    Sensor(f"sensor-{number + 1:03d}", *_QUANTITIES[number % 5], faulty=number >= 5) for number in range(10)
)


def draw(seed: int, scale: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(readings: sensor_id, timestamp, value; labels: sensor_id, kind, start, end), hourly, `scale` x 120 days.

    A label's `end` is its last faulty reading. Missing readings are rows with an empty value. The two kinds
    `level_shift` and `missing` are labelled too: they are facts about the series, not faults to be found.
    """
    rows = max(1, round(DAYS * scale)) * 24
    readings, labels = [], []
    for number, sensor in enumerate(SENSORS):
        # One stream per sensor: a change to one leaves the others as they were.
        rng = np.random.default_rng(np.random.SeedSequence((2024, seed, number)))
        values, events = _series(sensor, rows, rng)
        times = START + pd.to_timedelta(np.arange(rows), unit="h")
        readings.append(pd.DataFrame({"sensor_id": sensor.name, "timestamp": times, "value": values}))
        labels += [(sensor.name, kind, times[first], times[last]) for kind, first, last in events]
    frame = pd.concat(readings, ignore_index=True)
    return frame, pd.DataFrame(labels, columns=["sensor_id", "kind", "start", "end"])


def _series(sensor: Sensor, rows: int, rng: np.random.Generator) -> tuple[np.ndarray, list[tuple[str, int, int]]]:
    hours = np.arange(rows)
    phase = rng.uniform(0, 2 * np.pi)
    values = sensor.level + sensor.trend * hours / (30 * 24)
    values = values + sensor.daily * np.sin(2 * np.pi * hours / 24 + phase)
    values = values + sensor.weekly * np.sin(2 * np.pi * hours / 168 + phase)
    values = values + _noise(rows, sensor.noise, rng)
    events: list[tuple[str, int, int]] = []
    for share in (0.3, 0.7):
        at = int(rows * share)
        values[at:] += sensor.shift * rng.choice((-1, 1))
        events.append(("level_shift", at, at))
    if sensor.faulty:
        events += _faults(values, sensor, rng)
    taken = np.zeros(rows, dtype=bool)
    for _, first, last in events:
        taken[max(0, first - 6) : last + 7] = True
    for shortest, longest in GAPS:
        length = int(rng.integers(shortest, longest + 1))
        free = np.flatnonzero(~taken[: rows - length])
        # A stretch that would cover a fault would make its label untrue.
        free = free[np.array([at > 0 and not taken[at : at + length].any() for at in free], bool)]
        if len(free):
            at = int(rng.choice(free))
            values[at : at + length] = np.nan
            taken[max(0, at - 6) : at + length + 7] = True
            events.append(("missing", at, at + length - 1))
    return np.clip(values, sensor.low, sensor.high).round(3), sorted(events, key=lambda event: event[1])


def _noise(rows: int, deviation: float, rng: np.random.Generator) -> np.ndarray:
    """AR(1) noise of this standard deviation, (rows,), stationary from its first value."""
    steps = rng.normal(0, deviation * np.sqrt(1 - MEMORY**2), rows)
    steps[0] = rng.normal(0, deviation)
    for at in range(1, rows):
        steps[at] += MEMORY * steps[at - 1]
    return steps


def _faults(values: np.ndarray, sensor: Sensor, rng: np.random.Generator) -> list[tuple[str, int, int]]:
    """The faults put into `values`, each in a slot of its own; those that a short series has no room for are left out."""
    kinds = [kind for _ in range(ROUNDS) for kind in rng.permutation(KINDS)]
    first = int(len(values) * HEALTHY)
    slot = (len(values) - first) // len(kinds)
    events = []
    for number, kind in enumerate(kinds):
        shortest, longest = HOURS[kind]
        length = int(rng.integers(shortest, longest + 1))
        room = slot - 24 - length
        if room < 1:
            continue
        at = first + number * slot + int(rng.integers(0, room))
        values[at : at + length] = _faulty(kind, values[at : at + length], sensor.noise, rng)
        events.append((str(kind), at, at + length - 1))
    return events


def _faulty(kind: str, sound: np.ndarray, noise: float, rng: np.random.Generator) -> np.ndarray:
    if kind == "spike":
        return sound + SIZE[kind] * noise
    if kind == "dip":
        return sound - SIZE[kind] * noise
    if kind == "drift":
        return sound + SIZE[kind] * noise * np.arange(1, len(sound) + 1) / len(sound)
    if kind == "stuck":
        return np.full_like(sound, sound[0])
    return sound + rng.normal(0, SIZE[kind] * noise, len(sound))
