"""SKAB: does a detector that knows only the healthy beginning notice what is done to a pump rig?

load ─> featurize ─> train (four detectors, side by side) ─> evaluate ─> audit result ─> build report
                                                                                              │
                    assign alias <─ register (four versions, side by side) <─ collect artifacts
"""

from __future__ import annotations

from pathlib import Path

from gauntlet.datasets.spec import Source
from gauntlet.flows._gauntlet import conclude, gauntlet_flow, gauntlet_run
from gauntlet.tasks.multivariate.audit import audit_result
from gauntlet.tasks.multivariate.evaluate import evaluate
from gauntlet.tasks.multivariate.featurize import featurize
from gauntlet.tasks.multivariate.gauntlets import SKAB
from gauntlet.tasks.multivariate.load import load
from gauntlet.tasks.multivariate.register import artifacts
from gauntlet.tasks.multivariate.report import story
from gauntlet.tasks.multivariate.train import train
from gauntlet.tasks.result import GauntletResult
from gauntlet.tasks.runtime.steps import step


@gauntlet_flow(SKAB)
def skab(
    data: Path | None = None, source: Source = "auto", seed: int = 7, allow_leakage: bool = False
) -> GauntletResult:
    """Fit four detectors on the beginning of each run, judge them by SKAB's own protocol, register them."""
    with gauntlet_run(SKAB, locals()) as run:
        prepared = step(featurize)(step(load)(SKAB, run.request))
        trained = step(train, run_name="train {candidate.name}").each(
            SKAB.candidates, prepared, seed, label="skab-training"
        )
        judgement = step(evaluate)(prepared, trained, seed)
        findings = step(audit_result)(prepared, trained, judgement)
        report = step(story, "build report")(prepared, trained, judgement)
        models = step(artifacts, "collect artifacts")(prepared, trained, judgement, report)
        return conclude(run, prepared, judgement, findings, report, models)
