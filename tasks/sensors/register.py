"""What goes into the registry beside a stream's detector: the configuration of its sensors and the quality of its data."""

from __future__ import annotations

import json
from collections.abc import Sequence

from gauntlet.tasks.contract import Artifact, Story
from gauntlet.tasks.sensors.dimensions import DIMENSIONS
from gauntlet.tasks.sensors.evaluate import StreamJudgement
from gauntlet.tasks.sensors.featurize import Readings
from gauntlet.tasks.sensors.load import raw
from gauntlet.tasks.sensors.quality import QualityReport, sensor_rows
from gauntlet.tasks.sensors.train import TrainedStreamDetector

SENSOR = "sensor_id"


def artifacts(
    prepared: Readings, trained: Sequence[TrainedStreamDetector], _judgement: StreamJudgement, _story: Story
) -> list[Artifact]:
    """The candidates as they go into the registry."""
    return [_artifact(fit, prepared) for fit in trained]


def _artifact(detector: TrainedStreamDetector, prepared: Readings) -> Artifact:
    streams, quality, model = prepared.streams, prepared.quality, detector.model
    reference = model.raw_features(streams.healthy())
    phase = "validation" if quality is not None else "anomaly-detection"
    # Blocks of `name: value` lines, a sensor each, as the streams are configured.
    blocks = ["\n".join(f"{name}: {value}" for name, value in row.items()) for row in sensor_rows(streams)]
    return Artifact(
        name=detector.candidate.name,
        model=model,
        rows=raw(streams.frame.dropna().head(200)),
        purpose="Flags faulty readings in sensor streams, each by the readings before it.",
        features=[name for name in reference.columns if name != SENSOR],
        sensors="missing: carried forward, never back\n\n" + "\n\n".join(blocks),
        reference=reference,
        phase=phase,
        task="data-validation" if quality is not None else "anomaly-detection",
        figures=("f1", "precision", "recall"),
        parameters={"kind": detector.candidate.kind, "features": list(model.features), "limit": model.threshold_},
        files=_quality_file(quality) if quality is not None else {},
    )


def _quality_file(quality: QualityReport) -> dict[str, bytes]:
    scores = {
        sensor: {"score": found.score, **{name: getattr(found, name) for name in DIMENSIONS}}
        for sensor, found in quality.beginning.items()
    }
    return {"data_quality.json": json.dumps({"score": quality.score, "sensors": scores}, indent=1).encode()}
