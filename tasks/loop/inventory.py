"""Whether every version with an alias can be relied on: loads, answers its example, has its files and its reference."""

from __future__ import annotations

import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlparse

import numpy as np
import pandas as pd
from mlflow import MlflowClient

from gauntlet.datasets.address import one_line
from gauntlet.datasets.errors import GauntletError, ServiceDown
from gauntlet.tasks.models.answer import answer
from gauntlet.tasks.registry.card import CARD_TAGS
from gauntlet.tasks.registry.keys import signing_key
from gauntlet.tasks.registry.load import LoadedModel, artifact_location, find_version, load, model_id_of
from gauntlet.tasks.registry.selection import get_all_registered_models
from gauntlet.tasks.runtime.connection import Connection
from gauntlet.tasks.runtime.tracking import servers

NEEDED = ("MLmodel", "model.skops", "signature.json", "card.json", "reference.parquet", "feature_names.txt")


@dataclass(frozen=True)
class Checked:
    """A version's state and the aliases that point at it: `fault` empty where all is well."""

    model: str
    version: int
    aliases: tuple[str, ...]
    experiment: str
    run: str
    folder: str
    files: int
    bytes: int
    fault: str = ""


def versions_with_alias(names: Collection[str] = ()) -> list[tuple[str, int, tuple[str, ...]]]:
    """(name, version, its aliases) of every version that bears one: champions, challengers, and who may come back.

    `names`: of these models only; empty for all.
    """
    found: dict[tuple[str, int], list[str]] = {}
    for model in get_all_registered_models():
        if not names or model.name in names:
            for alias, version in sorted(model.aliases.items()):
                found.setdefault((model.name, version), []).append(alias)
    return [(name, version, tuple(aliases)) for (name, version), aliases in sorted(found.items())]


def check(name: str, version: int, aliases: tuple[str, ...], connection: Connection, key_file: Path) -> Checked:
    """One version, looked at from all sides.

    Raises:
        ServiceDown: a server is away, which says nothing about the model.
    """
    with servers(connection):
        entry = find_version(name, version)
        run = MlflowClient().get_run(str(entry.run_id)).info
        experiment = MlflowClient().get_experiment(run.experiment_id).name
        folder = artifact_location(model_id_of(entry))
        sizes = _objects(connection, folder)
        fault = next((f"{file} is not in S3" for file in NEEDED if file not in sizes), "")
        if not fault:
            fault = _fault(name, version, key_file)
    return Checked(name, version, aliases, experiment, run.run_id, folder, len(sizes), sum(sizes.values()), fault)


def _fault(name: str, version: int, key_file: Path) -> str:
    try:
        loaded = load(name, version, signing_key(key_file).public_key())
        loaded.refuse_leaked()
        if changed := _changed_tag(loaded):
            return changed
        answered = answer(loaded.model, loaded.example())
        if not np.isfinite(answered.to_numpy(np.float64)).all():
            return "answers its own example with something that is no number"
        if not len(pd.read_parquet(io.BytesIO(loaded.files["reference.parquet"]))):
            return "its reference is empty"
    except ServiceDown:
        raise
    except (GauntletError, KeyError, ValueError, TypeError) as error:
        return one_line(error, 1_000)
    return ""


def _changed_tag(loaded: LoadedModel) -> str:
    """A tag that says something else than the signed card; empty where all agree."""
    stated = find_version(loaded.name, loaded.version).tags
    for tag in CARD_TAGS:
        if tag in loaded.tags and stated.get(tag) != loaded.tags[tag]:
            return f"its tag {tag} says {stated.get(tag, 'nothing')}, it was registered as {loaded.tags[tag]}"
    return ""


def _objects(connection: Connection, folder: str) -> dict[str, int]:
    place = urlparse(folder)
    prefix = place.path.strip("/") + "/"
    pages = connection.s3().get_paginator("list_objects_v2").paginate(Bucket=place.netloc, Prefix=prefix)
    found = [item for page in pages for item in page.get("Contents", [])]
    return {item["Key"].removeprefix(prefix): item["Size"] for item in found}


def rows_of(checked: Sequence[Checked]) -> list[dict[str, str]]:
    """The S3 map as a table: experiment, run, model, folder."""
    return [
        {
            "experiment": version.experiment,
            "run": version.run,
            "model": f"{version.model} v{version.version}",
            "aliases": ", ".join(version.aliases),
            "folder": version.folder,
            "files": str(version.files),
            "kB": f"{version.bytes / 1000:.0f}",
            "state": version.fault or "well",
        }
        for version in checked
    ]
