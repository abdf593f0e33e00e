"""The recipe that the two sensor gauntlets share; what differs between them is data (`gauntlet.tasks.sensors.load.StreamGauntlet`)."""

from __future__ import annotations

from pathlib import Path

from prefect import unmapped
from prefect.artifacts import create_table_artifact

from gauntlet.datasets.spec import Source
from gauntlet.flows._former import conclude, gauntlet_run, watched
from gauntlet.tasks.registry.former import crown, register
from gauntlet.tasks.result import GauntletResult
from gauntlet.tasks.runtime.former_steps import step
from gauntlet.tasks.sensors import load as streams
from gauntlet.tasks.sensors import quality as sensor_quality
from gauntlet.tasks.sensors import register as register_stream
from gauntlet.tasks.sensors import report
from gauntlet.tasks.sensors.load import StreamGauntlet

load = step(streams.load, "load")
audit = step(streams.audit, "audit")
assess = step(sensor_quality.assess, "quality")
train = step(streams.train, "train", run_name="train {candidate.name}")
evaluate = step(streams.evaluate, "evaluate")
audit_result = step(streams.audit_result, "audit-result")
tell = step(report.result, "tell")
draw = step(report.pictures_of, "draw")
write_report = step(report.write, "report")
prepare = step(register_stream.entries, "prepare")
register_one = step(register, "register", run_name="register {entry.name}", calls_server=True)
crown_best = step(crown, "crown", calls_server=True)


def run_streams(
    gauntlet: StreamGauntlet, data: Path | None, source: Source, seed: int, allow_leakage: bool, with_quality: bool
) -> GauntletResult:
    """Load, audit, judge the data where asked to, train, evaluate, register."""
    name = gauntlet.name
    with gauntlet_run(name, gauntlet.experiment, {"seed": seed, "source": source}) as run:
        read = load(gauntlet, data, source, run.data_root, seed)
        create_table_artifact(
            sensor_quality.sensor_rows(read), key=f"{name}-sensors", description="Configuration of the sensors"
        )
        leaks = audit(read, allow_leakage)
        quality = assess(read, seed) if with_quality else None
        if quality is not None:
            description = f"Data quality score {quality.score:.1f} %"
            create_table_artifact(quality.rows(), key=f"{name}-quality", description=description)
        training = train.map(gauntlet.candidates, streams=unmapped(read), seed=unmapped(seed))
        trained = watched(training, f"{name}-training")
        judgement = evaluate(gauntlet, read, trained, seed)
        findings = leaks + audit_result(read, trained, judgement, allow_leakage)
        told = tell(gauntlet, read, judgement, quality, findings, seed)
        drawn = draw(read, judgement, quality)
        page = write_report(gauntlet, read, judgement, quality, told, drawn, run.facts)
        entries = prepare(read, trained, judgement, quality, told, page, drawn)
        registering = register_one.map(
            entries, parent=unmapped(run.tracked), connection=unmapped(run.connection), key_file=unmapped(run.key_file)
        )
        versions = watched(registering, f"{name}-registration")
        best = told.best if judgement.stated and not findings else None
        registered = crown_best(entries, versions, best, run.connection, run.key_file)
        return conclude(run, told, registered, page)
