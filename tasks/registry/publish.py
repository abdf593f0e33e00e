"""From a fitted pipeline to a registered version: saved, signed, uploaded, and only then visible in the registry.

look the key up ── there and well ──> that version        (a retry registers nothing twice)
      │ not there, or marked as unusable
save ─> sign ─> upload to S3 ─> READY ─> model version with all its tags in one call ─> its registration, signed
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Metric
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from gauntlet.datasets.errors import Altered, Untrusted
from gauntlet.tasks.registry.aliases import UNUSABLE
from gauntlet.tasks.registry.card import CARD, REGISTRATION, Card, check_registration, registration
from gauntlet.tasks.registry.key import git_commit
from gauntlet.tasks.registry.keys import Signer
from gauntlet.tasks.registry.load import artifact_location, find_version, kept, model_id_of
from gauntlet.tasks.registry.model_folder import write
from gauntlet.tasks.registry.signing import sign_folder
from gauntlet.tasks.registry.submission import Submission
from gauntlet.tasks.result import Registered
from gauntlet.tasks.runtime.steps import say


def find(name: str, key: str, signer: Signer) -> Registered | None:
    """The version of this name with this key, if one was registered before and can still be relied on.

    A registration that was cut off before its end is finished. A version whose folder or key is lost is marked as
    unusable, which is said: the work is to be done anew, where every later run would fail on it.
    """
    for entry in _entries(name, key):
        try:
            _settle(entry, key, signer)
        except (Untrusted, _NoModel) as error:
            _mark(entry, str(error))
        else:
            return Registered(name, int(entry.version), (), artifact_location(model_id_of(entry)))
    return None


def _entries(name: str, key: str) -> list[ModelVersion]:
    """The versions of this key, oldest first, without unusable ones."""
    found = MlflowClient().search_model_versions(f"name='{name}' and tags.key='{key}'")
    return sorted((one for one in found if UNUSABLE not in one.tags), key=lambda one: int(one.version))


class _NoModel(Exception):
    """The registry's entry leads to no model of ours."""


def _settle(entry: ModelVersion, key: str, signer: Signer) -> None:
    """Return when this is a version of this work with its registration, which is written where it is missing."""
    try:
        model_id = model_id_of(entry)
        found = kept(model_id, signer.public_key())
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            raise _NoModel(error.message) from None
        raise
    if (found.card.name, found.card.key) != (entry.name, key):
        raise Altered(f"{model_id}: was made as {found.card.name} of the work {found.card.key}.")
    if found.record is None:
        _record(found.card, int(entry.version), signer)
    else:
        check_registration(found.record, found.card, entry.name, int(entry.version), signer.public_key())


def _record(card: Card, version: int, signer: Signer) -> None:
    """Write the registration beside the model's folder; once more changes nothing."""
    beside = artifact_location(card.model_id).rstrip("/").rpartition("/")[0]
    with tempfile.TemporaryDirectory(prefix="gauntlet-publish-") as scratch:
        file = Path(scratch) / REGISTRATION
        file.write_bytes(registration(card, version, signer))
        get_artifact_repository(beside).log_artifact(str(file))


def _mark(entry: ModelVersion, why: str) -> None:
    why = " ".join(why.split())
    say(f"{entry.name} version {entry.version} is unusable and is registered anew: {why}")
    for tag, value in ((UNUSABLE, why[:4_000]), ("status", UNUSABLE)):
        MlflowClient().set_model_version_tag(entry.name, entry.version, tag, value)


def publish(submission: Submission, experiment_id: str, run_id: str, key: Signer) -> Registered:
    """The version, registered now or found by its key.

    A failure on the way leaves no version that can be used: the half-made model is marked FAILED and nothing refers to
    it, or its version is finished when it is asked for again.
    """
    if (known := find(submission.name, submission.key, key)) is not None:
        return known
    client = MlflowClient()
    model_id = client.create_logged_model(experiment_id, name=submission.name, source_run_id=run_id).model_id
    try:
        card = _upload(submission, model_id, run_id, key)
        client.finalize_logged_model(model_id, "READY")
        _log_metrics(run_id, model_id, submission.metrics)
        version = _register(submission, model_id, run_id)
    except BaseException:
        _abandon(submission, model_id)
        raise
    if model_id_of(entry := find_version(submission.name, version)) == model_id:
        _record(card, version, key)
    else:  # another caller's was first
        _settle(entry, submission.key, key)
    return Registered(submission.name, version, (), artifact_location(model_id_of(entry)))


def _upload(submission: Submission, model_id: str, run_id: str, key: Signer) -> Card:
    card = _card(submission, model_id)
    scratch = Path(tempfile.mkdtemp(prefix="gauntlet-publish-"))
    try:
        folder = scratch / "model"
        write(submission, folder, Model(run_id=run_id, model_id=model_id))
        (folder / CARD).write_bytes(card.content())
        sign_folder(folder, model_id, key)
        MlflowClient().log_model_artifacts(model_id, str(folder))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return card


def _card(submission: Submission, model_id: str) -> Card:
    tags = submission.tags
    return Card(
        name=submission.name,
        gauntlet=submission.gauntlet,
        machine=submission.machine,
        source=tags.get("source", ""),
        leaked=tags.get("leaked") == "true",
        key=submission.key,
        model_id=model_id,
        commit=tags.get("git_commit", git_commit()),
    )


def _log_metrics(run_id: str, model_id: str, metrics: Mapping[str, float]) -> None:
    now = int(pd.Timestamp.now("UTC").timestamp() * 1000)
    batch = [Metric(name, value, now, 0, model_id=model_id, run_id=run_id) for name, value in metrics.items()]
    MlflowClient().log_batch(run_id, metrics=batch)


def _register(submission: Submission, model_id: str, run_id: str) -> int:
    client = MlflowClient()
    try:
        client.create_registered_model(submission.name, _of_model(submission.tags), submission.purpose)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    entry = client.create_model_version(
        submission.name,
        f"models:/{model_id}",
        run_id=run_id,
        model_id=model_id,
        tags={**submission.tags, "key": submission.key},
        description=submission.description,
    )
    return _only_one(submission, int(entry.version))


def _of_model(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags that are true of every version of a name."""
    return {name: tags[name] for name in ("project", "phase", "task", "dataset", "sensor_type") if name in tags}


def _only_one(submission: Submission, made: int) -> int:
    """The first version of this key: a request whose answer is late is sent again by MLflow's client, and done twice."""
    entries = _entries(submission.name, submission.key)
    first = min([made, *(int(entry.version) for entry in entries)])
    for entry in entries:
        if int(entry.version) != first:
            MlflowClient().delete_model_version(submission.name, entry.version)
    return first


def _abandon(submission: Submission, model_id: str) -> None:
    """Mark the half-made model, unless its version was made and only the answer was lost: a retry will find that one."""
    try:
        if not _entries(submission.name, submission.key):
            MlflowClient().finalize_logged_model(model_id, "FAILED")
    except Exception:  # noqa: BLE001 - the server may be what failed; the error under way is the one to tell
        return
