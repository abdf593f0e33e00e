"""A challenger: the champion's own recipe on what it learnt from and on new rows that may be learnt from, and judged beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine

from gauntlet.tasks.claims import content_of, keep_content
from gauntlet.tasks.loop.champion import Champion
from gauntlet.tasks.loop.contract import Contest, TrainingData
from gauntlet.tasks.registry.key import work_key
from gauntlet.tasks.registry.keys import KeyRing
from gauntlet.tasks.registry.load import LoadedModel
from gauntlet.tasks.registry.publish import find
from gauntlet.tasks.registry.submission import Submission, version_tags
from gauntlet.tasks.result import Registered
from gauntlet.tasks.runtime.connection import Connection


def gather(
    champion: Champion, lookback_days: float, connection: Connection, why: Mapping[str, Any] | None = None
) -> TrainingData:
    """What the champion learnt from and what was scored since and may be learnt from.

    Args:
        why: what is behind the retraining: `verdict`, and of a maintenance event `machine`, `unit` and `closed`.

    Raises:
        GauntletError: there is nothing new to learn from.
    """
    return champion.adapter.gather(champion, why or {}, lookback_days, connection)


def of_versions(champion: Champion, challenger: LoadedModel) -> TrainingData:
    """What two registered versions are compared on."""
    return champion.adapter.of_versions(champion, challenger)


def train(champion: Champion, training_data: TrainingData) -> Any:
    """The champion's recipe with its own settings, fitted anew.

    Raises:
        GauntletError: the rows do not suffice.
    """
    return champion.adapter.train(champion, training_data)


def contest(champion: Champion, challenger: Any, training_data: TrainingData, seed: int) -> Contest:
    """Both judged by the frozen rows and the library of past failures; decisions and thresholds are each model's own.

    Raises:
        BadInput: the frozen rows do not suffice to tell the two apart.
    """
    return champion.adapter.contest(champion, challenger, training_data, seed)


def entry(
    champion: Champion,
    pipeline: Any,
    training_data: TrainingData,
    metrics: Mapping[str, float],
    why: Mapping[str, Any],
    seed: int,
) -> Submission:
    """The challenger on its way into the registry, under the champion's name; the same rows make the same version."""
    name, tags = champion.loaded.name, champion.loaded.tags
    data = hashlib.sha256("|".join([*training_data.files, champion.label, *_noted(training_data)]).encode()).hexdigest()
    beside = champion.adapter.version_files(champion, pipeline, training_data)
    text = (
        f"Challenger of {champion.label}, retrained on {len(training_data.training):,} rows "
        f"of which {training_data.new_rows:,} are new ({training_data.source} data), because of: {why.get('reason') or 'a request'}. Protocol: the champion's recipe; "
        f"{beside.protocol}."
    )
    kept = {name: champion.loaded.files[name] for name in ("sensor_config.txt", "audit.json")}
    return Submission(
        name=name,
        key=work_key(data, {"retrain": champion.label, "seed": seed}),
        model=pipeline,
        rows=beside.rows,
        metrics=metrics,
        parameters={"retrained_from": champion.label, "new_rows": training_data.new_rows, "seed": seed},
        tags=version_tags(
            phase=tags.get("phase", "classification"),
            task=tags.get("task", ""),
            dataset=tags.get("dataset", champion.gauntlet),
            sensor_type=tags.get("sensor_type", "general"),
            source=training_data.source,
            data_hash=data,
            seed=seed,
            leaked=False,
        ),
        description=text,
        gauntlet=champion.gauntlet,
        files={
            **kept,
            **beside.files,
            "retraining.json": json.dumps({**why, "files": training_data.files}, indent=1, default=str).encode(),
        },
    )


def remember(engine: Engine, gauntlet: str, request: str, submission: Submission, new_rows: int) -> None:
    """Which work a request is about to register: when it comes again, files that came meanwhile make no second version."""
    work = {"name": submission.name, "key": submission.key, "new_rows": new_rows}
    keep_content(engine, f"challenger:{gauntlet}", request, json.dumps(work))


def remembered(engine: Engine, gauntlet: str, request: str) -> dict[str, Any] | None:
    """The work that a request was about to register before it was cut off; None where it comes for the first time."""
    content = content_of(engine, f"challenger:{gauntlet}", request)
    return dict(json.loads(content)) if content is not None else None


def registered_as(work: Mapping[str, Any], keys: KeyRing) -> Registered | None:
    """The version of a remembered work; None where it was not registered."""
    return find(work["name"], work["key"], keys)


def _noted(training_data: TrainingData) -> list[str]:
    """Two retrainings of the same files that learn other parts of them are two versions."""
    return [json.dumps(training_data.notes, sort_keys=True)] if training_data.notes else []
