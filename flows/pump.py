"""Pump: will it break within the next hours, and by which sensors was it seen?

load ─> audit ─> split ─> featurize ─> train (five candidates, side by side) ─> evaluate ─> audit result ─> build report
                                                                                                                │
                                                 assign alias <─ register (five versions, side by side) <─ collect artifacts
"""

from __future__ import annotations

from pathlib import Path

from gauntlet.datasets.spec import Source
from gauntlet.flows._gauntlet import conclude, gauntlet_flow, gauntlet_run
from gauntlet.tasks.failure_prediction.audit import audit, audit_result
from gauntlet.tasks.failure_prediction.evaluate import evaluate
from gauntlet.tasks.failure_prediction.featurize import featurize
from gauntlet.tasks.failure_prediction.gauntlets import PUMP
from gauntlet.tasks.failure_prediction.load import load
from gauntlet.tasks.failure_prediction.register import artifacts
from gauntlet.tasks.failure_prediction.report import story
from gauntlet.tasks.failure_prediction.split import split
from gauntlet.tasks.failure_prediction.train import train
from gauntlet.tasks.result import GauntletResult
from gauntlet.tasks.runtime.steps import step


@gauntlet_flow(PUMP)
def pump(
    data: Path | None = None,
    source: Source = "auto",
    seed: int = 7,
    horizon_h: float = PUMP.default("horizon_h"),
    allow_leakage: bool = False,
    price_of_miss: float = PUMP.default("price_of_miss"),
    price_of_false_alarm: float = PUMP.default("price_of_false_alarm"),
) -> GauntletResult:
    """Train, judge and register five candidates that are to warn of a pump's failures."""
    with gauntlet_run(PUMP, locals()) as run:
        record = step(load)(PUMP, run.request)
        leaks = step(audit)(record)
        prepared = step(featurize)(record, step(split)(record))
        training = step(train, run_name="train {candidate.name}")
        trained = training.each(PUMP.candidates, prepared, seed, label="pump-training")
        judgement = step(evaluate)(prepared, trained, seed)
        leaks += step(audit_result, "audit result")(prepared, trained, judgement)
        report = step(story, "build report")(prepared, trained, judgement)
        models = step(artifacts, "collect artifacts")(prepared, trained, judgement, report)
        return conclude(run, prepared, judgement, leaks, report, models)
