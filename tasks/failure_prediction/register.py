"""What the pump gauntlet puts beside its models: names of features, sensors, audit, reference."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from gauntlet.datasets import pump
from gauntlet.datasets.pump import Pump
from gauntlet.tasks.audit import Finding
from gauntlet.tasks.failure_prediction.evaluate import Judgement
from gauntlet.tasks.failure_prediction.load import Decisions, Question, Trained
from gauntlet.tasks.failure_prediction.report import PROTOCOL
from gauntlet.tasks.metrics.prices import Prices
from gauntlet.tasks.registry.files import parquet
from gauntlet.tasks.registry.former import Entry
from gauntlet.tasks.registry.key import work_key
from gauntlet.tasks.registry.submission import version_tags
from gauntlet.tasks.report.result import format_metric


def entries(
    table: Pump,
    decisions: Decisions,
    trained: Sequence[Trained],
    judgement: Judgement,
    findings: Sequence[Finding],
    question: Question,
    prices: Prices,
    seed: int,
    report: str,
    drawn: Mapping[str, bytes],
) -> list[Entry]:
    """The candidates as they go into the registry: raw minutes in, the score and the warning out."""
    leaked = bool(findings)
    rows = {row.name: row for row in judgement.candidates}
    settings = {"seed": seed, "question": asdict(question), "prices": asdict(prices), "source": table.source}
    audit = {"findings": [asdict(one) for one in findings], "allowed": leaked}
    sensors = "\n".join(f"column: {column}" for column in table.values.columns)
    reference = parquet(
        decisions.features[decisions.asked].copy().assign(soon=decisions.soon[decisions.asked].astype(int))
    )
    files = {
        "feature_names.txt": "\n".join(decisions.features.columns).encode(),
        "sensor_config.txt": f"dataset: {pump.SPEC.name}\nsource: {table.source}\ninterval: 60 s\n{sensors}\n".encode(),
        "audit.json": json.dumps(audit, indent=1).encode(),
        "reference.parquet": reference,
        "report.html": report.encode(),
    }
    return [
        Entry(
            name=one.candidate.name,
            key=work_key(table.sha256, {**settings, "candidate": one.candidate.name}),
            pipeline=one.pipeline,
            rows=table.values.head(200),
            metrics=rows[one.candidate.name].metrics,
            parameters={
                "kind": one.candidate.kind,
                "question": one.candidate.question,
                "limit": one.pipeline[-1].limit,
                "most_rows": one.candidate.most_rows,
                **asdict(question),
                "seed": seed,
            },
            tags=version_tags(
                phase="classification", task="failure-warning", dataset=pump.SPEC.name,
                sensor_type=pump.SPEC.sensor_type, source=table.source, data_hash=table.sha256, seed=seed, leaked=leaked,
            ),
            description=_description(one, judgement, table, question, leaked),
            files=files,
            pictures={name: png for name, png in drawn.items() if name in _SHARED or name.startswith("sensors_")},
        )
        for one in trained
    ]  # fmt: skip


_SHARED = ("timeline.png", "cost.png")


def _description(one: Trained, judgement: Judgement, table: Pump, question: Question, leaked: bool) -> str:
    row = next(row for row in judgement.candidates if row.name == one.candidate.name)
    figures = ", ".join(f"{metric} {format_metric(row, metric)}" for metric in ("pr_auc", "recall", "precision"))
    asks = {
        "status": "Tells whether a pump is NORMAL; judged here as a warning of failures",
        "residual": "Warns of a pump's failure by what its other sensors do not explain",
        "warning": "Warns of a pump's failure from what came before others",
    }[one.candidate.question]
    return (
        f"{'LEAKED, NOT A RESULT. ' if leaked else ''}{asks}, within {question.horizon_h:g} h. Data: {pump.SPEC.title}, "
        f"{table.source}, {len(table.time):,} minutes, {len(table.failures)} failures. Protocol: {PROTOCOL}. {figures}. "
        "Feed it consecutive minutes, at least a day for all features. Needs the gauntlet package to be loaded."
    )
