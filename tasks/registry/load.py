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
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from gauntlet.datasets.address import one_line
from gauntlet.datasets.errors import Altered, FormerType, GauntletError, NotPromotable, Unsigned
from gauntlet.tasks.models.columns import RECIPE, as_declared, columns_in
from gauntlet.tasks.registry.card import REGISTRATION, Card, check_registration, read_card
from gauntlet.tasks.registry.keys import Verifier
from gauntlet.tasks.registry.signing import verified_files
from gauntlet.tasks.registry.trust import deserialise

EXAMPLE = "input_example.json"  # in the model's folder, written by MLflow


@dataclass(frozen=True)
class LoadedModel:
    """A verified model. `files` are the other files of its folder, as signed; `tags` agree with its card."""

    name: str
    version: int
    tags: Mapping[str, str]
    model: Any
    files: Mapping[str, bytes]

    def refuse_leaked(self) -> None:
        """Nothing, for a version that may be used; whatever its tag says now, its card was signed.

        Raises:
            NotPromotable: it was trained on leaked columns.
        """
        if self.tags.get("leaked") == "true":
            raise NotPromotable(
                f"{self.name} version {self.version} was trained on leaked columns and can never be champion."
            )

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
            saw = one_line(f"{type(error).__name__}: {error}", 300)
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


@dataclass(frozen=True, eq=False)
class Kept:
    """What the artifact store keeps of a version, verified: its files, its card, and the record beside; None: none yet."""

    files: Mapping[str, bytes]
    card: Card
    record: bytes | None


def kept(model_id: str, key: Verifier) -> Kept:
    """A model's folder and the record beside it, the files read once and each the bytes that were signed.

    Raises:
        Unsigned, Altered: it is not what we signed, or it is gone.
    """
    folder, _, name = artifact_location(model_id).rstrip("/").rpartition("/")
    # Listed first: a download of what is not there fails as one from a server that is away does.
    there = {item.path for item in get_artifact_repository(folder).list_artifacts()}
    if name not in there:
        raise Altered(f"{model_id}: its folder {folder}/{name} is gone. The model is not loaded.")
    with tempfile.TemporaryDirectory(prefix="gauntlet-model-") as private:
        local = Path(download_artifacts(artifact_uri=f"{folder}/{name}", dst_path=private))
        files = verified_files(local, model_id, key)
        record = None
        if REGISTRATION in there:
            file = download_artifacts(artifact_uri=f"{folder}/{REGISTRATION}", dst_path=f"{private}/beside")
            record = Path(file).read_bytes()
    return Kept(files, read_card(files, model_id), record)


def load(name: str, version_or_alias: int | str, key: Verifier) -> LoadedModel:
    """The model behind a version or alias.

    Raises:
        Unsigned, Altered, UnknownType: it must not be loaded; nothing of it was deserialised.
        FormerType: it was registered by another version of Gauntlet; the message says how to register it anew.
    """
    entry = find_version(name, version_or_alias)
    version, model_id = int(entry.version), model_id_of(entry)
    try:
        found = kept(model_id, key)
        if found.record is None:
            raise Unsigned(f"{model_id}: no {REGISTRATION}, its registration was never finished.")
        check_registration(found.record, found.card, name, version, key)
        described = yaml.safe_load(found.files["MLmodel"]).get("model_id")
        if described != model_id:
            raise Altered(f"MLmodel describes {described}, not {model_id}.")
        model = deserialise(found.files["model.skops"])
    except FormerType as error:
        raise FormerType(f"{_named(entry)}: {error} {_anew(entry, found.card)}") from None
    except Unsigned as error:
        raise Unsigned(f"{_named(entry)}: {error} {_anew(entry)}") from None
    except Altered as error:
        raise Altered(f"{_named(entry)}: {error} {_anew(entry)}") from None
    return LoadedModel(name, version, {**dict(entry.tags), **found.card.tags}, model, found.files)


def _named(entry: ModelVersion) -> str:
    return f"{entry.name} version {entry.version}"


def _anew(entry: ModelVersion, card: Card | None = None) -> str:
    """Which code registered the version, and what to do; from its card where that could be read."""
    commit = card.commit if card else entry.tags.get("git_commit", "unknown")
    gauntlet = (card.gauntlet if card else "") or _gauntlet_of(entry)
    return f"It was registered by commit {commit}. Do: register anew with `gauntlet run {gauntlet}`."


def _gauntlet_of(entry: ModelVersion) -> str:
    """The gauntlet that registered a version, as the run says that it was registered in; "NAME" when that is gone."""
    client = MlflowClient()
    try:
        parent = client.get_run(str(entry.run_id)).data.tags["mlflow.parentRunId"]
        return str(client.get_run(parent).data.tags["gauntlet"])
    except (MlflowException, KeyError):
        return "NAME"
