"""MLflow runs of a gauntlet: one parent, one nested run per candidate, through the client, which threads can share."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from botocore.exceptions import BotoCoreError, ClientError
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, Metric, Param, RunTag
from mlflow.exceptions import MlflowException

from gauntlet.datasets.address import one_line, safe_cause
from gauntlet.datasets.errors import GauntletError, ServiceDown
from gauntlet.tasks.runtime.connection import Connection


@dataclass(frozen=True)
class TrackedRun:
    """A run of MLflow, and where a browser finds it."""

    experiment_id: str
    run_id: str
    artifact_uri: str
    url: str


@contextmanager
def servers(connection: Connection) -> Iterator[None]:
    """Turn the many ways in which MLflow and S3 say that they are away into `ServiceDown`."""
    try:
        yield
    except GauntletError:
        raise
    except (requests.RequestException, MlflowException) as error:
        if isinstance(error, MlflowException) and not _unreachable(error):
            raise
        raise ServiceDown("MLflow", connection.tracking_uri, _short(error)) from safe_cause(error)
    except (BotoCoreError, ClientError, OSError) as error:
        if isinstance(error, OSError) and not isinstance(error, ConnectionError):
            raise
        raise ServiceDown("S3", connection.s3_endpoint_url or "Amazon S3", _short(error)) from safe_cause(error)
    except Exception as error:
        # boto3's own transfer errors hide what went wrong in their text only.
        if "S3UploadFailedError" in type(error).__name__:
            raise ServiceDown("S3", connection.s3_endpoint_url or "Amazon S3", _short(error)) from safe_cause(error)
        raise


def _unreachable(error: MlflowException) -> bool:
    text = str(error)
    return any(sign in text for sign in ("API request to", "Connection", "Max retries", "timed out", "503", "502"))


def _short(error: BaseException) -> str:
    text = one_line(error, 4_000)
    for sign in ("Connection refused", "Name or service not known", "timed out", "No space left", "AccessDenied"):
        if sign.lower() in text.lower():
            return sign.lower()
    return text[:160] or type(error).__name__


def experiment(name: str, connection: Connection, purpose: str = "", tags: Mapping[str, str] | None = None) -> str:
    """The id of the experiment, made with its artifacts in our bucket when it is missing.

    It is described by `purpose` and bears `tags`; what a person wrote stays. A deleted experiment of that name is
    restored: MLflow would refuse to make another.
    """
    client = MlflowClient()
    described = {"project": "gauntlet", **(tags or {}), **({"mlflow.note.content": purpose} if purpose else {})}
    if (known := client.get_experiment_by_name(name)) is not None:
        if known.lifecycle_stage == "deleted":
            client.restore_experiment(known.experiment_id)
        for key in described.keys() - known.tags.keys():
            client.set_experiment_tag(known.experiment_id, key, described[key])
        return str(known.experiment_id)
    slug = "-".join("".join(c if c.isalnum() else " " for c in name.lower()).split())
    try:
        return client.create_experiment(name, artifact_location=f"s3://{connection.bucket}/{slug}", tags=described)
    except MlflowException:
        if (made_meanwhile := client.get_experiment_by_name(name)) is None:
            raise
        return str(made_meanwhile.experiment_id)


@contextmanager
def tracked(
    connection: Connection, experiment_id: str, name: str, tags: Mapping[str, str], parent: TrackedRun | None = None
) -> Iterator[TrackedRun]:
    """A run that is FINISHED when the block ends well and FAILED, with the reason as a tag, when it does not."""
    client = MlflowClient()
    all_tags = {**tags, **({"mlflow.parentRunId": parent.run_id} if parent else {})}
    info = client.create_run(experiment_id, run_name=name, tags=all_tags).info
    url = f"{connection.mlflow_ui}/#/experiments/{experiment_id}/runs/{info.run_id}"
    try:
        yield TrackedRun(experiment_id, info.run_id, info.artifact_uri, url)
    except BaseException as error:
        _end(info.run_id, "FAILED", one_line(error, 4_000))
        raise
    _end(info.run_id, "FINISHED")


def _end(run_id: str, status: str, reason: str = "") -> None:
    client = MlflowClient()
    try:
        if reason:
            client.set_tag(run_id, "failure", reason)
        client.set_terminated(run_id, status)
    except Exception:
        if status == "FINISHED":  # when it failed already, that error is the one to tell
            raise


def log(
    run: TrackedRun,
    *,
    metrics: Mapping[str, float] | None = None,
    parameters: Mapping[str, object] | None = None,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Log all of these in one call."""
    now = int(time.time() * 1000)
    MlflowClient().log_batch(
        run.run_id,
        metrics=[Metric(key, float(value), now, 0) for key, value in (metrics or {}).items() if value == value],
        params=[Param(key, str(value)[:6_000]) for key, value in (parameters or {}).items()],
        tags=[RunTag(key, value) for key, value in (tags or {}).items()],
    )


def log_dataset(run: TrackedRun, name: str, digest: str, source: str) -> None:
    """Say which data the run is about: name and digest, not the data."""
    dataset = Dataset(name=name, digest=digest[:36], source_type="local", source=source)
    MlflowClient().log_inputs(run.run_id, datasets=[DatasetInput(dataset, [])])


def log_files(run: TrackedRun, files: Mapping[str, bytes]) -> None:
    """Put files, by their path in the run's artifacts, into the artifact store."""
    with tempfile.TemporaryDirectory(prefix="gauntlet-files-") as folder:
        for name, content in files.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        MlflowClient().log_artifacts(run.run_id, folder)
