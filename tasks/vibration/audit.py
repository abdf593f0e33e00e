"""The audit of the vibration gauntlets: past before future, files behind every row, a fault in the evaluated span."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gauntlet.tasks.audit import Finding, Flagged, Origin, Part, Protocol, Replay, audit_claims, guard
from gauntlet.tasks.vibration.assemble import PreparedLives
from gauntlet.tasks.vibration.candidates import PARAMETERS
from gauntlet.tasks.vibration.evaluate import AlarmJudgement
from gauntlet.tasks.vibration.featurize.table import FeatureTable
from gauntlet.tasks.vibration.lives import Life
from gauntlet.tasks.vibration.load import VibrationData
from gauntlet.tasks.vibration.train import TrainedHealth


def audit(prepared: PreparedLives) -> tuple[Finding, ...]:
    """What makes these rows worthless to judge a detector by; raises `Leak` unless that is allowed."""
    data, tables, lives = prepared.data, prepared.tables, prepared.lives
    found: list[Finding] = []
    for life in lives:
        found += audit_claims(Protocol(train=_part(life, True), test=_part(life, False), forward=True))
    return guard(
        (*dict.fromkeys(found), *audit_claims(_files(data, tables)), *_faults(lives)), prepared.request.allow_leakage
    )


def _part(life: Life, healthy: bool) -> Part:
    rows = slice(0, life.healthy) if healthy else slice(life.healthy, None)
    return Part(ids=life.index[rows], times=life.seconds[rows])


def _files(data: VibrationData, tables: Sequence[FeatureTable]) -> Protocol:
    """Every row stands for a file that was read; where files failed, the features must not look like random numbers."""
    found = [str(file.path) for run in data.runs for file in run.files]
    bad = {str(one.path) for table in tables for one in table.quarantine}
    paths = {table.run.name: {file.index: str(file.path) for file in table.run.files} for table in tables}
    samples = [paths[table.run.name][int(i)] for table in tables for i in table.index]
    features = np.concatenate([table.values[:, 0, :] for table in tables])
    origin = Origin(found=found, read=[one for one in found if one not in bad], of_samples=samples, features=features)
    return Protocol(source=data.source, origin=origin)


def _faults(lives: Sequence[Life]) -> tuple[Finding, ...]:
    """A finding when the ends of these machines are known and not one row is of a failing one."""
    known = [labels for life in lives if (labels := life.labels) is not None]
    if not known or any(life.fails for life in lives):
        return ()
    return audit_claims(Protocol(test=Part(labels=np.concatenate(known))))


def audit_result(
    prepared: PreparedLives, trained: Sequence[TrainedHealth], judgement: AlarmJudgement
) -> tuple[Finding, ...]:
    """What would make the stated figures worthless; raises `Leak` unless that is allowed."""
    lives = prepared.lives
    found: list[Finding] = []
    for fit in trained:
        some = lives[0].rows.iloc[:200]
        replay = Replay(fit.candidate.name, fit.scores[lives[0].machine][:200], fit.model.decision_function(some))
        found += audit_claims(replace(_alarms(lives, fit, judgement), replays=[replay]))
    return guard(tuple(dict.fromkeys(found)), prepared.request.allow_leakage)


def _alarms(lives: Sequence[Life], health: TrainedHealth, judgement: AlarmJudgement) -> Protocol:
    """The rows in alarm of the lives whose labels are known, for a detector that was given a rate."""
    known = [(life, labels) for life in lives if (labels := life.labels) is not None]
    parameters = PARAMETERS.get(health.candidate.kind)
    if not parameters or not known:
        return Protocol()
    flags = []
    for life, _ in known:
        active = np.zeros(len(life.rows), bool)
        for event in judgement.answers[health.candidate.name].events[life.machine]:
            active[event.raised : event.cleared] = True
        flags.append(active[life.healthy :])
    labels = np.concatenate([labels[life.healthy :] for life, labels in known])
    train = Part(ids=np.arange(sum(life.healthy for life, _ in known)))
    return Protocol(train=train, test=Part(labels=labels), flagged=Flagged(np.concatenate(flags), parameters))
