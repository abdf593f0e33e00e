"""SKAB: does a detector that knows only the healthy beginning notice what is done to a pump rig?

load ─> featurize ─> train (four detectors, side by side) ─> evaluate ─> audit-result
                        register (four versions, side by side) <─ report ─┘
                                             └─> crown
"""

from __future__ import annotations

from pathlib import Path

from prefect import flow, unmapped

from gauntlet.datasets.spec import Source
from gauntlet.flows._former import conclude, gauntlet_run, run_name, watched
from gauntlet.flows._workers import Workers
from gauntlet.tasks.multivariate import load as rig
from gauntlet.tasks.multivariate import register as register_rig
from gauntlet.tasks.multivariate import report
from gauntlet.tasks.registry.former import crown, register
from gauntlet.tasks.result import GauntletResult
from gauntlet.tasks.runtime.former_steps import step

EXPERIMENT = "Anomaly Gauntlet (SKAB)"
REGISTERED = tuple(rig.NAMES)

load = step(rig.load, "load")
featurize = step(rig.featurize, "featurize")
train = step(rig.train, "train", run_name="train {name}")
evaluate = step(rig.evaluate, "evaluate")
audit_result = step(rig.audit_result, "audit-result")
tell = step(report.result, "tell")
draw = step(report.pictures_of, "draw")
write_report = step(report.write, "report")
prepare = step(register_rig.entries, "prepare")
register_one = step(register, "register", run_name="register {entry.name}", calls_server=True)
crown_best = step(crown, "crown", calls_server=True)


@flow(
    name="skab",
    description=__doc__,
    flow_run_name=run_name,
    task_runner=Workers(),
)
def skab(
    data: Path | None = None, source: Source = "auto", seed: int = 7, allow_leakage: bool = False
) -> GauntletResult:
    """Fit four detectors on the beginning of each run, judge them by SKAB's own protocol, register them.

    Args:
        data: Folder of your own runs in SKAB's format; empty for the published or the simulated ones.
        source: auto takes the real files where they are and otherwise simulates; every result says which it was.
        seed: The same seed and data give the same figures, to the digit.
        allow_leakage: Go on in spite of the audit's findings; everything is then marked as leaked.
    """
    with gauntlet_run("skab", EXPERIMENT, {"seed": seed, "source": source}) as run:
        runs = load(data, source, run.data_root, seed)
        beginnings = featurize(runs)
        trained = train.map(list(REGISTERED), unmapped(runs), unmapped(beginnings))
        detections = watched(trained, "skab-training")
        judgement = evaluate(runs, detections, seed)
        findings = audit_result(runs, detections, allow_leakage)
        told = tell(runs, judgement, findings, seed)
        drawn = draw(runs, detections, judgement)
        page = write_report(runs, beginnings, detections, judgement, told, drawn, run.facts)
        entries = prepare(runs, beginnings, detections, judgement, findings, seed, page, drawn)
        registering = register_one.map(
            entries, parent=unmapped(run.tracked), connection=unmapped(run.connection), key_file=unmapped(run.key_file)
        )
        versions = watched(registering, "skab-registration")
        registered = crown_best(entries, versions, None if findings else told.best, run.connection, run.key_file)
        return conclude(run, told, registered, page)
