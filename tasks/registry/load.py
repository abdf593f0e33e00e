"""The one way to load a model: download to a private folder, verify, check the types, deserialise those very bytes."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts
from mlflow.entities.model_registry import ModelVersion

from gauntlet.datasets.errors import Altered, GauntletError
from gauntlet.tasks.registry.signing import verified_files
from gauntlet.tasks.registry.trust import deserialise


@dataclass(frozen=True)
class LoadedModel:
    """A verified model. `files` are the other files of its folder, as signed."""

    name: str
    version: int
    tags: Mapping[str, str]
    model: Any
    files: Mapping[str, bytes]


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


def load(name: str, version_or_alias: int | str, key: Ed25519PublicKey) -> LoadedModel:
    """The model behind a version or alias.

    Raises:
        Unsigned, Altered, UnknownType: it must not be loaded; nothing of it was deserialised.
    """
    entry = find_version(name, version_or_alias)
    model_id = model_id_of(entry)
    with tempfile.TemporaryDirectory(prefix="gauntlet-model-") as private:
        folder = Path(download_artifacts(artifact_uri=artifact_location(model_id), dst_path=private))
        files = verified_files(folder, model_id, key)
    described = yaml.safe_load(files["MLmodel"]).get("model_id")
    if described != model_id:
        raise Altered(f"{name} version {entry.version}: MLmodel describes {described}, not {model_id}.")
    return LoadedModel(name, int(entry.version), dict(entry.tags), deserialise(files["model.skops"]), files)
