"""The recipe that the three vibration gauntlets share; what differs between them is data (their rows of the table)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gauntlet.flows._gauntlet import conclude, gauntlet_run, show_quarantine
from gauntlet.tasks.result import GauntletResult
from gauntlet.tasks.runtime.steps import step
from gauntlet.tasks.vibration.assemble import assemble
from gauntlet.tasks.vibration.audit import audit, audit_result
from gauntlet.tasks.vibration.definition import VibrationGauntlet
from gauntlet.tasks.vibration.evaluate import evaluate
from gauntlet.tasks.vibration.featurize import cut, featurize
from gauntlet.tasks.vibration.load import load
from gauntlet.tasks.vibration.machines import diagnose, estimate, judge_machines
from gauntlet.tasks.vibration.register import artifacts
from gauntlet.tasks.vibration.report import story
from gauntlet.tasks.vibration.train import train


def vibration_run(gauntlet: VibrationGauntlet, parameters: Mapping[str, Any]) -> GauntletResult:
    """Load, featurize, audit, train, evaluate, diagnose, register."""
    name = gauntlet.name
    with gauntlet_run(gauntlet, parameters) as run:
        found = step(load)(gauntlet, run.request)
        featurizing = step(featurize, run_name="featurize {chunk.label}")
        tables = featurizing.each(cut(found), run.request.cache / "vibration", label=f"{name}-features")
        prepared = step(assemble)(found, tables)
        show_quarantine(run, prepared.summary.input.quarantined)
        findings = step(audit)(prepared)
        training = step(train, run_name="train {candidate.name}")
        trained = training.each(prepared.candidates, prepared, run.request.seed, label=f"{name}-training")
        judged = step(evaluate)(prepared, trained, run.request.seed)
        findings += step(audit_result)(prepared, trained, judged)
        diagnosing = step(diagnose, run_name="diagnose {table.run.name}")
        evidence = diagnosing.each(prepared.tables, prepared, judged, label=f"{name}-diagnosis")
        remaining = step(estimate, "remaining life")(prepared, judged)
        judgement = step(judge_machines)(prepared, judged, evidence, remaining)
        report = step(story, "build report")(prepared, trained, judgement)
        models = step(artifacts, "collect artifacts")(prepared, trained, judgement, report)
        return conclude(run, prepared, judgement, findings, report, models)
