"""Forecasting: what will this sensor read, and how sure is that?

load ─> split ─> tune ─┬─> train (linear, LightGBM: fitted once) ──────────────────┬─> evaluate ─> audit
                       ├─> fit-anew (Prophet, ARIMA, smoothing: at each origin) ───┤
                       └─> baselines (naive, seasonal naive, drift) ───────────────┘      │
                                       crown <─ register (four versions or five) <─ report
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from prefect import flow, unmapped

from gauntlet.datasets.spec import Source
from gauntlet.flows._former import conclude, gauntlet_run, run_name, watched
from gauntlet.flows._workers import Workers
from gauntlet.tasks.forecasting import load as steps
from gauntlet.tasks.forecasting import register as register_forecasting
from gauntlet.tasks.forecasting import report
from gauntlet.tasks.forecasting.evaluate import Common
from gauntlet.tasks.forecasting.load import ONCE, REFERENCE, Models
from gauntlet.tasks.forecasting.register import ALWAYS, Told, names
from gauntlet.tasks.registry.former import crown, register
from gauntlet.tasks.result import GauntletResult
from gauntlet.tasks.runtime.former_steps import step
from gauntlet.tasks.runtime.settings import settings

EXPERIMENT = "Forecasting Models"
REGISTERED = tuple(names(REFERENCE)[kind] for kind in ALWAYS)  # and the champion, where it is none of these

load = step(steps.load, "load")
split = step(steps.part, "split")
tune = step(steps.tuned, "tune")
track_trials = step(register_forecasting.track_trials, "track-trials", calls_server=True)
baselines = step(steps.baselines, "baselines")
train = step(steps.train, "train", run_name="train {kind}")
fit_anew = step(steps.fit_anew, "fit-anew")
evaluate = step(steps.evaluate, "evaluate")
audit_result = step(steps.audit_result, "audit-result")
tell = step(report.result, "tell")
draw = step(report.pictures_of, "draw")
write_report = step(report.write, "report")
prepare = step(register_forecasting.entries, "prepare")
register_one = step(register, "register", run_name="register {entry.name}", calls_server=True)
crown_best = step(crown, "crown", calls_server=True)


@flow(
    name="forecasting",
    description=__doc__,
    flow_run_name=run_name,
    task_runner=Workers(),
)
def forecasting(
    data: Path | None = None,
    source: Source = "auto",
    seed: int = 7,
    horizons: Sequence[int] | None = None,
    frequency: str | None = None,
    models: Models = "auto",
    trials: int = 10,
    long: bool = False,
    allow_leakage: bool = False,
) -> GauntletResult:
    """Forecast any number of series by models of every kind, judge them from rolling origins, and register the best.

    Args:
        data: Folder of ETT*.csv (the published protocol), or folder or file of your own long table: id, time, value.
        source: auto takes ETT where it is and otherwise simulates sensors; every result says which it was.
        seed: The same seed and data give the same figures, to the digit.
        horizons: Steps ahead; empty for the published ones (ETT) or one season.
        frequency: Step of the grid, such as 1h or 15min; empty takes each series' usual step.
        models: "cheap" leaves out those that are fitted anew at every origin; "auto" does so beyond eight series.
        trials: How many settings of LightGBM and of Prophet are tried inside the training part.
        long: Also the quarter-hourly ETT files.
        allow_leakage: Go on in spite of the audit's findings; everything is then marked as leaked.
    """
    with gauntlet_run("forecasting", EXPERIMENT, {"seed": seed, "source": source, "trials": trials}) as run:
        workers = settings().workers
        found = load(data, source, run.data_root, steps.simulation(seed), frequency, long)
        panel = split(found, horizons, models, Common())
        tuned = tune(panel, trials, seed, steps.journal(settings().state, panel, trials, seed), workers)
        track_trials(tuned, run.tracked, run.connection)
        training = train.map(list(ONCE), panel=unmapped(panel), settings=unmapped(tuned), seed=unmapped(seed))
        learnt = watched(training, "forecasting-training")
        trained = [*baselines(panel), *learnt, *fit_anew(panel, tuned, workers)]
        judgement = evaluate(panel, trained, seed)
        findings = audit_result(panel, trained, judgement, allow_leakage)
        told = tell(panel, judgement, findings, seed)
        drawn = draw(panel, judgement)
        page = write_report(panel, judgement, tuned, told, drawn, run.facts)
        beside = Told(told.protocol, findings, seed, page, drawn)
        entries = prepare(panel, trained, judgement, told, tuned, beside)
        registering = register_one.map(
            entries, parent=unmapped(run.tracked), connection=unmapped(run.connection), key_file=unmapped(run.key_file)
        )
        versions = watched(registering, "forecasting-registration")
        registered = crown_best(entries, versions, None if findings else told.best, run.connection, run.key_file)
        return conclude(run, told, registered, page)
