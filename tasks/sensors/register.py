"""What the sensor gauntlets put beside their models: names of features, configuration of sensors, audit, reference."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np

from gauntlet.tasks.registry.files import parquet
from gauntlet.tasks.registry.former import Entry
from gauntlet.tasks.registry.key import work_key
from gauntlet.tasks.registry.submission import version_tags
from gauntlet.tasks.report.result import format_metric
from gauntlet.tasks.result import GauntletResult, Row
from gauntlet.tasks.sensors.dimensions import DIMENSIONS
from gauntlet.tasks.sensors.load import Judgement, Streams, Trained, raw
from gauntlet.tasks.sensors.quality import QualityReport, sensor_rows
from gauntlet.tasks.sensors.report import PROTOCOL

SENSOR = "sensor_id"


def _sensor_config(streams: Streams) -> str:
    """Blocks of `name: value` lines, a sensor each, as `streams` is configured."""
    head = f"dataset: {streams.spec.name}\nsource: {streams.source}\nmissing: carried forward, never back\n"
    blocks = ["\n".join(f"{name}: {value}" for name, value in row.items()) for row in sensor_rows(streams)]
    return head + "\n" + "\n\n".join(blocks) + "\n"


def _files(
    one: Trained, streams: Streams, quality: QualityReport | None, told: GauntletResult, report: str
) -> dict[str, bytes]:
    reference = one.model.raw_features(streams.sound())
    audit = {"findings": [asdict(finding) for finding in told.leakage.findings], "allowed": told.leakage.allowed}
    files = {
        "feature_names.txt": "\n".join(name for name in reference.columns if name != SENSOR).encode(),
        "sensor_config.txt": _sensor_config(streams).encode(),
        "audit.json": json.dumps(audit, indent=1).encode(),
        "reference.parquet": parquet(reference),
        "report.html": report.encode(),
    }
    if quality is not None:
        scores = {
            sensor: {"score": told_.score, **{name: getattr(told_, name) for name in DIMENSIONS}}
            for sensor, told_ in quality.beginning.items()
        }
        files["data_quality.json"] = json.dumps({"score": quality.score, "sensors": scores}, indent=1).encode()
    return files


def _description(row: Row, streams: Streams, leaked: bool) -> str:
    figures = ", ".join(f"{metric} {format_metric(row, metric)}" for metric in ("f1", "precision", "recall"))
    warning = "LEAKED, NOT A RESULT. " if leaked else ""
    return (
        f"{warning}Flags faulty readings in sensor streams, each by the readings before it. Data: {streams.spec.title}, "
        f"{streams.source}, {len(streams.frame):,} rows. Protocol: {PROTOCOL}. By event: {figures}. Needs the gauntlet "
        "package to be loaded."
    )


def entries(
    streams: Streams,
    trained: Sequence[Trained],
    judgement: Judgement,
    quality: QualityReport | None,
    told: GauntletResult,
    report: str,
    drawn: Mapping[str, bytes],
) -> list[Entry]:
    """The candidates as they go into the registry."""
    rows = {row.name: row for row in judgement.candidates}
    example = streams.frame.dropna().head(200)
    made = []
    for one in trained:
        parameters = {"kind": one.candidate.kind, "features": list(one.candidate.features), "seed": told.seed}
        row = rows[one.candidate.name]
        made.append(
            Entry(
                name=one.candidate.name,
                key=work_key(streams.sha256, {**parameters, "name": one.candidate.name, "source": streams.source}),
                pipeline=one.model,
                rows=raw(example),
                metrics={name: value for name, value in row.metrics.items() if np.isfinite(value)},
                parameters={**parameters, "limit": one.model.limit_},
                tags=version_tags(
                    phase="validation" if quality is not None else "anomaly-detection",
                    task="data-validation" if quality is not None else "anomaly-detection",
                    dataset=streams.spec.name,
                    sensor_type=streams.spec.sensor_type,
                    source=streams.source,
                    data_hash=streams.sha256,
                    seed=told.seed,
                    leaked=told.leakage.leaked,
                ),
                description=_description(row, streams, told.leakage.leaked),
                files=_files(one, streams, quality, told, report),
                pictures=dict(drawn),
            )
        )
    return made
