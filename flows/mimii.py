"""MIMII: can a machine's fault be heard by what has only ever heard the machine in order?

load ─> featurize ─> split ─> audit ─> train (six candidates, side by side) ─> evaluate ─> audit-result ─> explain
                                                                                                             │
                                  crown <─ register (six versions, side by side) <─ report <─ draw <─────────┘
"""

from __future__ import annotations

from pathlib import Path

from prefect import flow, unmapped

from gauntlet.datasets.io.sound_file import Channel
from gauntlet.datasets.spec import Source
from gauntlet.flows._former import conclude, gauntlet_run, run_name, watched
from gauntlet.flows._workers import Workers
from gauntlet.tasks.models.sound_listener import CANDIDATES, FALSE_ALARM_RATE
from gauntlet.tasks.registry.former import crown, register
from gauntlet.tasks.result import GauntletResult
from gauntlet.tasks.runtime.former_steps import step
from gauntlet.tasks.runtime.settings import settings
from gauntlet.tasks.runtime.steps import say
from gauntlet.tasks.sound import load as sound
from gauntlet.tasks.sound import register as register_sound
from gauntlet.tasks.sound import report

EXPERIMENT = "Audio Gauntlet (MIMII)"
REGISTERED = tuple(candidate.name for candidate in CANDIDATES)

load = step(sound.load, "load")
featurize = step(sound.featurize, "featurize")
split = step(sound.split, "split")
audit = step(sound.audit, "audit")
train = step(sound.train, "train", run_name="train {candidate.kind}")
evaluate = step(sound.evaluate, "evaluate")
audit_result = step(sound.audit_result, "audit-result")
explain = step(report.explain, "explain")
tell = step(report.result, "tell")
draw = step(report.pictures_of, "draw")
write_report = step(report.write, "report")
prepare = step(register_sound.entries, "prepare")
register_one = step(register, "register", run_name="register {entry.name}", calls_server=True)
crown_best = step(crown, "crown", calls_server=True)


@flow(
    name="mimii",
    description=__doc__,
    flow_run_name=run_name,
    task_runner=Workers(),
)
def mimii(
    data: Path | None = None,
    source: Source = "auto",
    seed: int = 7,
    channel: Channel = 0,
    false_alarm_rate: float = FALSE_ALARM_RATE,
    allow_leakage: bool = False,
) -> GauntletResult:
    """Learn the normal sound of every machine, judge and register six models that are to hear its faults.

    Args:
        data: Folder of clips in MIMII's or DCASE 2020's layout, or of feature tables per SNR; empty for the published or
            simulated ones.
        source: auto takes real files where they are and otherwise simulates some; every result says which it was.
        seed: The same seed and data give the same figures, to the digit.
        channel: The microphone of the array that is listened to, counted from 0, or "mean" for all of them.
        false_alarm_rate: The share of normal clips that may alarm, from which each machine's threshold is set.
        allow_leakage: Go on in spite of the audit's findings; everything is then marked as leaked.
    """
    parameters = {"seed": seed, "source": source, "channel": channel, "false_alarm_rate": false_alarm_rate}
    with gauntlet_run("mimii", EXPERIMENT, parameters) as run:
        loaded = load(data, source, run.data_root, seed)
        say(f"found {loaded.set.found}")
        table = featurize(loaded, settings().state / "cache" / "sound", channel)
        parts = split(table)
        leaks = audit(table, parts, allow_leakage)
        shared = {"table": unmapped(table), "parts": unmapped(parts), "seed": unmapped(seed)}
        training = train.map(CANDIDATES, **shared, false_alarm_rate=unmapped(false_alarm_rate))
        trained = watched(training, "mimii-training")
        judgement = evaluate(table, parts, trained, seed, false_alarm_rate)
        findings = leaks + audit_result(table, parts, trained, allow_leakage)
        heard = explain(table, parts, judgement, trained)
        told = tell(table, judgement, parts, findings, seed, false_alarm_rate)
        drawn = draw(judgement, parts, table, heard)
        page = write_report(loaded, table, parts, judgement, trained, heard, told, drawn, run.facts)
        entries = prepare(table, parts, trained, judgement, findings, seed, false_alarm_rate, page, drawn)
        registering = register_one.map(
            entries, parent=unmapped(run.tracked), connection=unmapped(run.connection), key_file=unmapped(run.key_file)
        )
        versions = watched(registering, "mimii-registration")
        registered = crown_best(entries, versions, None if findings else told.best, run.connection, run.key_file)
        return conclude(run, told, registered, page)
