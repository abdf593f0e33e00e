"""What the vibration gauntlets put into the registry: detectors with their reference, and the scaler under its name."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np
import pandas as pd
from sklearn.preprocessing import StandardScaler

from gauntlet.tasks.models.machine_health import MACHINE
from gauntlet.tasks.registry.files import parquet
from gauntlet.tasks.registry.former import Entry
from gauntlet.tasks.registry.key import work_key
from gauntlet.tasks.registry.submission import version_tags
from gauntlet.tasks.report.result import format_metric
from gauntlet.tasks.result import GauntletResult, Row
from gauntlet.tasks.vibration.candidates import DOCUMENTED
from gauntlet.tasks.vibration.evaluate import RULE, Judgement, Trained, healthy_rows
from gauntlet.tasks.vibration.gauntlets import VibrationGauntlet
from gauntlet.tasks.vibration.library import library_files
from gauntlet.tasks.vibration.load import Life, VibrationData
from gauntlet.tasks.vibration.report import PROTOCOL


def entries(
    gauntlet: VibrationGauntlet,
    data: VibrationData,
    lives: Sequence[Life],
    trained: Sequence[Trained],
    judgement: Judgement | None,
    told: GauntletResult,
    report: str,
    drawn: Mapping[str, bytes],
) -> list[Entry]:
    """The candidates, and the scaler where the set has one, as they go into the registry; none where none was trained."""
    if judgement is None:
        return []
    rows = {row.name: row for row in judgement.candidates}
    made = [_detector(gauntlet, data, one, rows[one.candidate.name], lives, told, report, drawn) for one in trained]
    if gauntlet.scaler:
        made += _scaler(gauntlet, data, healthy_rows(lives), told, report, drawn)
    return made


def _detector(
    gauntlet: VibrationGauntlet, data: VibrationData, one: Trained, row: Row, lives: Sequence[Life],
    told: GauntletResult, report: str, drawn: Mapping[str, bytes],
) -> Entry:  # fmt: skip
    healthy = healthy_rows(lives)
    columns = [MACHINE, *(name for name in healthy.columns if name.rpartition(" ")[0] in one.candidate.features)]
    figures = ", ".join(f"{name} {format_metric(row, name)}" for name in ("f1", "recall", "false_alarms_per_week"))
    leaked = "LEAKED, NOT A RESULT. " if told.leakage.leaked else ""
    text = (
        f"{leaked}Health index of a bearing from one vibration snapshot, in standard deviations of its healthy beginning. "
        f"Data: {gauntlet.module.SPEC.title}, {data.source}. Protocol: {PROTOCOL}. By lives: {figures}. Needs the gauntlet "
        "package to be loaded."
    )
    parameters = {"kind": one.candidate.kind, "fit_share": one.candidate.fit_share, **asdict(RULE)}
    return _entry(
        gauntlet, data, one.candidate.name, one.model, healthy[columns], told, report, drawn, text,
        {name: value for name, value in row.metrics.items() if np.isfinite(value)}, parameters, "anomaly-detection",
        library_files(lives, one.candidate.features),
    )  # fmt: skip


def _scaler(
    gauntlet: VibrationGauntlet, data: VibrationData, healthy: pd.DataFrame, told: GauntletResult, report: str,
    drawn: Mapping[str, bytes],
) -> list[Entry]:  # fmt: skip
    """The scaler of the 22 documented features, on healthy rows; the detectors carry scalers of their own."""
    columns = [name for name in healthy.columns if name.rpartition(" ")[0] in DOCUMENTED]
    if not columns or not gauntlet.scaler:
        return []
    rows = healthy[columns].dropna()
    text = (
        f"Scaler of the {len(columns)} documented features, fitted on healthy beginnings. Data: "
        f"{gauntlet.module.SPEC.title}, {data.source}. For users of the name; the detectors carry scalers of their own."
    )
    fitted = StandardScaler().fit(rows)
    return [_entry(gauntlet, data, gauntlet.scaler, fitted, rows, told, report, drawn, text, {}, {}, "scaling")]


def _entry(
    gauntlet: VibrationGauntlet, data: VibrationData, name: str, model: object, reference: pd.DataFrame,
    told: GauntletResult, report: str, drawn: Mapping[str, bytes], description: str, metrics: Mapping[str, float],
    parameters: Mapping[str, object], task: str, more: Mapping[str, bytes] | None = None,
) -> Entry:  # fmt: skip
    spec = gauntlet.module.SPEC
    channels = sorted({f"channel: {channel.name}" for run in data.runs for channel in run.channels})
    sensors = f"dataset: {spec.name}\nsource: {data.source}\nrate_hz: {spec.rate:g}\nsamples: {spec.samples}\n"
    audit: dict[str, object] = {
        "findings": [asdict(one) for one in told.leakage.findings],
        "allowed": told.leakage.allowed,
    }
    features = [column for column in reference.columns if column != MACHINE]
    return Entry(
        name=name,
        key=work_key(told.data_hash, {"name": name, "seed": told.seed, "source": data.source, **parameters}),
        pipeline=model,
        rows=reference.dropna(axis=1, how="all").head(200),
        metrics=metrics,
        parameters={**parameters, "seed": told.seed},
        tags=version_tags(
            phase="vibration",
            task=task,
            dataset=spec.name,
            sensor_type=spec.sensor_type,
            source=data.source,
            data_hash=told.data_hash,
            seed=told.seed,
            leaked=told.leakage.leaked,
        ),
        description=description,
        files={
            "feature_names.txt": "\n".join(features).encode(),
            "sensor_config.txt": (sensors + "\n".join(channels) + "\n").encode(),
            "audit.json": json.dumps(audit, indent=1).encode(),
            "reference.parquet": parquet(reference),
            "report.html": report.encode(),
            **(more or {}),
        },
        pictures=dict(list(drawn.items())[:6]),
    )
