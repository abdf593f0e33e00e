"""AI4I: which machining processes will fail?

load ─> audit ─> split ─> featurize ─┬─> train (six candidates, side by side) ─┬─> evaluate ─> audit-result
                                     └─────────────────────────────────────────┘        │
                                           register (six versions, side by side) <─ report
                                                                └─> crown
"""

from __future__ import annotations

from pathlib import Path

from prefect import flow, unmapped

from gauntlet.datasets.spec import Source
from gauntlet.flows._gauntlet import conclude, gauntlet_run, run_name, watched
from gauntlet.flows._workers import Workers
from gauntlet.tasks.registry.register import crown, register
from gauntlet.tasks.result import GauntletResult
from gauntlet.tasks.runtime.steps import step
from gauntlet.tasks.tabular import load as process
from gauntlet.tasks.tabular import register as register_process
from gauntlet.tasks.tabular import report
from gauntlet.tasks.tabular.load import Columns
from gauntlet.tasks.tabular.train import CANDIDATES, Prices

EXPERIMENT = "Classification Gauntlet (AI4I)"
REGISTERED = tuple(candidate.name for candidate in CANDIDATES)

load = step(process.load, "load")
audit = step(process.audit, "audit")
split = step(process.split, "split")
featurize = step(process.featurize, "featurize")
train = step(process.train, "train", run_name="train {candidate.kind} {candidate.features}")
evaluate = step(process.evaluate, "evaluate")
audit_result = step(process.audit_result, "audit-result")
tell = step(report.result, "tell")
draw = step(report.pictures_of, "draw")
write_report = step(report.write, "report")
prepare = step(register_process.entries, "prepare")
register_one = step(register, "register", run_name="register {entry.name}", calls_server=True)
crown_best = step(crown, "crown", calls_server=True)


@flow(
    name="ai4i",
    description=__doc__,
    flow_run_name=run_name,
    task_runner=Workers(),
)
def ai4i(
    data: Path | None = None,
    source: Source = "auto",
    seed: int = 7,
    columns: Columns = "features",
    allow_leakage: bool = False,
    price_of_miss: float = 500.0,
    price_of_false_alarm: float = 25.0,
) -> GauntletResult:
    """Train, judge and register six classifiers of rare failures on the AI4I process table or on one in its format.

    Args:
        data: Folder or file of your own table in AI4I's format; empty for the published or the simulated one.
        source: auto takes the real file where it is and otherwise simulates one; every result says which it was.
        seed: The same seed and data give the same figures, to the digit.
        columns: "all" also feeds the columns that only exist because the failure is known; the audit then stops the run.
        allow_leakage: Go on in spite of the audit's findings; everything is then marked as leaked.
        price_of_miss: What a failure that nobody announced costs.
        price_of_false_alarm: What an inspection for nothing costs.
    """
    prices = Prices(price_of_miss, price_of_false_alarm)
    with gauntlet_run("ai4i", EXPERIMENT, {"seed": seed, "source": source, "columns": columns}) as run:
        table = load(data, source, run.data_root, seed, columns)
        leaks = audit(table, allow_leakage)
        folds = split(table, seed)
        features = featurize(table)
        shared = {"table": unmapped(table), "folds": unmapped(folds), "prices": unmapped(prices)}
        trained = watched(train.map(CANDIDATES, **shared, seed=unmapped(seed)), "ai4i-training")
        judgement = evaluate(table, folds, trained, prices, seed)
        findings = leaks + audit_result(table, features, folds, trained, allow_leakage)
        told = tell(table, judgement, findings, prices, seed)
        drawn = draw(judgement, trained, prices)
        page = write_report(table, judgement, told, drawn, run.facts)
        entries = prepare(table, trained, judgement, findings, prices, seed, page, drawn)
        registering = register_one.map(
            entries, parent=unmapped(run.tracked), connection=unmapped(run.connection), key_file=unmapped(run.key_file)
        )
        versions = watched(registering, "ai4i-registration")
        registered = crown_best(entries, versions, None if findings else told.best, run.connection, run.key_file)
        return conclude(run, told, registered, page)
