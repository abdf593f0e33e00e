"""Training data of a challenger: the champion's own rows and labelled new ones, a fifth of them frozen for evaluation."""

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
from gauntlet.tasks.loop.contract import NotYet, TrainingData, VersionFiles
from gauntlet.tasks.loop.portions import ALARM, LABEL, SCORE, manifests, unaltered
from gauntlet.tasks.registry.files import parquet
from gauntlet.tasks.registry.load import LoadedModel
from gauntlet.tasks.runtime.connection import Connection
from gauntlet.tasks.runtime.tracking import servers
from gauntlet.tasks.tabular.frozen import in_frozen_set


def gather(
    champion: Champion, _: Mapping[str, Any], lookback_days: float, connection: Connection, target: str
) -> TrainingData:
    """The champion's own tables and the labelled rows that were scored lately.

    Raises:
        GauntletError: no labelled row is there: there is nothing to learn from.
        NotYet: the champion has learnt from all of them already.
    """
    oldest = (datetime.now(UTC) - timedelta(days=lookback_days)).isoformat()
    with servers(connection):
        scored = manifests(connection, champion.gauntlet)
        labelled = [file for file in scored if file.labelled and file.scored_at >= oldest]
        labelled.sort(key=lambda file: (file.scored_at, file.sha256))
        there = unaltered(connection, labelled)
    labelled = [file for file, _ in there]
    parts = [rows.dropna(subset=LABEL) for _, rows in there]
    if not parts:
        raise GauntletError(
            f"no labelled row of {champion.gauntlet} was scored in the last {lookback_days:g} days: "
            "nothing can be learnt. Score files that have the label."
        )
    if {file.sha256 for file in labelled} <= _learnt(champion):
        raise NotYet(f"nothing was scored since that {champion.label} has not learnt from")
    new = pd.concat(parts, ignore_index=True).drop(columns=[SCORE, ALARM]).rename(columns={LABEL: target})
    old, evaluation = champion.table("training.parquet"), champion.table("evaluation.parquet")
    new = new[list(old.columns)]
    frozen = in_frozen_set(new.drop(columns=target))
    sources = {champion.loaded.tags.get("source"), *(file.source for file in labelled)}
    return TrainingData(
        pd.concat([old, new[~frozen]], ignore_index=True).drop_duplicates(ignore_index=True),
        evaluation,
        new[frozen].drop_duplicates(ignore_index=True),
        int((~frozen).sum()),
        tuple(file.sha256 for file in labelled),
        "simulated" if "simulated" in sources else "real",
    )


def _learnt(champion: Champion) -> set[str]:
    """The scored files that the champion was retrained on, by SHA-256; none where a gauntlet trained it."""
    return set(json.loads(champion.loaded.files.get("retraining.json", b"{}")).get("files", ()))


def of_versions(champion: Champion, challenger: LoadedModel) -> TrainingData:
    """Evaluation rows to compare two registered versions on: the challenger's, those of before and those since."""
    rows = pd.read_parquet(io.BytesIO(challenger.files["evaluation.parquet"]))
    before = champion.table("evaluation.parquet")
    known = pd.util.hash_pandas_object(before, index=False)
    since = rows[~pd.util.hash_pandas_object(rows[before.columns], index=False).isin(known).to_numpy()]
    since = since[before.columns].reset_index(drop=True)
    return TrainingData(rows.iloc[:0], before, since, 0, (), challenger.tags.get("source", ""))


def train(champion: Champion, training_data: TrainingData, target: str) -> Any:
    """The champion's pipeline with its own settings, unfitted and fitted anew on the training rows.

    Raises:
        GauntletError: the rows hold one class only.
    """
    y = training_data.training[target].to_numpy(np.int64)
    if len(np.unique(y)) < 2:
        raise GauntletError(f"the rows to learn from hold one class of {target!r} only")
    return clone(champion.loaded.model).fit(training_data.training.drop(columns=target), y)


def artifacts(_: Champion, pipeline: Any, training_data: TrainingData, target: str) -> VersionFiles:
    """Files of a challenger: its features as the reference, its training rows, the frozen rows of before and since."""
    rows = training_data.training.drop(columns=target)
    features = pipeline[:-1].transform(rows).assign(**{target: training_data.training[target]})
    files = {
        "feature_names.txt": "\n".join(name for name in features.columns if name != target).encode(),
        "reference.parquet": parquet(features),
        "training.parquet": parquet(training_data.training),
        "evaluation.parquet": parquet(pd.concat([training_data.evaluation, training_data.since], ignore_index=True)),
    }
    return VersionFiles(rows.head(200), files, "judged on the frozen evaluation set that no version is fitted on")
