"""MIMII: can a machine's fault be heard by what has only ever heard the machine in order?

load ─> featurize and split ─> audit ─> train (six candidates, side by side) ─> evaluate ─> audit result ─> build report
                                                                                                                 │
                       assign alias <─ register (six versions and the scaler, side by side) <─ collect artifacts <─┘
"""

from __future__ import annotations

from pathlib import Path

from gauntlet.datasets.io.sound_file import Channel
from gauntlet.datasets.spec import Source
from gauntlet.flows._gauntlet import conclude, gauntlet_flow, gauntlet_run, show_quarantine
from gauntlet.tasks.result import GauntletResult
from gauntlet.tasks.runtime.steps import step
from gauntlet.tasks.sound.audit import audit, audit_result
from gauntlet.tasks.sound.evaluate import evaluate
from gauntlet.tasks.sound.featurize import featurize
from gauntlet.tasks.sound.gauntlets import MIMII
from gauntlet.tasks.sound.load import load
from gauntlet.tasks.sound.register import artifacts
from gauntlet.tasks.sound.report import story
from gauntlet.tasks.sound.train import train


@gauntlet_flow(MIMII)
def mimii(
    data: Path | None = None,
    source: Source = "auto",
    seed: int = 7,
    channel: Channel = MIMII.default("channel"),
    false_alarm_rate: float = MIMII.default("false_alarm_rate"),
    allow_leakage: bool = False,
) -> GauntletResult:
    """Learn the normal sound of every machine, judge and register six models that are to hear its faults."""
    with gauntlet_run(MIMII, locals()) as run:
        loaded = step(load)(MIMII, run.request)
        prepared = step(featurize)(loaded)
        show_quarantine(run, prepared.summary.input.quarantined)
        leaks = step(audit)(prepared)
        training = step(train, run_name="train {candidate.kind}")
        trained = training.each(MIMII.candidates, prepared, seed, label="mimii-training")
        judgement = step(evaluate)(prepared, trained, seed)
        leaks += step(audit_result)(prepared, trained, judgement)
        report = step(story, "build report")(prepared, trained, judgement)
        models = step(artifacts, "collect artifacts")(prepared, trained, judgement, report)
        return conclude(run, prepared, judgement, leaks, report, models)
