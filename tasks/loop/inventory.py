"""Whether every champion can be relied on: loads, answers its example, has its files in S3 and its reference."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlparse

import numpy as np
import pandas as pd
from mlflow import MlflowClient

from gauntlet.datasets.errors import GauntletError, ServiceDown
from gauntlet.tasks.registry.fresh import answer
from gauntlet.tasks.registry.load import artifact_location, find_version, load, model_id_of
from gauntlet.tasks.registry.selection import get_all_registered_models
from gauntlet.tasks.registry.signing import signing_key
from gauntlet.tasks.runtime.connection import Connection
from gauntlet.tasks.runtime.tracking import servers

NEEDED = ("MLmodel", "model.skops", "signature.json", "reference.parquet", "feature_names.txt")


@dataclass(frozen=True)
class Checked:
    """A champion's state: `fault` empty where all is well."""

    model: str
    version: int
    experiment: str
    run: str
    folder: str
    files: int
    bytes: int
    fault: str = ""


def champions() -> list[tuple[str, int]]:
    """(name, version) of every model that holds the alias champion."""
    return [(one.name, one.aliases["champion"]) for one in get_all_registered_models() if "champion" in one.aliases]


def check(name: str, version: int, connection: Connection, key_file: Path) -> Checked:
    """One champion, looked at from all sides.

    Raises:
        ServiceDown: a server is away, which says nothing about the model.
    """
    with servers(connection):
        entry = find_version(name, version)
        run = MlflowClient().get_run(str(entry.run_id)).info
        experiment = MlflowClient().get_experiment(run.experiment_id).name
        folder = artifact_location(model_id_of(entry))
        sizes = _objects(connection, folder)
        fault = next((f"{one} is not in S3" for one in NEEDED if one not in sizes), "")
        if not fault:
            fault = _fault(name, version, key_file)
    return Checked(name, version, experiment, run.run_id, folder, len(sizes), sum(sizes.values()), fault)


def _fault(name: str, version: int, key_file: Path) -> str:
    try:
        model = load(name, version, signing_key(key_file).public_key())
        example = json.loads(model.files["input_example.json"])
        said = answer(model.model, pd.DataFrame(example["data"], columns=example["columns"]))
        if not np.isfinite(said).all():
            return "answers its own example with something that is no number"
        if not len(pd.read_parquet(io.BytesIO(model.files["reference.parquet"]))):
            return "its reference is empty"
    except ServiceDown:
        raise
    except (GauntletError, KeyError, ValueError, TypeError) as error:
        return " ".join(str(error).split())
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
            "experiment": one.experiment, "run": one.run, "model": f"{one.model} v{one.version}", "folder": one.folder,
            "files": str(one.files), "kB": f"{one.bytes / 1000:.0f}", "state": one.fault or "well",
        }
        for one in checked
    ]  # fmt: skip
