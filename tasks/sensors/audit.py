"""The audit of sensor streams: past before future, and what would make the stated figures worthless."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gauntlet.tasks.audit import Finding, Flagged, Origin, Part, Protocol, Replay, audit_claims, guard
from gauntlet.tasks.models.stream_detector import FOREST_SOUND
from gauntlet.tasks.sensors.evaluate import StreamJudgement
from gauntlet.tasks.sensors.featurize import Readings
from gauntlet.tasks.sensors.load import Streams, raw
from gauntlet.tasks.sensors.train import TrainedStreamDetector


def audit(streams: Streams) -> tuple[Finding, ...]:
    """What makes these rows worthless to judge a detector by; raises `Leak` unless that is allowed."""
    place = str(streams.path)
    findings: list[Finding] = list(
        audit_claims(Protocol(source=streams.source, origin=Origin([place], [place], [place] * len(streams.frame))))
    )
    for sensor, cut in streams.learnt.items():
        rows = np.arange(len(streams.of(sensor)))
        parts = Part(ids=rows[:cut], times=rows[:cut]), Part(ids=rows[cut:], times=rows[cut:])
        findings += audit_claims(Protocol(train=parts[0], test=parts[1], tuning=parts[0], forward=True))
    if streams.labelled:
        labels = np.concatenate([stream.labels for stream in streams.watched()])
        findings += audit_claims(Protocol(test=Part(labels=labels)))
    return guard(tuple(dict.fromkeys(findings)), streams.request.allow_leakage)


def audit_result(
    prepared: Readings, trained: Sequence[TrainedStreamDetector], judgement: StreamJudgement
) -> tuple[Finding, ...]:
    """What would make the stated figures worthless; raises `Leak` unless that is allowed."""
    streams = prepared.streams
    first = streams.frame["sensor_id"].to_numpy() == streams.sensors[0]
    findings: list[Finding] = []
    for fit in trained:
        replay = Replay(fit.candidate.name, fit.flags[first].astype(int), fit.model.predict(raw(streams.frame[first])))
        findings += audit_claims(Protocol(replays=[replay]))
        if judgement.stated and fit.candidate.kind == "forest":
            flags = np.concatenate(list(judgement.flags[fit.candidate.name].values()))
            labels = np.concatenate([stream.labels for stream in streams.watched()])
            flagged = Flagged(flags, {"false_alarm_rate": 1 - FOREST_SOUND})
            train_part = Part(ids=np.arange(sum(streams.learnt.values())))
            findings += audit_claims(Protocol(train=train_part, test=Part(labels=labels), flagged=flagged))
    return guard(tuple(dict.fromkeys(findings)), prepared.request.allow_leakage)
