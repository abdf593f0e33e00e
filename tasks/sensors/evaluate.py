"""The candidates beside alarms that need no model, by event; on NAB also by its official score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gauntlet.datasets import nab
from gauntlet.tasks.contract import Judgement
from gauntlet.tasks.result import Row
from gauntlet.tasks.sensors.event import alarms_of, nab_score
from gauntlet.tasks.sensors.featurize import Readings
from gauntlet.tasks.sensors.load import Streams
from gauntlet.tasks.sensors.simple import implausible, robust_z
from gauntlet.tasks.sensors.streams import GAP_H, Watched, found, stream_row
from gauntlet.tasks.sensors.train import TrainedStreamDetector


@dataclass(frozen=True, eq=False, kw_only=True)
class StreamJudgement(Judgement):
    """`flags`: by name and sensor, of the evaluated rows."""

    flags: Mapping[str, Mapping[str, np.ndarray]]


def evaluate(prepared: Readings, trained: Sequence[TrainedStreamDetector], seed: int) -> StreamJudgement:
    """The candidates beside alarms that need no model; the best by F1 over events, ties by fewer false alarms."""
    gauntlet, streams = prepared.gauntlet, prepared.streams
    watched = streams.watched()
    scores: dict[str, dict[str, np.ndarray]] = {fit.candidate.name: _by_sensor(streams, fit.score) for fit in trained}
    flags = {fit.candidate.name: _by_sensor(streams, fit.flags) for fit in trained}
    names = list(flags)
    scores["naive"] = {stream.sensor: np.zeros(stream.rows) for stream in watched}
    flags["naive"] = {stream.sensor: np.zeros(stream.rows, bool) for stream in watched}
    scores[gauntlet.simple], flags[gauntlet.simple] = _simple(gauntlet.simple, streams)
    stated = streams.labelled and any(stream.events for stream in watched)
    if stated:
        rows = {name: stream_row(name, watched, flags[name], scores[name], seed) for name in flags}
        best = max(names, key=lambda name: (rows[name].metrics["f1"], -rows[name].metrics["false_alarms_per_week"]))
    else:
        rows = {name: Row(name, {gauntlet.primary_metric: float("nan")}) for name in flags}
        best = names[0]
    quality = prepared.quality.cells() if prepared.quality else ()
    return StreamJudgement(
        candidates=tuple(rows[name] for name in names),
        baselines={name: rows[name] for name in ("naive", gauntlet.simple)},
        naive="naive",
        best=best,
        chosen_on="the stated figures by event" if stated else "nothing: no fault is labelled",
        stated=stated,
        cells=(*(_cells(streams, watched, flags) if stated else ()), *quality),
        flags=flags,
    )


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
        events_found = [one for stream in watched for one in found(stream, answer[stream.sensor])]
        for kind in dict.fromkeys(one.kind for one in events_found):
            delays = [one.delay_h for one in events_found if one.kind == kind and one.delay_h is not None]
            events = sum(one.kind == kind for one in events_found)
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
