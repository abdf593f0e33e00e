"""What a classifier's challenger learns from: the champion's own rows and labelled new ones, a fifth of them frozen."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from gauntlet.datasets.errors import GauntletError
from gauntlet.tasks.loop.champion import Champion
from gauntlet.tasks.loop.contract import Carried, Material, NotYet
from gauntlet.tasks.loop.store import ALARM, LABEL, SCORE, manifests, rows_of
from gauntlet.tasks.registry.files import parquet
from gauntlet.tasks.registry.load import LoadedModel
from gauntlet.tasks.runtime.connection import Connection
from gauntlet.tasks.runtime.tracking import servers
from gauntlet.tasks.tabular.frozen import frozen


def gather(
    champion: Champion, _: Mapping[str, Any], lookback_days: float, connection: Connection, target: str
) -> Material:
    """The champion's own tables and the labelled rows that were scored lately.

    Raises:
        GauntletError: no labelled row is there: there is nothing to learn from.
        NotYet: the champion has learnt from all of them already.
    """
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
    if {one.sha256 for one in taken} <= _learnt(champion):
        raise NotYet(f"nothing was scored since that {champion.label} has not learnt from")
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


def _learnt(champion: Champion) -> set[str]:
    """The scored files that the champion was retrained on, by SHA-256; none of one that a gauntlet made."""
    return set(json.loads(champion.loaded.files.get("retraining.json", b"{}")).get("files", ()))


def of_versions(champion: Champion, challenger: LoadedModel) -> Material:
    """What two registered versions are compared on: the challenger's evaluation rows, those of before and those since."""
    rows = pd.read_parquet(io.BytesIO(challenger.files["evaluation.parquet"]))
    before = champion.table("evaluation.parquet")
    known = set(pd.util.hash_pandas_object(before, index=False))
    since = rows[[one not in known for one in pd.util.hash_pandas_object(rows[before.columns], index=False)]]
    since = since[before.columns].reset_index(drop=True)
    return Material(rows.iloc[:0], before, since, 0, (), challenger.tags.get("source", ""))


def train(champion: Champion, material: Material, target: str) -> Any:
    """The champion's pipeline with its own settings, unfitted and fitted anew on the training rows.

    Raises:
        GauntletError: the rows hold one class only.
    """
    y = material.training[target].to_numpy(np.int64)
    if len(np.unique(y)) < 2:
        raise GauntletError(f"the rows to learn from hold one class of {target!r} only")
    return clone(champion.loaded.model).fit(material.training.drop(columns=target), y)


def carry(_: Champion, pipeline: Any, material: Material, target: str) -> Carried:
    """Features that it was fitted on as the reference, its training rows, and the frozen rows of before and since."""
    rows = material.training.drop(columns=target)
    features = pipeline[:-1].transform(rows).assign(**{target: material.training[target]})
    files = {
        "feature_names.txt": "\n".join(name for name in features.columns if name != target).encode(),
        "reference.parquet": parquet(features),
        "training.parquet": parquet(material.training),
        "evaluation.parquet": parquet(pd.concat([material.evaluation, material.since], ignore_index=True)),
    }
    return Carried(rows.head(200), files, "judged on the frozen evaluation set that no version is fitted on")
