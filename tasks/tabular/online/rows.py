"""Rows of a supervised table: read, scored, and the newest of them beside the rows that the champion learnt from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from gauntlet.blocks import DriftPolicy
from gauntlet.datasets.spec import Table
from gauntlet.tasks.loop.champion import Champion
from gauntlet.tasks.loop.contract import Batch, InputFile, Manifest, Scored, Window
from gauntlet.tasks.loop.portions import ALARM, LABEL, SCORE, labels_of, newest, unaltered
from gauntlet.tasks.loop.row_keys import digests, numbered
from gauntlet.tasks.runtime.connection import Connection
from gauntlet.tasks.runtime.tracking import servers

COLUMNS = ("score", "prediction", "label")


def read(file: InputFile, _: Champion, _latest_s: float, spec: Table, reader: Callable[..., Any]) -> Batch:
    """The rows of a file, with their labels where it has them.

    A row without a time is known by all that the file says of it but its label; equal ones are told apart by their number.
    """
    table = reader(file.path, labelled=False, content=file.content)
    labels = table.frame[spec.target].to_numpy(np.int64) if spec.target in table.frame else None
    named = [name for name in (*spec.identifiers, *spec.features) if name in table.frame]
    contents = digests(table.frame, named)
    return Batch(
        table.frame[list(spec.features)], labels, keys=numbered(contents), contents=contents, lines=table.lines
    )


def whole(batch: Batch, _waiting: pd.DataFrame | None, _: Champion) -> Batch:
    """The batch: rows that stand alone wait for no others."""
    return batch


def score(batch: Batch, champion: Champion) -> Scored:
    """The champion's features, scores and alarms of the rows."""
    return _scored(champion.loaded.model, batch.rows)


def _scored(model: Any, rows: pd.DataFrame) -> Scored:
    features = model[:-1].transform(rows)
    return Scored(features, model.predict_proba(rows)[:, 1], np.asarray(model.predict(rows)).astype(bool))


def windows(champion: Champion, policy: DriftPolicy, connection: Connection, target: str) -> list[Window]:
    """The newest scored rows and the reference, both through the champion as it is now; none before any scoring."""
    count = policy.window_rows
    with servers(connection):
        files = newest(connection, champion.gauntlet, count)
        parts = [rows for _, rows in unaltered(connection, files)]
    if not parts:
        return []
    training = champion.table("training.parquet")
    reference = _compared(champion, training.drop(columns=target), training[target].to_numpy())
    scored = pd.concat(parts, ignore_index=True).tail(count)
    labels = labels_of(scored)
    window = _compared(champion, scored.drop(columns=[SCORE, ALARM, LABEL], errors="ignore"), labels)
    features = tuple(name for name in reference.columns if name not in COLUMNS)
    key = _key(champion, files, count)
    return [Window(champion.gauntlet, champion, tuple(files), reference, window, features, key)]


def _compared(champion: Champion, rows: pd.DataFrame, labels: np.ndarray | None) -> pd.DataFrame:
    result = _scored(champion.loaded.model, rows)
    frame = result.features.reset_index(drop=True).assign(score=result.score, prediction=result.alarm.astype(int))
    return frame if labels is None else frame.assign(label=labels)


def _key(champion: Champion, files: Sequence[Manifest], rows: int) -> str:
    parts = [champion.label, str(rows), *(file.sha256 for file in files)]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()
