"""Scored files in S3: `scores/GAUNTLET/SHA256/` with features, rows and, written last, the manifest that makes it count."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from tasks.connection import Connection
from tasks.loop.adapters import Batch, InputFile, Scored

LABEL, SCORE, ALARM = "_label", "_score", "_alarm"


@dataclass(frozen=True)
class Manifest:
    """What was scored, with which version, and when (ISO 8601, UTC)."""

    gauntlet: str
    file: str
    sha256: str
    source: str
    rows: int
    alarms: int
    labelled: bool
    model: str
    version: int
    scored_at: str

    @property
    def prefix(self) -> str:
        """Where its objects are in the bucket."""
        return f"scores/{self.gauntlet}/{self.sha256}"


def write(connection: Connection, manifest: Manifest, batch: Batch, scored: Scored) -> str:
    """The address of the scored file; writing it again, after a cut, replaces it by the same."""
    client = connection.s3()
    rows = batch.rows.assign(**{SCORE: scored.score, ALARM: scored.alarm})
    if batch.labels is not None:
        rows[LABEL] = batch.labels
    _put(client, connection, f"{manifest.prefix}/rows.parquet", _parquet(rows))
    features = scored.features.assign(**{SCORE: scored.score, ALARM: scored.alarm})
    _put(client, connection, f"{manifest.prefix}/predictions.parquet", _parquet(features))
    _put(client, connection, f"{manifest.prefix}/manifest.json", json.dumps(asdict(manifest), indent=1).encode())
    return f"s3://{connection.bucket}/{manifest.prefix}"


def newest(connection: Connection, gauntlet: str, rows: int) -> list[Manifest]:
    """The newest scored files that together have at least `rows` rows, or all there are; oldest first."""
    taken: list[Manifest] = []
    count = 0
    for one in sorted(manifests(connection, gauntlet), key=lambda m: (m.scored_at, m.sha256), reverse=True):
        taken.append(one)
        count += one.rows
        if count >= rows:
            break
    return taken[::-1]


def manifests(connection: Connection, gauntlet: str) -> Iterator[Manifest]:
    """Every scored file of a gauntlet."""
    client = connection.s3()
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=connection.bucket, Prefix=f"scores/{gauntlet}/")
    for page in pages:
        for item in page.get("Contents", []):
            if item["Key"].endswith("/manifest.json"):
                yield Manifest(**json.loads(_get(client, connection, item["Key"])))


def rows_of(connection: Connection, manifest: Manifest) -> pd.DataFrame:
    """The raw rows of a scored file with `_score`, `_alarm` and, where known, `_label`."""
    return pd.read_parquet(io.BytesIO(_get(connection.s3(), connection, f"{manifest.prefix}/rows.parquet")))


def put(connection: Connection, key: str, content: bytes, kind: str = "application/octet-stream") -> str:
    """The address of an object, written now."""
    connection.s3().put_object(Bucket=connection.bucket, Key=key, Body=content, ContentType=kind)
    return f"s3://{connection.bucket}/{key}"


def listed(connection: Connection, prefix: str) -> list[dict[str, Any]]:
    """The JSON documents below a prefix, by the order of their keys."""
    client = connection.s3()
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=connection.bucket, Prefix=prefix)
    keys = sorted(item["Key"] for page in pages for item in page.get("Contents", []) if item["Key"].endswith(".json"))
    return [json.loads(_get(client, connection, key)) for key in keys]


def labels_of(rows: pd.DataFrame) -> np.ndarray | None:
    """The labels of scored rows, None where the file had none."""
    return rows[LABEL].to_numpy(np.int64) if LABEL in rows else None


def manifest_of(
    gauntlet: str, file: InputFile, batch: Batch, scored: Scored, model: str, version: int, scored_at: str
) -> Manifest:
    """The manifest of a file that was just scored."""
    return Manifest(
        gauntlet=gauntlet,
        file=file.path.name,
        sha256=file.sha256,
        source=file.source,
        rows=len(batch.rows),
        alarms=int(scored.alarm.sum()),
        labelled=batch.labels is not None,
        model=model,
        version=version,
        scored_at=scored_at,
    )


def _put(client: Any, connection: Connection, key: str, content: bytes) -> None:
    client.put_object(Bucket=connection.bucket, Key=key, Body=content)


def _get(client: Any, connection: Connection, key: str) -> bytes:
    return bytes(client.get_object(Bucket=connection.bucket, Key=key)["Body"].read())


def _parquet(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()
