"""Forecasting: what will this sensor read, and how sure is that?

load ─> split ─> tune ─┬─> train (linear, LightGBM: fitted once) ───────────────┬─> evaluate ─> audit result ─> build report
                       ├─> fit anew (Prophet, ARIMA, smoothing: at each origin) ┤                                  │
                       └─> baselines (naive, seasonal naive, drift) ────────────┘                                  │
                               assign alias <─ register (four versions or five) <─ collect artifacts <─────────────┘
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gauntlet.datasets.spec import Source
from gauntlet.flows._gauntlet import conclude, gauntlet_flow, gauntlet_run
from gauntlet.tasks.forecasting.audit import audit_result
from gauntlet.tasks.forecasting.evaluate import evaluate
from gauntlet.tasks.forecasting.featurize import Models, featurize, split, tuned
from gauntlet.tasks.forecasting.gauntlets import FORECASTING
from gauntlet.tasks.forecasting.load import load
from gauntlet.tasks.forecasting.register import artifacts, track_trials
from gauntlet.tasks.forecasting.report import story
from gauntlet.tasks.forecasting.train import ONCE, baselines, fit_anew, train
from gauntlet.tasks.result import GauntletResult
from gauntlet.tasks.runtime.steps import step


@gauntlet_flow(FORECASTING)
def forecasting(
    data: Path | None = None,
    source: Source = "auto",
    seed: int = 7,
    horizons: Sequence[int] | None = FORECASTING.default("horizons"),
    frequency: str | None = FORECASTING.default("frequency"),
    models: Models = FORECASTING.default("models"),
    trials: int = FORECASTING.default("trials"),
    long: bool = FORECASTING.default("long"),
    allow_leakage: bool = False,
) -> GauntletResult:
    """Forecast any number of series by models of every kind, judge them from rolling origins, and register the best."""
    with gauntlet_run(FORECASTING, locals()) as run:
        series = step(load)(FORECASTING, run.request)
        panel = step(split)(series)
        settings = step(tuned, "tune")(panel, run.request)
        step(track_trials, calls_server=True)(settings, run.tracked, run.connection)
        prepared = step(featurize)(series, panel, settings)
        once = [candidate for candidate in FORECASTING.candidates if candidate.kind in ONCE]
        training = step(train, run_name="train {candidate.kind}")
        learnt = training.each(
            sorted(once, key=lambda one: ONCE.index(one.kind)), prepared, seed, label="forecasting-training"
        )
        trained = [*step(baselines)(prepared), *learnt, *step(fit_anew)(prepared)]
        judgement = step(evaluate)(prepared, trained, seed)
        findings = step(audit_result)(prepared, trained, judgement)
        report = step(story, "build report")(prepared, trained, judgement)
        made = step(artifacts, "collect artifacts")(prepared, trained, judgement, report)
        return conclude(run, prepared, judgement, findings, report, made)
