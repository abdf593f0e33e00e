"""From a fitted pipeline to a registered version: saved, signed, uploaded, and only then visible in the registry.

look the key up ── there ──> that version                 (a retry registers nothing twice)
      │ not there
save ─> sign ─> upload to S3 ─> READY ─> model version with all its tags in one call
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Metric
from mlflow.exceptions import MlflowException
from mlflow.models import Model

from gauntlet.tasks.registry.keys import Signer
from gauntlet.tasks.registry.load import artifact_location, model_id_of
from gauntlet.tasks.registry.model_folder import write
from gauntlet.tasks.registry.signing import sign_folder
from gauntlet.tasks.registry.submission import Submission
from gauntlet.tasks.result import Registered


def find(name: str, key: str) -> Registered | None:
    """The version of this name with this key, if it was registered before."""
    found = MlflowClient().search_model_versions(f"name='{name}' and tags.key='{key}'")
    if not found:
        return None
    entry = min(found, key=lambda one: int(one.version))
    return Registered(name, int(entry.version), (), artifact_location(model_id_of(entry)))


def publish(submission: Submission, experiment_id: str, run_id: str, key: Signer) -> Registered:
    """The version, registered now or found by its key.

    A failure on the way leaves no version: the half-made model is marked FAILED and nothing refers to it.
    """
    if (known := find(submission.name, submission.key)) is not None:
        return known
    client = MlflowClient()
    model_id = client.create_logged_model(experiment_id, name=submission.name, source_run_id=run_id).model_id
    try:
        _upload(submission, model_id, run_id, key)
        client.finalize_logged_model(model_id, "READY")
        _log_metrics(run_id, model_id, submission.metrics)
        version = _register(submission, model_id, run_id)
    except BaseException:
        _abandon(submission, model_id)
        raise
    return Registered(submission.name, version, (), artifact_location(model_id))


def _upload(submission: Submission, model_id: str, run_id: str, key: Signer) -> None:
    scratch = Path(tempfile.mkdtemp(prefix="gauntlet-publish-"))
    try:
        folder = scratch / "model"
        write(submission, folder, Model(run_id=run_id, model_id=model_id))
        sign_folder(folder, model_id, key)
        MlflowClient().log_model_artifacts(model_id, str(folder))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


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
    client = MlflowClient()
    entries = client.search_model_versions(f"name='{submission.name}' and tags.key='{submission.key}'")
    first = min([made, *(int(entry.version) for entry in entries)])
    for entry in entries:
        if int(entry.version) != first:
            client.delete_model_version(submission.name, entry.version)
    return first


def _abandon(submission: Submission, model_id: str) -> None:
    """Mark the half-made model, unless its version was made and only the answer was lost: a retry will find that one."""
    try:
        if find(submission.name, submission.key) is None:
            MlflowClient().finalize_logged_model(model_id, "FAILED")
    except Exception:  # noqa: BLE001 - the server may be what failed; the error under way is the one to tell
        return
