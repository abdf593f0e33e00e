"""The audit of a process table: its features before training, and how the stated figures came to be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gauntlet.tasks.audit import (
    Finding,
    Fingerprint,
    Origin,
    Part,
    Protocol,
    Replay,
    audit_claims,
    audit_table,
    guard,
)
from gauntlet.tasks.tabular.evaluate import Classified
from gauntlet.tasks.tabular.featurize import ProcessRows
from gauntlet.tasks.tabular.load import ProcessTable
from gauntlet.tasks.tabular.train import TrainedClassifier


def audit(table: ProcessTable) -> tuple[Finding, ...]:
    """What makes these features worthless for this target; raises `Leak` unless that is allowed."""
    return guard(audit_table(table.X, table.y, table.spec), table.request.allow_leakage)


def audit_result(prepared: ProcessRows, trained: Sequence[TrainedClassifier], _: Classified) -> tuple[Finding, ...]:
    """What would make the stated figures worthless; raises `Leak` unless that is allowed."""
    table, features = prepared.table, prepared.features
    rows = np.arange(len(table.y))
    _repeat, train_rows, test_rows = next(iter(prepared.folds))
    name = str(table.path)
    protocol = Protocol(
        source=table.source,
        train=Part(ids=train_rows, features=features.iloc[train_rows]),
        test=Part(ids=test_rows, features=features.iloc[test_rows], labels=table.y[test_rows]),
        tuning=Part(ids=train_rows),
        replays=[_replay(classifier, table.X.iloc[rows[:200]]) for classifier in trained],
        origin=Origin(found=[name], read=[name], of_samples=[name] * len(table.y)),
        fingerprint=Fingerprint(table.columns, len(table.y), table.sha256),
        claimed=table.spec if table.published or table.source == "simulated" else None,
    )
    return guard(audit_claims(protocol), prepared.request.allow_leakage)


def _replay(trained: TrainedClassifier, raw: pd.DataFrame) -> Replay:
    """The registered object on raw rows against its parts in a row: nothing may be needed from outside of it."""
    inside = trained.model.predict_proba(raw)[:, 1]
    features = trained.model[:-1].transform(raw)
    return Replay(trained.candidate.name, trained.model[-1].predict_proba(features)[:, 1], inside)
