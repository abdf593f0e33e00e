"""What the rig gauntlet puts beside its models: names of sensors, their setting, audit, reference."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import pandas as pd

from gauntlet.datasets import skab
from gauntlet.datasets.skab import SKAB
from gauntlet.tasks.audit import Finding
from gauntlet.tasks.multivariate.load import Beginnings, Detection, Judgement
from gauntlet.tasks.multivariate.report import PROTOCOL
from gauntlet.tasks.registry.files import parquet
from gauntlet.tasks.registry.former import Entry
from gauntlet.tasks.registry.key import work_key
from gauntlet.tasks.registry.submission import version_tags
from gauntlet.tasks.report.result import format_metric


def entries(
    rig: SKAB,
    beginnings: Beginnings,
    detections: Sequence[Detection],
    judgement: Judgement,
    findings: Sequence[Finding],
    seed: int,
    report: str,
    drawn: Mapping[str, bytes],
) -> list[Entry]:
    """The candidates as they go into the registry: the detector of the newest run; refit it on your own beginning."""
    rows = {row.name: row for row in judgement.candidates}
    leaked = bool(findings)
    audit = {"findings": [asdict(one) for one in findings], "allowed": leaked}
    reference = pd.concat(beginnings.rows, ignore_index=True)
    pictures = {name: drawn[name] for name in ("f1.png", "sensors.png", "timeline_middle.png")}
    tags = version_tags(
        phase="anomaly", task="anomaly-detection", dataset=skab.SPEC.name, sensor_type=skab.SPEC.sensor_type,
        source=rig.source, data_hash=rig.sha256, seed=seed, leaked=leaked,
    )  # fmt: skip
    return [
        Entry(
            name=one.name,
            key=work_key(rig.sha256, {"candidate": one.name, "seed": seed, "source": rig.source}),
            pipeline=one.newest,
            rows=rig.runs[-1].values.head(200),
            metrics=rows[one.name].metrics,
            parameters={**asdict(one.setting), "run": rig.runs[-1].name, "seed": seed},
            tags=tags,
            description=_description(one, judgement, rig, leaked),
            files={
                "feature_names.txt": "\n".join(reference.columns).encode(),
                "sensor_config.txt": _sensor_config(one, rig).encode(),
                "audit.json": json.dumps(audit, indent=1).encode(),
                "reference.parquet": parquet(reference),
                "report.html": report.encode(),
            },
            pictures=pictures,
        )
        for one in detections
    ]


def _sensor_config(one: Detection, rig: SKAB) -> str:
    used = "\n".join(f"column: {sensor}" for sensor in one.setting.sensors)
    return f"dataset: {skab.SPEC.name}\nsource: {rig.source}\nfitted on: the beginning of {rig.runs[-1].name}\n{used}\n"


def _description(one: Detection, judgement: Judgement, rig: SKAB, leaked: bool) -> str:
    row = next(row for row in judgement.candidates if row.name == one.name)
    figures = ", ".join(f"{metric} {format_metric(row, metric)}" for metric in ("f1", "far", "mar"))
    return (
        f"{'LEAKED, NOT A RESULT. ' if leaked else ''}Tells anomalies of a pump rig from the healthy beginning of a run "
        f"({one.setting.kind}). Data: {skab.SPEC.title}, {rig.source}, {len(rig.runs)} runs. Protocol: {PROTOCOL}. "
        f"{figures}. Fitted on the beginning of {rig.runs[-1].name}: fit it anew on the beginning of each run. "
        "Needs the gauntlet package to be loaded."
    )
