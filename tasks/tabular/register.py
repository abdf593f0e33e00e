"""What the process gauntlet puts beside its models: names of features, configuration of sensors, audit, reference."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from gauntlet.datasets import ai4i
from gauntlet.tasks.audit import Finding
from gauntlet.tasks.registry.key import work_key
from gauntlet.tasks.registry.register import Entry, parquet, version_tags
from gauntlet.tasks.report.result import format_metric
from gauntlet.tasks.result import Row
from gauntlet.tasks.tabular import figures as pictures
from gauntlet.tasks.tabular.load import Judgement, ProcessTable, Trained, held_back
from gauntlet.tasks.tabular.report import PROTOCOL
from gauntlet.tasks.tabular.train import Prices


def _files(trained: Trained, table: ProcessTable, findings: Sequence[Finding], report: str) -> dict[str, bytes]:
    held = held_back(table)
    features = trained.pipeline[:-1].transform(table.X[~held])
    rows = table.X.assign(**{ai4i.SPEC.target: table.y})
    sensors = "\n".join(f"column: {column}" for column in table.X.columns)
    audit = {"findings": [asdict(one) for one in findings], "allowed": bool(findings)}
    return {
        "feature_names.txt": "\n".join(features.columns).encode(),
        "sensor_config.txt": f"dataset: {ai4i.SPEC.name}\nsource: {table.source}\n{sensors}\n".encode(),
        "audit.json": json.dumps(audit, indent=1).encode(),
        "reference.parquet": parquet(features.assign(**{ai4i.SPEC.target: table.y[~held]})),
        # What a challenger is trained on beside new rows, and what no model is ever fitted on.
        "training.parquet": parquet(rows[~held]),
        "evaluation.parquet": parquet(rows[held]),
        "report.html": report.encode(),
    }


def _description(row: Row, table: ProcessTable, leaked: bool) -> str:
    figures = ", ".join(f"{metric} {format_metric(row, metric)}" for metric in ("pr_auc", "f1", "recall", "precision"))
    warning = "LEAKED, NOT A RESULT. " if leaked else ""
    return (
        f"{warning}Announces the failure of a machining process from its settings and wear. "
        f"Data: {ai4i.SPEC.title}, {table.source}, {len(table.y):,} rows. Protocol: {PROTOCOL}. "
        f"Out of fold: {figures}. Needs the gauntlet package to be loaded."
    )


def entries(
    table: ProcessTable,
    trained: Sequence[Trained],
    judgement: Judgement,
    findings: Sequence[Finding],
    prices: Prices,
    seed: int,
    report: str,
    drawn: Mapping[str, bytes],
) -> list[Entry]:
    """The candidates as they go into the registry."""
    leaked = bool(findings)
    rows = {row.name: row for row in judgement.candidates}
    parameters = {"seed": seed, "prices": asdict(prices), "columns": list(table.X.columns), "source": table.source}
    shared = {name: drawn[name] for name in ("precision_recall.png", "roc.png")}
    return [
        Entry(
            name=one.candidate.name,
            key=work_key(table.sha256, {**parameters, "candidate": one.candidate.name}),
            pipeline=one.pipeline,
            rows=table.X.head(200),
            metrics=rows[one.candidate.name].metrics,
            parameters={
                "kind": one.candidate.kind,
                "features": one.candidate.features,
                "threshold": one.pipeline[-1].threshold_,
                "cheapest_threshold": one.pipeline[-1].cheapest_threshold_,
                "price_of_miss": prices.miss,
                "price_of_false_alarm": prices.false_alarm,
                "seed": seed,
            },
            tags=version_tags(
                phase="classification",
                task="failure-classification",
                dataset=ai4i.SPEC.name,
                sensor_type=ai4i.SPEC.sensor_type,
                source=table.source,
                data_hash=table.sha256,
                seed=seed,
                leaked=leaked,
            ),
            description=_description(rows[one.candidate.name], table, leaked),
            files=_files(one, table, findings, report),
            pictures={
                **shared,
                "confusion.png": pictures.confusion_matrix(one.candidate.name, judgement.answers[one.candidate.name]),
                "calibration.png": pictures.calibration(one.candidate.name, judgement.answers[one.candidate.name]),
            },
        )
        for one in trained
    ]
