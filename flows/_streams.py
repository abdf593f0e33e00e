"""The recipe that the two sensor gauntlets share; what differs between them is data (`tasks.sensors.gauntlets`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefect.artifacts import create_table_artifact

from gauntlet.flows._gauntlet import conclude, gauntlet_run
from gauntlet.tasks.result import GauntletResult
from gauntlet.tasks.runtime.steps import step
from gauntlet.tasks.sensors.audit import audit, audit_result
from gauntlet.tasks.sensors.evaluate import evaluate
from gauntlet.tasks.sensors.featurize import featurize
from gauntlet.tasks.sensors.gauntlets import SensorGauntlet
from gauntlet.tasks.sensors.load import load
from gauntlet.tasks.sensors.quality import assess, sensor_rows
from gauntlet.tasks.sensors.register import artifacts
from gauntlet.tasks.sensors.report import story
from gauntlet.tasks.sensors.train import train


def run_streams(gauntlet: SensorGauntlet, parameters: Mapping[str, Any]) -> GauntletResult:
    """Load, audit, assess the data where asked to, train, evaluate, register."""
    name, seed = gauntlet.name, parameters["seed"]
    with gauntlet_run(gauntlet, parameters) as run:
        streams = step(load)(gauntlet, run.request)
        create_table_artifact(sensor_rows(streams), key=f"{name}-sensors", description="Configuration of the sensors")
        findings = step(audit)(streams)
        quality = step(assess, "assess quality")(streams, seed) if gauntlet.with_quality else None
        if quality is not None:
            description = f"Data quality score {quality.score:.1f} %"
            create_table_artifact(quality.rows(), key=f"{name}-quality", description=description)
        prepared = step(featurize)(streams, quality)
        training = step(train, run_name="train {candidate.name}")
        trained = training.each(gauntlet.candidates, prepared, seed, label=f"{name}-training")
        judgement = step(evaluate)(prepared, trained, seed)
        findings += step(audit_result)(prepared, trained, judgement)
        report = step(story, "build report")(prepared, trained, judgement)
        models = step(artifacts, "collect artifacts")(prepared, trained, judgement, report)
        return conclude(run, prepared, judgement, findings, report, models)
