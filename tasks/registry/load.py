"""The one way to load a model: download to a private folder, verify, check the types, deserialise those very bytes."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from gauntlet.datasets.errors import Altered, FormerType, GauntletError
from gauntlet.tasks.models.columns import RECIPE, as_declared, columns_in
from gauntlet.tasks.registry.keys import Verifier
from gauntlet.tasks.registry.signing import verified_files
from gauntlet.tasks.registry.trust import deserialise

EXAMPLE = "input_example.json"  # in the model's folder, written by MLflow


@dataclass(frozen=True)
class LoadedModel:
    """A verified model. `files` are the other files of its folder, as signed."""

    name: str
    version: int
    tags: Mapping[str, str]
    model: Any
    files: Mapping[str, bytes]

    def example(self) -> pd.DataFrame:
        """The raw rows that it was registered with, in the types of its recipe.

        Raises:
            GauntletError: it has none, or they cannot be read.
        """
        try:
            table = json.loads(self.files[EXAMPLE])
            rows = pd.DataFrame(table["data"], columns=table["columns"])
            return as_declared(rows, columns_in(self.files[RECIPE]))
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            saw = " ".join(f"{type(error).__name__}: {error}".split())[:300]
            raise GauntletError(f"{self.name} version {self.version} has no readable {EXAMPLE}: {saw}") from None


def find_version(name: str, version_or_alias: int | str) -> ModelVersion:
    """The registry's entry of a version: a number, or an alias such as "champion"."""
    client = MlflowClient()
    if isinstance(version_or_alias, int) or version_or_alias.isdigit():
        return client.get_model_version(name, str(version_or_alias))
    return client.get_model_version_by_alias(name, version_or_alias)


def model_id_of(entry: ModelVersion) -> str:
    """The id of the logged model behind a version, which is what its signature names."""
    source = str(entry.model_id or entry.source).removeprefix("models:/")
    if not source.startswith("m-"):
        raise GauntletError(f"{entry.name} version {entry.version} was not registered by Gauntlet (source {source}).")
    return source


def artifact_location(model_id: str) -> str:
    """Where the artifact store keeps a model's folder."""
    return str(MlflowClient().get_logged_model(model_id).artifact_location)


def load(name: str, version_or_alias: int | str, key: Verifier) -> LoadedModel:
    """The model behind a version or alias.

    Raises:
        Unsigned, Altered, UnknownType: it must not be loaded; nothing of it was deserialised.
        FormerType: it was registered by another version of Gauntlet; the message says how to register it anew.
    """
    entry = find_version(name, version_or_alias)
    model_id = model_id_of(entry)
    with tempfile.TemporaryDirectory(prefix="gauntlet-model-") as private:
        folder = Path(download_artifacts(artifact_uri=artifact_location(model_id), dst_path=private))
        files = verified_files(folder, model_id, key)
    described = yaml.safe_load(files["MLmodel"]).get("model_id")
    if described != model_id:
        raise Altered(f"{name} version {entry.version}: MLmodel describes {described}, not {model_id}.")
    try:
        model = deserialise(files["model.skops"])
    except FormerType as error:
        anew = f"register anew with `gauntlet run {_gauntlet_of(entry)}`"
        raise FormerType(f"{name} version {entry.version}: {error} Do: {anew}.") from None
    return LoadedModel(name, int(entry.version), dict(entry.tags), model, files)


def _gauntlet_of(entry: ModelVersion) -> str:
    """The gauntlet that registered a version, as the run says that it was registered in; "NAME" when that is gone."""
    client = MlflowClient()
    try:
        parent = client.get_run(str(entry.run_id)).data.tags["mlflow.parentRunId"]
        return str(client.get_run(parent).data.tags["gauntlet"])
    except (MlflowException, KeyError):
        return "NAME"
