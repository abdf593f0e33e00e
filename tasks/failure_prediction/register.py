"""What goes into the registry: raw minutes in, the score and the warning out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from gauntlet.tasks.contract import Artifact, Story
from gauntlet.tasks.failure_prediction.evaluate import WarningJudgement
from gauntlet.tasks.failure_prediction.featurize import Record
from gauntlet.tasks.failure_prediction.train import TrainedWarner

PURPOSES = {
    "status": "Tells whether a pump is NORMAL; judged here as a warning of failures",
    "residual": "Warns of a pump's failure by what its other sensors do not explain",
    "warning": "Warns of a pump's failure from what came before others",
}


def artifacts(
    prepared: Record, trained: Sequence[TrainedWarner], _judgement: WarningJudgement, _story: Story
) -> list[Artifact]:
    """The candidates as they go into the registry."""
    table, decisions, question = prepared.table, prepared.decisions, prepared.question
    reference = decisions.features[decisions.asked].copy().assign(soon=decisions.soon[decisions.asked].astype(int))
    sensors = "\n".join(["interval: 60 s", *(f"column: {column}" for column in table.values.columns)])
    return [
        Artifact(
            name=one.candidate.name,
            model=one.model,
            rows=table.values.head(200),
            purpose=f"{PURPOSES[one.candidate.question]}, within {question.horizon_h:g} h.",
            features=list(decisions.features.columns),
            sensors=sensors,
            reference=reference,
            phase="classification",
            task="failure-warning",
            remark="Feed it consecutive minutes, at least a day for all features.",
            figures=("pr_auc", "recall", "precision"),
            parameters={
                "kind": one.candidate.kind,
                "question": one.candidate.question,
                "limit": one.model.threshold_,
                "most_rows": one.candidate.most_rows,
                **asdict(question),
            },
            identity={"question": asdict(question), "prices": asdict(prepared.prices)},
        )
        for one in trained
    ]
