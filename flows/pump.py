"""Pump: will it break within the next hours, and who said so?

load ─> featurize ─> train (five candidates, side by side) ─> evaluate ─> audit-result
                         register (five versions, side by side) <─ report ─┘
                                              └─> crown
"""

from __future__ import annotations

from pathlib import Path

from prefect import flow, unmapped

from gauntlet.datasets.spec import Source
from gauntlet.flows._former import conclude, gauntlet_run, run_name, watched
from gauntlet.flows._workers import Workers
from gauntlet.tasks.failure_prediction import evaluate as pump_judgement
from gauntlet.tasks.failure_prediction import load as pumps
from gauntlet.tasks.failure_prediction import register as register_pump
from gauntlet.tasks.failure_prediction import report
from gauntlet.tasks.failure_prediction import slices as pump_slice
from gauntlet.tasks.failure_prediction.load import Question
from gauntlet.tasks.failure_prediction.train import CANDIDATES
from gauntlet.tasks.metrics.prices import Prices
from gauntlet.tasks.registry.former import crown, register
from gauntlet.tasks.result import GauntletResult
from gauntlet.tasks.runtime.former_steps import step

EXPERIMENT = "Classification Gauntlet (Pump)"
REGISTERED = tuple(candidate.name for candidate in CANDIDATES)

load = step(pumps.load, "load")
featurize = step(pumps.featurize, "featurize")
train = step(pumps.train, "train", run_name="train {candidate.name}")
evaluate = step(pump_judgement.evaluate, "evaluate")
audit_result = step(pump_judgement.audit_result, "audit-result")
score_slices = step(pump_slice.score_slices, "score-slices")
tell = step(report.result, "tell")
draw = step(report.pictures_of, "draw")
write_report = step(report.write, "report")
prepare = step(register_pump.entries, "prepare")
register_one = step(register, "register", run_name="register {entry.name}", calls_server=True)
crown_best = step(crown, "crown", calls_server=True)


@flow(
    name="pump",
    description=__doc__,
    flow_run_name=run_name,
    task_runner=Workers(),
)
def pump(
    data: Path | None = None,
    source: Source = "auto",
    seed: int = 7,
    horizon_h: float = 24.0,
    allow_leakage: bool = False,
    price_of_miss: float = 20_000.0,
    price_of_false_alarm: float = 500.0,
) -> GauntletResult:
    """Train, judge and register five candidates that are to warn of a pump's failures.

    Args:
        data: Folder or file of your own table: a time column, sensors, a status; empty for the published or simulated one.
        source: auto takes the real file where it is and otherwise simulates one; every result says which it was.
        seed: The same seed and data give the same figures, to the digit.
        horizon_h: A row is positive when the machine breaks within this many hours.
        allow_leakage: Go on in spite of the audit's findings; everything is then marked as leaked.
        price_of_miss: What a failure without a warning costs.
        price_of_false_alarm: What an inspection for nothing costs.
    """
    prices, question = Prices(price_of_miss, price_of_false_alarm), Question(horizon_h)
    with gauntlet_run("pump", EXPERIMENT, {"seed": seed, "source": source, "horizon_h": horizon_h}) as run:
        table = load(data, source, run.data_root, seed)
        decisions = featurize(table, question)
        shared = {"table": unmapped(table), "decisions": unmapped(decisions), "question": unmapped(question)}
        trained = watched(train.map(CANDIDATES, **shared, seed=unmapped(seed)), "pump-training")
        judgement = evaluate(table, decisions, trained, question, prices, seed)
        findings = audit_result(table, decisions, trained, question, allow_leakage)
        slices = score_slices(run.data_root)
        told = tell(table, judgement, findings, question, seed)
        drawn = draw(decisions, trained, judgement, question, prices)
        page = write_report(table, judgement, slices, told, drawn, run.facts)
        entries = prepare(
            table, decisions, trained, judgement, findings, question, prices, seed, page, drawn
        )  # fmt: skip
        registering = register_one.map(
            entries, parent=unmapped(run.tracked), connection=unmapped(run.connection), key_file=unmapped(run.key_file)
        )
        versions = watched(registering, "pump-registration")
        registered = crown_best(entries, versions, None if findings else told.best, run.connection, run.key_file)
        return conclude(run, told, registered, page)
