"""Train a challenger: the champion's own recipe on what it learnt from and on new rows that may be learnt from."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from datasets.errors import GauntletError
from tasks.connection import Connection
from tasks.loop.adapters import adapter
from tasks.loop.champion import Champion
from tasks.loop.frozen import frozen
from tasks.loop.store import ALARM, LABEL, SCORE, manifests, rows_of
from tasks.register import Entry, parquet, version_tags
from tasks.registry.key import work_key
from tasks.registry.load import LoadedModel
from tasks.tracking import servers


@dataclass(frozen=True, eq=False)
class Material:
    """What a retraining has: rows to fit on, and the frozen rows of before and of since, none of which anybody learnt.

    Frames hold raw columns and the label under its own name. `files`: which scored files the new rows came from.
    """

    training: pd.DataFrame
    evaluation: pd.DataFrame
    since: pd.DataFrame
    new_rows: int
    files: tuple[str, ...]
    source: str


def gather(champion: Champion, lookback_days: float, connection: Connection) -> Material:
    """The champion's own tables and the labelled rows that were scored lately.

    Raises:
        GauntletError: no labelled row is new: there is nothing to learn from.
    """
    target = adapter(champion.gauntlet).target
    oldest = (datetime.now(UTC) - timedelta(days=lookback_days)).isoformat()
    with servers(connection):
        taken = [one for one in manifests(connection, champion.gauntlet) if one.labelled and one.scored_at >= oldest]
        taken.sort(key=lambda one: (one.scored_at, one.sha256))
        parts = [rows_of(connection, one) for one in taken]
    if not parts:
        raise GauntletError(
            f"no labelled row of {champion.gauntlet} was scored in the last {lookback_days:g} days: "
            "nothing can be learnt. Score files that have the label."
        )
    new = pd.concat(parts, ignore_index=True).drop(columns=[SCORE, ALARM]).rename(columns={LABEL: target})
    old, held = champion.table("training.parquet"), champion.table("evaluation.parquet")
    new = new[list(old.columns)]
    apart = frozen(new.drop(columns=target))
    simulated = champion.loaded.tags.get("source") == "simulated" or any(one.source == "simulated" for one in taken)
    return Material(
        pd.concat([old, new[~apart]], ignore_index=True).drop_duplicates(ignore_index=True),
        held,
        new[apart].drop_duplicates(ignore_index=True),
        int((~apart).sum()),
        tuple(one.sha256 for one in taken),
        "simulated" if simulated else "real",
    )


def learnt_files(champion: Champion) -> tuple[str, ...]:
    """The scored files that the champion was retrained on, by SHA-256; none of one that a gauntlet made."""
    return tuple(json.loads(champion.loaded.files.get("retraining.json", b"{}")).get("files", ()))


def of_versions(champion: Champion, challenger: LoadedModel) -> Material:
    """What two registered versions are compared on: the challenger's evaluation rows, those of before and those since."""
    rows = pd.read_parquet(io.BytesIO(challenger.files["evaluation.parquet"]))
    before = champion.table("evaluation.parquet")
    known = set(pd.util.hash_pandas_object(before, index=False))
    since = rows[[one not in known for one in pd.util.hash_pandas_object(rows[before.columns], index=False)]]
    since = since[before.columns].reset_index(drop=True)
    return Material(rows.iloc[:0], before, since, 0, (), challenger.tags.get("source", ""))


def train(champion: Champion, material: Material) -> Any:
    """The champion's pipeline with its own settings, unfitted and fitted anew on the training rows.

    Raises:
        GauntletError: the rows hold one class only.
    """
    target = adapter(champion.gauntlet).target
    y = material.training[target].to_numpy(np.int64)
    if len(np.unique(y)) < 2:
        raise GauntletError(f"the rows to learn from hold one class of {target!r} only")
    return clone(champion.loaded.model).fit(material.training.drop(columns=target), y)


def entry(
    champion: Champion,
    pipeline: Any,
    material: Material,
    metrics: Mapping[str, float],
    why: Mapping[str, Any],
    seed: int,
) -> Entry:
    """The challenger on its way into the registry, under the champion's name; the same rows make the same version."""
    target = adapter(champion.gauntlet).target
    name, tags = champion.loaded.name, champion.loaded.tags
    data = hashlib.sha256("|".join([*material.files, champion.label]).encode()).hexdigest()
    features = (
        pipeline[:-1].transform(material.training.drop(columns=target)).assign(**{target: material.training[target]})
    )
    text = (
        f"Challenger of {champion.label}, retrained on {len(material.training):,} rows of which {material.new_rows:,} are new "
        f"({material.source} data), because of: {why.get('reason') or 'a request'}. Protocol: the champion's recipe; judged on the "
        "frozen evaluation set that no version is fitted on."
    )
    kept = {name: champion.loaded.files[name] for name in ("sensor_config.txt", "audit.json")}
    evaluation = pd.concat([material.evaluation, material.since], ignore_index=True)
    return Entry(
        name=name,
        key=work_key(data, {"retrain": champion.label, "seed": seed}),
        pipeline=pipeline,
        rows=material.training.drop(columns=target).head(200),
        metrics=metrics,
        parameters={"retrained_from": champion.label, "new_rows": material.new_rows, "seed": seed},
        tags=version_tags(
            phase=tags.get("phase", "classification"),
            task=tags.get("task", ""),
            dataset=tags.get("dataset", champion.gauntlet),
            sensor_type=tags.get("sensor_type", "general"),
            source=material.source,
            data_hash=data,
            seed=seed,
            leaked=False,
        ),
        description=text,
        files={
            **kept,
            "feature_names.txt": "\n".join(name for name in features.columns if name != target).encode(),
            "reference.parquet": parquet(features),
            "training.parquet": parquet(material.training),
            "evaluation.parquet": parquet(evaluation),
            "retraining.json": json.dumps({**why, "files": material.files}, indent=1, default=str).encode(),
        },
        pictures={},
    )
