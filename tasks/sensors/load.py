"""The readings of single sensors: the user's, simulated ones or, where the gauntlet takes it, NAB's machine temperature."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from gauntlet.datasets import nab, sensors
from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.source import holds, locate
from gauntlet.datasets.spec import Dataset, Provenance
from gauntlet.tasks.gauntlet import Request
from gauntlet.tasks.sensors.gauntlets import SensorGauntlet
from gauntlet.tasks.sensors.streams import Watched

LEAST_ROWS = 48  # of a sensor, to learn from
LEARNT = 0.4  # of each sensor's rows, its beginning, is what training may see


@dataclass(frozen=True, eq=False)
class Streams:
    """The readings in order of sensor and time: sensor_id, timestamp, value (NaN where missing).

    `learnt`: rows at the beginning of each sensor that training may see. `events`: (first row, last row, kind) of each
    sensor's labelled faults, rows counted within the sensor. `labelled`: False where nobody said what was a fault.
    """

    gauntlet: SensorGauntlet
    request: Request
    frame: pd.DataFrame
    learnt: Mapping[str, int]
    events: Mapping[str, tuple[tuple[int, int, str], ...]]
    labelled: bool
    spec: Dataset
    path: Path
    source: Provenance
    sha256: str
    bytes: int
    configuration: Mapping[str, Mapping[str, object]] = field(default_factory=dict)

    @property
    def sensors(self) -> tuple[str, ...]:
        """The sensors' names, sorted."""
        return tuple(self.learnt)

    def of(self, sensor: str) -> pd.DataFrame:
        """The rows of a sensor."""
        return self.frame[self.frame["sensor_id"] == sensor]

    def healthy(self) -> pd.DataFrame:
        """What a model may learn from: beginnings, readings within a labelled fault blanked."""
        parts = []
        for sensor, learnt in self.learnt.items():
            rows = self.of(sensor).iloc[:learnt].copy()
            faulty = np.zeros(len(rows), bool)
            for first, last, _ in self.events[sensor]:
                faulty[first : last + 1] = True
            rows["value"] = rows["value"].mask(faulty)
            parts.append(rows)
        return pd.concat(parts, ignore_index=True)

    def limits(self, sensor: str) -> tuple[float, float]:
        """The range that a sensor can read at all, by its configuration."""
        known = self.configuration.get(sensor, {})
        return float(str(known.get("low", -np.inf))), float(str(known.get("high", np.inf)))

    def watched(self) -> list[Watched]:
        """The evaluated rows of each sensor: what comes after its beginning."""
        parts = []
        for sensor, cut in self.learnt.items():
            rows = self.of(sensor)
            events = tuple((max(a, cut) - cut, b - cut, kind) for a, b, kind in self.events[sensor] if b >= cut)
            parts.append(Watched(sensor, events, len(rows) - cut, step_h(rows)))
        return parts


def step_h(rows: pd.DataFrame) -> float:
    """The usual hours between a sensor's readings."""
    return float(np.median(np.diff(rows["timestamp"].to_numpy()) / np.timedelta64(1, "s"))) / 3600


def load(gauntlet: SensorGauntlet, request: Request) -> Streams:
    """The user's sensors, the simulated ones or, where the gauntlet takes it, NAB's machine temperature.

    Raises:
        BadInput: a file is not what it should be, or a sensor is too short to learn from.
    """
    data, source, root = request.data, request.source, request.root
    simulation = sensors.simulation(request.seed)
    if gauntlet.takes_nab and source != "simulated":
        own = data is None and holds(root / sensors.SPEC.name, sensors.SPEC)
        home = data if data is not None else root / nab.SPEC.name
        if not own and home.is_dir() and holds(home, nab.SPEC) and not holds(home, sensors.SPEC):
            return _from_nab(gauntlet, request, home)
        if source == "real" and data is None and not own:
            return _from_nab(gauntlet, request, locate(nab.SPEC, source, None, root, simulation).path)
    return _from_sensors(gauntlet, request, locate(sensors.SPEC, source, data, root, simulation).path)


def _from_nab(gauntlet: SensorGauntlet, request: Request, folder: Path) -> Streams:
    read = nab.read(folder)
    frame = pd.DataFrame({"sensor_id": "machine-temperature", "timestamp": read.times, "value": read.values})
    events = {"machine-temperature": tuple((first, last, "window") for first, last in read.window_rows)}
    learnt = {"machine-temperature": read.probation}
    return Streams(
        gauntlet, request, frame, learnt, events, True, nab.SPEC, read.path, read.source, read.sha256, read.bytes
    )


def _from_sensors(gauntlet: SensorGauntlet, request: Request, path: Path) -> Streams:
    read = sensors.read(path)
    learnt: dict[str, int] = {}
    events: dict[str, tuple[tuple[int, int, str], ...]] = {}
    faults = read.labels[~read.labels["kind"].isin(sensors.FACTS)]
    for sensor, rows in read.frame.groupby("sensor_id", sort=True):
        name, times = str(sensor), pd.DatetimeIndex(rows["timestamp"])
        learnt[name] = int(len(rows) * LEARNT)
        if learnt[name] < LEAST_ROWS:
            expected = f"{round(LEAST_ROWS / LEARNT)}, of which the first {LEARNT:.0%} are learnt from"
            raise BadInput(read.path, f"sensor {name} is too short", saw=f"{len(rows)} rows", expected=expected)
        mine = faults[faults["sensor_id"] == sensor].sort_values("start")
        first = np.searchsorted(times.to_numpy(), mine["start"].to_numpy())
        last = np.searchsorted(times.to_numpy(), mine["end"].to_numpy(), side="right") - 1
        spans = zip(first, last, mine["kind"], strict=True)
        events[name] = tuple((int(one), int(end), str(kind)) for one, end, kind in spans if end >= one)
    beside = read.path.parent / sensors.CONFIGURATION
    known = _configuration(beside) if beside.exists() else {}
    labelled = (read.path.parent / sensors.LABELS).exists()
    return Streams(
        gauntlet,
        request,
        read.frame,
        learnt,
        events,
        labelled,
        sensors.SPEC,
        read.path,
        read.source,
        read.sha256,
        read.bytes,
        known,
    )


def _configuration(file: Path) -> dict[str, Mapping[str, object]]:
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
        return {str(one["name"]): one for one in known["sensors"]}
    except (ValueError, KeyError, TypeError) as error:
        expected = '{"sensors": [{"name": ..., "low": ..., "high": ...}]}'
        raise BadInput(file, f"no configuration of sensors ({type(error).__name__})", expected=expected) from None


def raw(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows as they stand in a file: times as text."""
    return rows.assign(timestamp=rows["timestamp"].dt.strftime("%Y-%m-%d %H:%M:%S")).reset_index(drop=True)
