"""A real put, get and delete through S3 and through MLflow: a server that answers may still not keep what it is given."""

from __future__ import annotations

import secrets
from typing import Any

import requests

from gauntlet.datasets.address import one_line
from gauntlet.tasks.runtime.connection import USER, Connection

TIMEOUT_S = 10


def probe_s3(connection: Connection) -> str:
    """Why the bucket cannot be relied on; empty when what was put came back and went away."""
    key, content = f".probe/{secrets.token_hex(8)}", secrets.token_bytes(64)
    try:
        client = connection.s3()
        client.put_object(Bucket=connection.bucket, Key=key, Body=content)
        came_back = client.get_object(Bucket=connection.bucket, Key=key)["Body"].read() == content
        client.delete_object(Bucket=connection.bucket, Key=key)
        gone = not client.list_objects_v2(Bucket=connection.bucket, Prefix=key).get("KeyCount", 0)
    except Exception as error:  # noqa: BLE001 - boto3 has many words for it
        return _short(error)
    return "" if came_back and gone else "an object did not come back as it was put" if gone else "an object stayed"


def probe_mlflow(connection: Connection) -> str:
    """Why MLflow cannot be relied on; empty when a run was made, found with its tag, and deleted."""
    api = f"{connection.tracking_uri.rstrip('/')}/api/2.0/mlflow"
    if not connection.tracking_uri.startswith("http"):
        return ""  # a database of one's own, which no server stands before
    word, password = secrets.token_hex(8), connection.mlflow_password
    login = (USER, password.get_secret_value()) if password else None
    try:
        run = _post(
            f"{api}/runs/create",
            {"experiment_id": "0", "run_name": "probe", "tags": [{"key": "probe", "value": word}]},
            login,
        )
        run_id = run["run"]["info"]["run_id"]
        answer = requests.get(f"{api}/runs/get", params={"run_id": run_id}, auth=login, timeout=TIMEOUT_S)
        answer.raise_for_status()
        found = any(tag["value"] == word for tag in answer.json()["run"]["data"].get("tags", []))
        _post(f"{api}/runs/delete", {"run_id": run_id}, login)
    except (requests.RequestException, KeyError, ValueError) as error:
        return _short(error)
    return "" if found else "a run did not come back as it was made"


def _post(url: str, body: dict[str, Any], login: tuple[str, str] | None) -> dict[str, Any]:
    answer = requests.post(url, json=body, auth=login, timeout=TIMEOUT_S)
    answer.raise_for_status()
    return dict(answer.json()) if answer.content else {}


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {one_line(error, 160)}"
