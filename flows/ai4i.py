"""AI4I: which machining processes will fail?

load ─> audit ─> split ─> featurize ─> train (six candidates, side by side) ─> evaluate ─> audit result ─> build report
                                                                                                                │
                                                  assign alias <─ register (six versions, side by side) <─ collect artifacts
"""

from __future__ import annotations

from pathlib import Path

from gauntlet.datasets.spec import Source
from gauntlet.flows._gauntlet import conclude, gauntlet_flow, gauntlet_run
from gauntlet.tasks.result import GauntletResult
from gauntlet.tasks.runtime.steps import step
from gauntlet.tasks.tabular.audit import audit, audit_result
from gauntlet.tasks.tabular.evaluate import evaluate
from gauntlet.tasks.tabular.featurize import featurize
from gauntlet.tasks.tabular.gauntlets import AI4I, Columns
from gauntlet.tasks.tabular.load import load, split
from gauntlet.tasks.tabular.register import artifacts
from gauntlet.tasks.tabular.report import story
from gauntlet.tasks.tabular.train import train


@gauntlet_flow(AI4I)
def ai4i(
    data: Path | None = None,
    source: Source = "auto",
    seed: int = 7,
    columns: Columns = AI4I.default("columns"),
    allow_leakage: bool = False,
    price_of_miss: float = AI4I.default("price_of_miss"),
    price_of_false_alarm: float = AI4I.default("price_of_false_alarm"),
) -> GauntletResult:
    """Train, judge and register six classifiers of rare failures on the AI4I process table or on one in its format."""
    with gauntlet_run(AI4I, locals()) as run:
        table = step(load)(AI4I, run.request)
        leaks = step(audit)(table)
        prepared = step(featurize)(table, step(split)(table, seed))
        training = step(train, run_name="train {candidate.kind} {candidate.features}")
        trained = training.each(AI4I.candidates, prepared, seed, label="ai4i-training")
        judgement = step(evaluate)(prepared, trained, seed)
        leaks += step(audit_result, "audit result")(prepared, trained, judgement)
        report = step(story, "build report")(prepared, trained, judgement)
        models = step(artifacts, "collect artifacts")(prepared, trained, judgement, report)
        return conclude(run, prepared, judgement, leaks, report, models)
