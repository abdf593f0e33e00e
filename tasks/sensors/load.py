"""The steps of the two gauntlets on sensor streams (synthetic, anomaly), as pure functions: load, audit, train, evaluate."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from gauntlet.datasets import nab, sensors
from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.source import holds, locate
from gauntlet.datasets.spec import Dataset, Provenance, Source
from gauntlet.tasks.audit import Finding, Flagged, Origin, Part, Protocol, Replay, audit_claims, guard
from gauntlet.tasks.metrics.event import alarms_of, nab_score
from gauntlet.tasks.models.stream_detector import FOREST_SOUND, StreamDetector
from gauntlet.tasks.models.stream_features import NAMES
from gauntlet.tasks.result import Row
from gauntlet.tasks.sensors.evaluate import GAP_H, Watched, found, stream_row
from gauntlet.tasks.sensors.simple import implausible, robust_z

PRIMARY_METRIC = "f1"
LEAST_ROWS = 48  # of a sensor, to learn from
LEARNT = 0.4  # of each sensor's rows, its beginning, is what training may see


@dataclass(frozen=True)
class Candidate:
    """A detector under its registered name; see `StreamDetector`."""

    name: str
    kind: str
    features: tuple[str, ...] = NAMES


@dataclass(frozen=True)
class StreamGauntlet:
    """What differs between the gauntlets. `takes_nab`: NAB's machine temperature is read, too, where it is."""

    name: str
    experiment: str
    title: str
    candidates: tuple[Candidate, ...]
    simple: str
    takes_nab: bool


SYNTHETIC = StreamGauntlet(
    "synthetic", "Synthetic_Data_Validation", "Sensors: are these data worth training on?",
    (Candidate("realistic_sensor_validation_isolation_forest", "forest"),
     Candidate("synthetic_validation_isolation_forest", "forest", ("level", "step"))),
    "plausibility_rules", False,
)  # fmt: skip
ANOMALY = StreamGauntlet(
    "anomaly", "Anomaly Detection", "Sensors: what is out of the ordinary, since when?",
    (Candidate("anomaly_detector_refined_v2", "forest"), Candidate("anomaly_detector_robust_limit", "limit")),
    "robust_z", True,
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Streams:
    """The readings in order of sensor and time: sensor_id, timestamp, value (NaN where missing).

    `learnt`: rows at the beginning of each sensor that training may see. `events`: (first row, last row, kind) of each
    sensor's labelled faults, rows counted within the sensor. `labelled`: False where nobody said what was a fault.
    """

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

    def sound(self) -> pd.DataFrame:
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
        told = self.configuration.get(sensor, {})
        return float(str(told.get("low", -np.inf))), float(str(told.get("high", np.inf)))

    def watched(self) -> list[Watched]:
        """The evaluated rows of each sensor: what comes after its beginning."""
        told = []
        for sensor, cut in self.learnt.items():
            rows = self.of(sensor)
            events = tuple((max(a, cut) - cut, b - cut, kind) for a, b, kind in self.events[sensor] if b >= cut)
            told.append(Watched(sensor, events, len(rows) - cut, step_h(rows)))
        return told


def step_h(rows: pd.DataFrame) -> float:
    """The usual hours between a sensor's readings."""
    return float(np.median(np.diff(rows["timestamp"].to_numpy()) / np.timedelta64(1, "s"))) / 3600


@dataclass(frozen=True, eq=False)
class Trained:
    """A fitted detector and what it said of every row, (rows,) in the frame's order."""

    candidate: Candidate
    model: StreamDetector
    score: np.ndarray
    flags: np.ndarray


@dataclass(frozen=True, eq=False)
class Judgement:
    """The results table, and by name and sensor the flags of the evaluated rows."""

    candidates: tuple[Row, ...]
    baselines: tuple[Row, ...]
    best: str
    flags: Mapping[str, Mapping[str, np.ndarray]]
    cells: tuple[Mapping[str, object], ...]
    stated: bool


def load(gauntlet: StreamGauntlet, data: Path | None, source: Source, root: Path, seed: int) -> Streams:
    """The user's sensors, the simulated ones or, where the gauntlet takes it, NAB's machine temperature.

    Raises:
        BadInput: a file is not what it should be, or a sensor is too short to learn from.
    """
    simulation = sensors.simulation(seed)
    if gauntlet.takes_nab and source != "simulated":
        own = data is None and holds(root / sensors.SPEC.name, sensors.SPEC)
        home = data if data is not None else root / nab.SPEC.name
        if not own and home.is_dir() and holds(home, nab.SPEC) and not holds(home, sensors.SPEC):
            return _from_nab(home)
        if source == "real" and data is None and not own:
            return _from_nab(locate(nab.SPEC, source, None, root, simulation).path)
    return _from_sensors(locate(sensors.SPEC, source, data, root, simulation).path)


def _from_nab(folder: Path) -> Streams:
    read = nab.read(folder)
    frame = pd.DataFrame({"sensor_id": "machine-temperature", "timestamp": read.times, "value": read.values})
    events = {"machine-temperature": tuple((first, last, "window") for first, last in read.window_rows)}
    learnt = {"machine-temperature": read.probation}
    return Streams(frame, learnt, events, True, nab.SPEC, read.path, read.source, read.sha256, read.bytes)


def _from_sensors(path: Path) -> Streams:
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
    told = _configuration(beside) if beside.exists() else {}
    labelled = (read.path.parent / sensors.LABELS).exists()
    return Streams(
        read.frame, learnt, events, labelled, sensors.SPEC, read.path, read.source, read.sha256, read.bytes, told
    )


def _configuration(file: Path) -> dict[str, Mapping[str, object]]:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        return {str(one["name"]): one for one in told["sensors"]}
    except (ValueError, KeyError, TypeError) as error:
        expected = '{"sensors": [{"name": ..., "low": ..., "high": ...}]}'
        raise BadInput(file, f"no configuration of sensors ({type(error).__name__})", expected=expected) from None


def audit(streams: Streams, allow_leakage: bool) -> tuple[Finding, ...]:
    """What makes these rows worthless to judge a detector by; raises `Leak` unless that is allowed."""
    place = str(streams.path)
    found_: list[Finding] = list(
        audit_claims(
            Protocol(source=streams.source, origin=Origin([place], [place], [place] * len(streams.frame)))
        )
    )  # fmt: skip
    for sensor, cut in streams.learnt.items():
        rows = np.arange(len(streams.of(sensor)))
        parts = Part(ids=rows[:cut], times=rows[:cut]), Part(ids=rows[cut:], times=rows[cut:])
        found_ += audit_claims(Protocol(train=parts[0], test=parts[1], tuning=parts[0], forward=True))
    if streams.labelled:
        labels = np.concatenate([one.labels for one in streams.watched()])
        found_ += audit_claims(Protocol(test=Part(labels=labels)))
    return guard(tuple(dict.fromkeys(found_)), allow_leakage)


def train(candidate: Candidate, streams: Streams, seed: int) -> Trained:
    """The candidate, fitted on sound beginnings only, limit included, then asked about every row, each by its past."""
    model = StreamDetector(candidate.kind, seed, list(candidate.features)).fit(streams.sound())
    score = model.score(streams.frame)
    return Trained(candidate, model, score, score > model.limit_)


def evaluate(gauntlet: StreamGauntlet, streams: Streams, trained: Sequence[Trained], seed: int) -> Judgement:
    """The candidates beside alarms that need no model; the best by F1 over events, ties by fewer false alarms."""
    watched = streams.watched()
    scores: dict[str, dict[str, np.ndarray]] = {one.candidate.name: _by_sensor(streams, one.score) for one in trained}
    flags = {one.candidate.name: _by_sensor(streams, one.flags) for one in trained}
    names = list(flags)
    scores["naive"] = {one.sensor: np.zeros(one.rows) for one in watched}
    flags["naive"] = {one.sensor: np.zeros(one.rows, bool) for one in watched}
    scores[gauntlet.simple], flags[gauntlet.simple] = _simple(gauntlet.simple, streams)
    stated = streams.labelled and any(one.events for one in watched)
    if not stated:
        rows = {name: Row(name, {PRIMARY_METRIC: float("nan")}) for name in flags}
        candidates = tuple(rows[name] for name in names)
        return Judgement(candidates, (rows["naive"], rows[gauntlet.simple]), names[0], flags, (), False)
    rows = {name: stream_row(name, watched, flags[name], scores[name], seed) for name in flags}
    candidates = tuple(rows[name] for name in names)
    best = max(candidates, key=lambda row: (row.metrics["f1"], -row.metrics["false_alarms_per_week"])).name
    cells = _cells(streams, watched, flags)
    return Judgement(candidates, (rows["naive"], rows[gauntlet.simple]), best, flags, cells, True)


def _by_sensor(streams: Streams, values: np.ndarray) -> dict[str, np.ndarray]:
    """The evaluated part of values (rows,), by sensor."""
    names = streams.frame["sensor_id"].to_numpy()
    return {sensor: values[names == sensor][cut:] for sensor, cut in streams.learnt.items()}


def _simple(name: str, streams: Streams) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    scores, flags = {}, {}
    for sensor, cut in streams.learnt.items():
        values = streams.of(sensor)["value"].to_numpy(np.float64)
        if name == "robust_z":
            score, limit = robust_z(values, cut)
        else:
            score, limit = implausible(values, cut, *streams.limits(sensor)), 0.5
        scores[sensor], flags[sensor] = score[cut:], score[cut:] > limit
    return scores, flags


def _cells(
    streams: Streams, watched: Sequence[Watched], flags: Mapping[str, Mapping[str, np.ndarray]]
) -> tuple[Mapping[str, object], ...]:
    """Per way of alarming and kind of fault: events, recall, median delay [h]; on NAB also its official scores.

    The first row of each alarm is what NAB's scorer is given: an alarm is told to a person once.
    """
    cells: list[Mapping[str, object]] = []
    for name, answer in flags.items():
        told = [one for stream in watched for one in found(stream, answer[stream.sensor])]
        for kind in dict.fromkeys(one.kind for one in told):
            delays = [one.delay_h for one in told if one.kind == kind and one.delay_h is not None]
            events = sum(one.kind == kind for one in told)
            figures = {"recall": len(delays) / events, "delay_h": float(np.median(delays)) if delays else float("nan")}
            cells.append({"group": {"kind": kind, "events": events}, "model": name, "metrics": figures})
        if streams.spec is nab.SPEC:
            one = watched[0]
            windows = [(first, last) for first, last, _ in one.events]
            starts = _starts(answer[one.sensor], one.step_h)
            for profile in ("standard", "low_FP", "low_FN"):
                score = nab_score(starts, windows, 0, profile)
                cells.append({"group": {"profile": profile}, "model": name, "metrics": {"nab_score": score}})
    return tuple(cells)


def _starts(flags: np.ndarray, hours: float) -> np.ndarray:
    starts = np.zeros(len(flags), bool)
    starts[[first for first, _ in alarms_of(flags, round(GAP_H / hours))]] = True
    return starts


def raw(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows as they stand in a file: times as text."""
    return rows.assign(timestamp=rows["timestamp"].dt.strftime("%Y-%m-%d %H:%M:%S")).reset_index(drop=True)


def audit_result(
    streams: Streams, trained: Sequence[Trained], judgement: Judgement, allow_leakage: bool
) -> tuple[Finding, ...]:
    """What would make the stated figures worthless; raises `Leak` unless that is allowed."""
    first = streams.frame["sensor_id"].to_numpy() == streams.sensors[0]
    found_: list[Finding] = []
    for one in trained:
        replay = Replay(one.candidate.name, one.flags[first].astype(int), one.model.predict(raw(streams.frame[first])))
        found_ += audit_claims(Protocol(replays=[replay]))
        if judgement.stated and one.candidate.kind == "forest":
            flags = np.concatenate(list(judgement.flags[one.candidate.name].values()))
            labels = np.concatenate([stream.labels for stream in streams.watched()])
            flagged = Flagged(flags, {"false_alarm_rate": 1 - FOREST_SOUND})
            train_part = Part(ids=np.arange(sum(streams.learnt.values())))
            found_ += audit_claims(Protocol(train=train_part, test=Part(labels=labels), flagged=flagged))
    return guard(tuple(dict.fromkeys(found_)), allow_leakage)
