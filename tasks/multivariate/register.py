"""What goes into the registry: the detector of the newest run; refit it on a beginning of your own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import pandas as pd

from gauntlet.tasks.contract import Artifact, Story
from gauntlet.tasks.multivariate.evaluate import RunJudgement
from gauntlet.tasks.multivariate.featurize import Runs
from gauntlet.tasks.multivariate.train import TrainedDetector


def artifacts(
    prepared: Runs, trained: Sequence[TrainedDetector], _judgement: RunJudgement, _story: Story
) -> list[Artifact]:
    """The candidates as they go into the registry."""
    reference = pd.concat(prepared.baselines, ignore_index=True)
    newest = prepared.rig.runs[-1]
    return [
        Artifact(
            name=fit.candidate.name,
            model=fit.model,
            rows=newest.values.head(200),
            purpose=f"Tells anomalies of a rig from the healthy beginning of a run ({fit.setting.kind}).",
            features=list(reference.columns),
            sensors="\n".join(
                [f"fitted on: the beginning of {newest.name}", *(f"column: {name}" for name in fit.setting.sensors)]
            ),
            reference=reference,
            phase="anomaly",
            task="anomaly-detection",
            remark=f"Fitted on the beginning of {newest.name}: fit it anew on the beginning of each run.",
            figures=("f1", "far", "mar"),
            parameters={**asdict(fit.setting), "run": newest.name},
        )
        for fit in trained
    ]
