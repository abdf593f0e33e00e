"""The audit of clips: the split before training, and how the stated figures came to be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gauntlet.tasks.audit import Finding, Origin, Part, Protocol, Replay, audit_claims, guard
from gauntlet.tasks.sound.evaluate import SoundJudgement
from gauntlet.tasks.sound.featurize import SoundFeatures
from gauntlet.tasks.sound.split import recording_folds, recording_groups
from gauntlet.tasks.sound.train import TrainedSound

REPLAYED = 400
EVERY = 5  # a copy of a clip shows in every fifth feature too, and comparing all takes minutes


def audit(prepared: SoundFeatures) -> tuple[Finding, ...]:
    """What makes the split worthless before anything is trained; raises `Leak` unless that is allowed."""
    return guard(audit_claims(_protocol(prepared)), prepared.request.allow_leakage)


def audit_result(
    prepared: SoundFeatures, trained: Sequence[TrainedSound], _judgement: SoundJudgement
) -> tuple[Finding, ...]:
    """What would make the stated figures worthless; raises `Leak` unless that is allowed."""
    table, judged = prepared.table, prepared.judged
    rows = judged[:: max(1, len(judged) // REPLAYED)]
    raw = prepared.rows(rows)
    replays = [
        Replay(model.candidate.name, model.scores[rows], model.model.decision_function(raw))
        for model in trained
        if not model.supervised  # judged out of fold: the registered forest has seen these clips
    ]
    groups, clips, training = recording_groups(table.rows), np.arange(len(table.rows)), recording_folds(table.rows) != 0
    grouped = Protocol(
        train=Part(ids=clips[training], groups=groups[training]),
        test=Part(ids=clips[~training], groups=groups[~training]),
    )
    findings = (*audit_claims(_protocol(prepared, replays)), *audit_claims(grouped))
    return guard(findings, prepared.request.allow_leakage)


def _protocol(prepared: SoundFeatures, replays: Sequence[Replay] = ()) -> Protocol:
    """The evidence: of the split with the features, of the figures with replayed scores."""
    table, train, test = prepared.table, prepared.learnt, prepared.judged
    values = table.values[:, ::EVERY] if not replays else None
    names = table.rows["file"].to_numpy()
    read = set(names)
    return Protocol(
        source=table.source,
        train=Part(ids=train, features=None if values is None else values[train]),
        test=Part(ids=test, features=None if values is None else values[test], labels=table.abnormal[test]),
        # Shrinkage, components, thresholds and the champion are chosen on these rows, block against block.
        tuning=Part(ids=train),
        replays=replays,
        origin=Origin(found=[*read, *(file for file, _ in table.quarantine)], read=list(read), of_samples=list(names)),
    )
