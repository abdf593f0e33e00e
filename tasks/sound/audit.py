"""The audit of clips: the split before training, and what would make the stated figures worthless."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gauntlet.tasks.audit import Finding, Origin, Part, Protocol, Replay, audit_claims, guard
from gauntlet.tasks.sound.evaluate import SoundJudgement
from gauntlet.tasks.sound.featurize import Clips
from gauntlet.tasks.sound.featurize.table import SoundTable
from gauntlet.tasks.sound.gauntlets import SUPERVISED
from gauntlet.tasks.sound.split import Split, recording_folds, recording_groups
from gauntlet.tasks.sound.train import TrainedSoundModel

REPLAYED = 400


def audit(prepared: Clips) -> tuple[Finding, ...]:
    """What makes the split worthless before anything is trained; raises `Leak` unless that is allowed."""
    return guard(audit_claims(_protocol(prepared.table, prepared.parts)), prepared.request.allow_leakage)


def _protocol(table: SoundTable, parts: Split, replays: Sequence[Replay] = ()) -> Protocol:
    """The evidence. A copy of a clip shows in every fifth feature too, and comparing all takes minutes."""
    values = table.values[:, ::5] if not replays else None
    train = np.concatenate([one.train for one in parts.parts])
    test = np.concatenate([one.test for one in parts.parts])
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


def audit_result(
    prepared: Clips, trained: Sequence[TrainedSoundModel], _judgement: SoundJudgement
) -> tuple[Finding, ...]:
    """What would make the stated figures worthless; raises `Leak` unless that is allowed."""
    table, parts = prepared.table, prepared.parts
    test = np.concatenate([one.test for one in parts.parts])
    rows = test[:: max(1, len(test) // REPLAYED)]
    raw = table.frame().iloc[rows]
    replays = [
        Replay(one.candidate.name, one.scores[rows], one.model.decision_function(raw))
        for one in trained
        if one.candidate != SUPERVISED  # judged out of fold: the registered forest has seen these clips
    ]
    groups, clips, learn = recording_groups(table.rows), np.arange(len(table.rows)), recording_folds(table.rows) != 0
    grouped = Protocol(
        train=Part(ids=clips[learn], groups=groups[learn]), test=Part(ids=clips[~learn], groups=groups[~learn])
    )
    return guard(
        (*audit_claims(_protocol(table, parts, replays)), *audit_claims(grouped)), prepared.request.allow_leakage
    )
