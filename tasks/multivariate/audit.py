"""The audit of runs: every choice was made on rows before the end of a baseline."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gauntlet.datasets.skab import BEGINNING
from gauntlet.tasks.audit import Finding, Origin, Part, Protocol, Replay, audit_claims, guard
from gauntlet.tasks.multivariate.evaluate import RunJudgement
from gauntlet.tasks.multivariate.featurize import Runs
from gauntlet.tasks.multivariate.train import TrainedDetector


def audit_result(prepared: Runs, trained: Sequence[TrainedDetector], _judgement: RunJudgement) -> tuple[Finding, ...]:
    """What would make the stated figures worthless; raises `Leak` unless that is allowed.

    A row's id is its run and place: every choice was made on places before `BEGINNING`.
    """
    rig = prepared.rig
    ids = np.array([f"{run.name}:{place}" for run in rig.runs for place in range(len(run.values))])
    early = np.concatenate([np.arange(len(run.values)) < BEGINNING for run in rig.runs])
    labels = np.concatenate([run.anomaly for run in rig.runs])
    names = [str(rig.path / f"{run.name}.csv") for run in rig.runs]
    last = rig.runs[-1].values
    protocol = Protocol(
        source=rig.source,
        train=Part(ids=ids[early]),
        test=Part(ids=ids[~early], labels=labels[~early].astype(int)),
        tuning=Part(ids=ids[early]),
        replays=[
            Replay(fit.candidate.name, fit.answers[-1].flagged, fit.model.predict(last)[BEGINNING:] > 0)
            for fit in trained
        ],
        origin=Origin(found=names, read=names),
    )
    return guard(audit_claims(protocol), prepared.request.allow_leakage)
