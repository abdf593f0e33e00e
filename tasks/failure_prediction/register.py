"""Artifacts of a predictor of failures: names of features, sensors, reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from gauntlet.tasks.contract import Artifact, Story
from gauntlet.tasks.failure_prediction.evaluate import PredictorJudgement
from gauntlet.tasks.failure_prediction.featurize import PreparedRecord
from gauntlet.tasks.failure_prediction.train import TrainedPredictor

PURPOSE = {
    "status": "Tells whether a machine is NORMAL; judged here as a warning of failures",
    "residual": "Warns of a machine's failure by what its other sensors do not explain",
    "warning": "Warns of a machine's failure from what came before others",
}


def artifacts(
    prepared: PreparedRecord, trained: Sequence[TrainedPredictor], _: PredictorJudgement, __: Story
) -> list[Artifact]:
    """The candidates as they go into the registry: raw minutes in, the score and the warning out."""
    return [_artifact(predictor, prepared) for predictor in trained]


def _artifact(predictor: TrainedPredictor, prepared: PreparedRecord) -> Artifact:
    decisions, record, candidate = prepared.decisions, prepared.record, predictor.candidate
    columns = "\n".join(f"column: {column}" for column in record.table.values.columns)
    asked = prepared.features[decisions.asked]
    return Artifact(
        name=candidate.name,
        model=predictor.model,
        rows=record.table.values.head(200),
        purpose=f"{PURPOSE[candidate.question]}, within {record.question.horizon_h:g} h.",
        features=list(prepared.features.columns),
        sensors=f"interval: 60 s\n{columns}",
        reference=asked.assign(within_horizon=decisions.within_horizon[decisions.asked].astype(int)),
        phase="classification",
        task="failure-warning",
        remark="Feed it consecutive minutes, at least a day for all features.",
        figures=("pr_auc", "recall", "precision"),
        parameters={
            "kind": candidate.kind,
            "question": candidate.question,
            "threshold": predictor.model.threshold_,
            "most_rows": candidate.most_rows,
            **asdict(record.question),
        },
        identity={"question": asdict(record.question)},
    )
