"""The readings as candidates are trained and judged on them, and the quality of the data where it is asked for."""

from __future__ import annotations

from dataclasses import dataclass

from gauntlet.tasks.contract import Prepared, Summary
from gauntlet.tasks.result import InputSummary
from gauntlet.tasks.sensors.gauntlets import SensorGauntlet
from gauntlet.tasks.sensors.load import Streams
from gauntlet.tasks.sensors.quality import QualityReport


@dataclass(frozen=True, eq=False)
class Readings(Prepared):
    """The streams; features are made inside of a detector, each row by the rows before it."""

    gauntlet: SensorGauntlet
    streams: Streams
    quality: QualityReport | None


def featurize(streams: Streams, quality: QualityReport | None) -> Readings:
    """What models are trained and judged on."""
    summary = Summary(
        dataset=streams.spec,
        source=streams.source,
        data_hash=streams.sha256,
        input=InputSummary(files=1, rows=len(streams.frame), bytes=streams.bytes),
        size=f"{len(streams.sensors)} sensors, {len(streams.frame):,} rows",
        place=streams.path.name,
        protocol=streams.gauntlet.protocol,
    )
    return Readings(streams.gauntlet, streams.request, summary, streams, quality)
