"""The newest scored rows beside the champion's reference, as the drift check compares them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tasks.connection import Connection
from tasks.loop.adapters import Adapter, Scored, adapter
from tasks.loop.champion import Champion
from tasks.loop.store import ALARM, LABEL, SCORE, Manifest, labels_of, newest, rows_of
from tasks.tracking import servers

COLUMNS = ("score", "prediction", "label")


@dataclass(frozen=True, eq=False)
class Window:
    """`reference` and `window`: features, `score`, `prediction` and, where known, `label`. `key`: rows and champion."""

    gauntlet: str
    champion: Champion
    manifests: tuple[Manifest, ...]
    reference: pd.DataFrame
    window: pd.DataFrame
    features: tuple[str, ...]
    key: str


def newest_window(champion: Champion, rows: int, connection: Connection) -> Window | None:
    """The newest `rows` scored rows and the reference, both through the champion as it is now; None before any scoring."""
    way = adapter(champion.gauntlet)
    with servers(connection):
        taken = newest(connection, champion.gauntlet, rows)
        parts = [rows_of(connection, one) for one in taken]
    if not parts:
        return None
    training = champion.table("training.parquet")
    reference = _compared(way, champion, training.drop(columns=way.target), training[way.target].to_numpy())
    scored = pd.concat(parts, ignore_index=True).tail(rows)
    labels = labels_of(scored) if all(one.labelled for one in taken) else None
    window = _compared(way, champion, scored.drop(columns=[SCORE, ALARM, LABEL], errors="ignore"), labels)
    features = tuple(name for name in reference.columns if name not in COLUMNS)
    return Window(champion.gauntlet, champion, tuple(taken), reference, window, features, _key(champion, taken, rows))


def _compared(way: Adapter, champion: Champion, rows: pd.DataFrame, labels: np.ndarray | None) -> pd.DataFrame:
    said: Scored = way.score(champion.loaded.model, rows)
    frame = said.features.reset_index(drop=True).assign(score=said.score, prediction=said.alarm.astype(int))
    return frame if labels is None else frame.assign(label=labels)


def _key(champion: Champion, taken: Sequence[Manifest], rows: int) -> str:
    parts = [champion.label, str(rows), *(one.sha256 for one in taken)]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()
