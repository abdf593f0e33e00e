"""Everything that becomes a model version: made of what a gauntlet's steps handed on, the same for every kind of data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from gauntlet.tasks.audit import Finding
from gauntlet.tasks.contract import Artifact, Judgement, Prepared, Summary
from gauntlet.tasks.registry.files import audit_json, parquet
from gauntlet.tasks.registry.key import git_commit, work_key
from gauntlet.tasks.report.result import format_metric
from gauntlet.tasks.result import Row


@dataclass(frozen=True, eq=False)
class Submission:
    """A model on its way into the registry.

    `rows` are raw input rows (the example), `files` further files of the model's folder by name, `pictures` go beside its
    run. `key` identifies the work (data, code, parameters): the same key is never registered twice under a name.
    `rows_by`: dotted path of the code that makes such rows; empty: they are the publisher's own. `purpose`: what every
    version of the name is for, whatever its data. `gauntlet`, `machine`: whose it is; "" for none in particular.
    """

    name: str
    key: str
    model: Any
    rows: pd.DataFrame
    metrics: Mapping[str, float]
    parameters: Mapping[str, object]
    tags: Mapping[str, str]
    description: str
    files: Mapping[str, bytes]
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    rows_by: str = ""
    purpose: str = ""
    gauntlet: str = ""
    machine: str = ""


def submissions(
    prepared: Prepared, judgement: Judgement, artifacts: Sequence[Artifact], findings: Sequence[Finding]
) -> list[Submission]:
    """The artifacts of a run with tags, descriptions and keys."""
    rows = {row.name: row for row in judgement.candidates}
    return [_submission(artifact, prepared, rows.get(artifact.name), findings) for artifact in artifacts]


def _submission(artifact: Artifact, prepared: Prepared, row: Row | None, findings: Sequence[Finding]) -> Submission:
    summary, request = prepared.summary, prepared.request
    stated = artifact.metrics if artifact.metrics is not None else row.metrics if row is not None else {}
    identity = {
        "candidate": artifact.name,
        "seed": request.seed,
        "source": summary.source,
        **request.parameters,
        **artifact.identity,
    }
    return Submission(
        name=artifact.name,
        key=work_key(summary.data_hash, identity),
        model=artifact.model,
        rows=artifact.rows,
        metrics={name: float(value) for name, value in stated.items() if np.isfinite(value)},
        parameters={**artifact.parameters, "seed": request.seed},
        tags=version_tags(
            phase=artifact.phase,
            task=artifact.task,
            dataset=summary.dataset.name,
            sensor_type=artifact.sensor_type or summary.dataset.sensor_type,
            source=summary.source,
            data_hash=summary.data_hash,
            seed=request.seed,
            leaked=bool(findings),
        ),
        description=_description(artifact, summary, row, bool(findings)),
        files={
            "feature_names.txt": "\n".join(artifact.features).encode(),
            "sensor_config.txt": f"dataset: {summary.dataset.name}\nsource: {summary.source}\n{artifact.sensors}\n".encode(),
            "audit.json": audit_json(findings),
            "reference.parquet": parquet(artifact.reference),
            **artifact.files,
        },
        pictures=artifact.pictures,
        rows_by=artifact.rows_by,
        purpose=artifact.purpose,
        gauntlet=prepared.gauntlet.name,
    )


def _description(artifact: Artifact, summary: Summary, row: Row | None, leaked: bool) -> str:
    figures = ", ".join(f"{metric} {format_metric(row, metric)}" for metric in artifact.figures) if row else ""
    parts = (
        "LEAKED, NOT A RESULT." if leaked else "",
        artifact.purpose,
        f"Data: {summary.dataset.title}, {summary.source}, {summary.size}.",
        f"Protocol: {summary.protocol}.",
        f"{figures}." if figures else "",
        artifact.remark,
    )
    return " ".join(part for part in parts if part)


def version_tags(
    *, phase: str, task: str, dataset: str, sensor_type: str, source: str, data_hash: str, seed: int, leaked: bool
) -> dict[str, str]:
    """The tags that every version bears."""
    return {
        "project": "gauntlet",
        "phase": phase,
        "task": task,
        "status": "leaked" if leaked else "validated",
        "leaked": str(leaked).lower(),
        "dataset": dataset,
        "sensor_type": sensor_type,
        "source": source,
        "data_hash": data_hash,
        "git_commit": git_commit(),
        "seed": str(seed),
    }
