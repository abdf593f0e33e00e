"""The recipe that the three vibration gauntlets share; what differs between them is data (`gauntlet.tasks.vibration.gauntlets`)."""

from __future__ import annotations

from pathlib import Path

from prefect import unmapped

from gauntlet.datasets.spec import Source
from gauntlet.flows._former import conclude, gauntlet_run, quarantine_artifact, watched
from gauntlet.tasks.registry.former import crown, register
from gauntlet.tasks.result import GauntletResult
from gauntlet.tasks.runtime.former_steps import step
from gauntlet.tasks.runtime.settings import settings
from gauntlet.tasks.vibration import audit as auditing
from gauntlet.tasks.vibration import evaluate as judge
from gauntlet.tasks.vibration import load as loading
from gauntlet.tasks.vibration import pictures, report
from gauntlet.tasks.vibration import register as registration
from gauntlet.tasks.vibration.diagnosis import evidence
from gauntlet.tasks.vibration.gauntlets import VibrationGauntlet
from gauntlet.tasks.vibration.remaining_life import evaluate as remaining_life

load = step(loading.load, "load")
featurize = step(loading.featurize, "featurize", run_name="featurize {chunk.label}")
assemble = step(loading.assemble, "assemble")
audit = step(auditing.audit, "audit")
train = step(judge.train, "train", run_name="train {candidate.name}")
evaluate = step(judge.evaluate, "evaluate")
examine = step(evidence.examine, "diagnose", run_name="diagnose {table.run.name}")
estimate = step(remaining_life.remaining_life, "remaining-life")
audit_result = step(auditing.audit_result, "audit-result")
tell = step(report.result, "tell")
draw = step(pictures.pictures_of, "draw")
write_report = step(report.write, "report")
prepare = step(registration.entries, "prepare")
register_one = step(register, "register", run_name="register {entry.name}", calls_server=True)
crown_best = step(crown, "crown", calls_server=True)


def run_vibration(
    gauntlet: VibrationGauntlet, data: Path | None, source: Source, seed: int, allow_leakage: bool
) -> GauntletResult:
    """Load, featurize, audit, train, evaluate, diagnose, register."""
    cfg, name = settings(), gauntlet.name
    with gauntlet_run(name, gauntlet.experiment, {"seed": seed, "source": source}) as run:
        found = load(gauntlet, data, source, run.data_root, seed)
        cache = cfg.state / "cache" / "vibration"
        tables = watched(featurize.map(loading.cut(found), cache=unmapped(cache)), f"{name}-features")
        tables = assemble(tables, cfg.quarantine_limit)
        quarantine_artifact(run, loading.quarantined(found, tables))
        lives = loading.lives_of(found, tables)
        findings = audit(found, tables, lives, allow_leakage)
        trained, judgement = [], None
        if lives:
            training = train.map(gauntlet.candidates, lives=unmapped(lives), seed=unmapped(seed))
            trained = watched(training, f"{name}-training")
            judgement = evaluate(lives, trained, seed)
            findings += audit_result(lives, trained, judgement, allow_leakage)
        verdicts = judgement.answers[judgement.best].verdicts if judgement else {}
        shared = {"lives": unmapped(lives), "verdicts": unmapped(verdicts), "gauntlet": unmapped(gauntlet)}
        evidenced = watched(examine.map(tables, **shared), f"{name}-diagnosis")
        remaining = estimate(lives, verdicts) if gauntlet.remaining_life and lives else None
        told = tell(gauntlet, found, tables, lives, judgement, evidenced, remaining, findings, seed)
        drawn = draw(lives, trained, judgement, evidenced)
        page = write_report(gauntlet, told, evidenced, remaining, drawn, run.facts)
        entries = prepare(gauntlet, found, lives, trained, judgement, told, page, drawn)
        registered = ()
        if entries:
            registering = register_one.map(
                entries,
                parent=unmapped(run.tracked),
                connection=unmapped(run.connection),
                key_file=unmapped(run.key_file),
            )
            versions = watched(registering, f"{name}-registration")
            best = told.best if judgement and judgement.stated and not findings else None
            registered = crown_best(entries, versions, best, run.connection, run.key_file)
        return conclude(run, told, registered, page)
