"""Scored files in S3: `scores/GAUNTLET/SHA256/` with features, rows and, written last, the manifest that makes it count.

Documents bear our MAC, and the manifest names the digest of its rows: what is not ours is passed over, and said by name.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pandas as pd

from gauntlet.datasets.errors import Altered, Unsigned
from gauntlet.tasks.loop.contract import Batch, InputFile, Manifest, Scored
from gauntlet.tasks.loop.documents import opened, sealed
from gauntlet.tasks.registry.keys import KeyRing, signing_key
from gauntlet.tasks.registry.signing import digest
from gauntlet.tasks.runtime.connection import Connection
from gauntlet.tasks.runtime.steps import say

LABEL, SCORE, ALARM = "_label", "_score", "_alarm"
# By server, bucket, key and ETag. Small documents only: a process that checks every ten minutes for a month reads 4,000.
_READ: dict[tuple[str | None, str, str, str], bytes] = {}


def write(connection: Connection, manifest: Manifest, batch: Batch, scored: Scored) -> str:
    """The address of the scored file; writing it again, after a cut, replaces it by the same."""
    client = connection.s3()
    rows = batch.rows.assign(**{SCORE: scored.score, ALARM: scored.alarm})
    if batch.labels is not None:
        rows[LABEL] = batch.labels
    content = _parquet(rows)
    _put(client, connection, f"{manifest.prefix}/rows.parquet", content)
    features = scored.features.assign(**{SCORE: scored.score, ALARM: scored.alarm})
    _put(client, connection, f"{manifest.prefix}/predictions.parquet", _parquet(features))
    if scored.memory is not None:
        key = f"{_memories(manifest.gauntlet, manifest.group)}{_stamp(manifest.last_s)}-{manifest.sha256[:12]}.json"
        put_document(connection, key, scored.memory)
    put_document(connection, f"{manifest.prefix}/manifest.json", asdict(replace(manifest, rows_sha256=digest(content))))
    return f"s3://{connection.bucket}/{manifest.prefix}"


def newest(connection: Connection, gauntlet: str, rows: int) -> list[Manifest]:
    """The newest scored files that together have at least `rows` rows, or all there are; oldest first."""
    taken: list[Manifest] = []
    count = 0
    for manifest in sorted(manifests(connection, gauntlet), key=lambda m: (m.scored_at, m.sha256), reverse=True):
        taken.append(manifest)
        count += manifest.rows
        if count >= rows:
            break
    return taken[::-1]


def manifests(connection: Connection, gauntlet: str) -> Iterator[Manifest]:
    """Every scored file of a gauntlet, by manifests that are ours."""
    for document in _documents(connection, _below(connection, f"scores/{gauntlet}/", "/manifest.json")):
        yield Manifest(**document)


def memory_before(
    connection: Connection, gauntlet: str, group: str, seconds: float | None = None
) -> dict[str, Any] | None:
    """What scoring of the newest rows of a group that are older left behind, of all rows by default; None for the first.

    A memory that is not ours counts as if it were not there.
    """
    client, prefix = connection.s3(), _memories(gauntlet, group)
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=connection.bucket, Prefix=prefix)
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    earlier = [key for key in keys if seconds is None or key.removeprefix(prefix) < _stamp(seconds)]
    newest_first = ((key, _get(client, connection, key)) for key in sorted(earlier, reverse=True))
    return next(_documents(connection, newest_first), None)


def _memories(gauntlet: str, group: str) -> str:
    return f"memories/{gauntlet}/{group}/"


def _stamp(seconds: float | None) -> str:
    """Sorts as the time does, for all times after 1970."""
    return f"{max(0.0, seconds or 0.0):016.3f}"


def rows_of(connection: Connection, manifest: Manifest) -> pd.DataFrame:
    """The raw rows of a scored file with `_score`, `_alarm` and, where known, `_label`.

    Raises:
        Altered: they are not those that the manifest speaks of.
    """
    key = f"{manifest.prefix}/rows.parquet"
    content = _get(connection.s3(), connection, key)
    if digest(content) != manifest.rows_sha256:
        raise Altered(f"{key} was changed since {manifest.file} was scored. Remove {manifest.prefix}/ from the bucket.")
    return pd.read_parquet(io.BytesIO(content))


def put(connection: Connection, key: str, content: bytes, kind: str = "application/octet-stream") -> str:
    """The address of an object, written now."""
    connection.s3().put_object(Bucket=connection.bucket, Key=key, Body=content, ContentType=kind)
    return f"s3://{connection.bucket}/{key}"


def put_document(connection: Connection, key: str, document: Mapping[str, Any]) -> str:
    """The address of a document, written now under our MAC. The first folder of its key says what kind it is."""
    return put(connection, key, sealed(key, document, _ring(connection)), "application/json")


def listed(connection: Connection, prefix: str) -> list[dict[str, Any]]:
    """The documents below a prefix that are ours, by the order of their keys."""
    return list(_documents(connection, _below(connection, prefix, ".json")))


def _documents(connection: Connection, found: Iterable[tuple[str, bytes]]) -> Iterator[dict[str, Any]]:
    """Those of (key, content) that bear our MAC; the others are said by name."""
    ring = _ring(connection)
    for key, content in found:
        try:
            yield opened(key, content, ring)
        except Unsigned as error:
            say(f"{error}: it steers nothing")


def _ring(connection: Connection) -> KeyRing:
    return signing_key(connection.key_file)


def labels_of(rows: pd.DataFrame) -> np.ndarray | None:
    """The labels of scored rows, None where the file had none."""
    return rows[LABEL].to_numpy(np.int64) if LABEL in rows else None


def manifest_of(
    gauntlet: str, file: InputFile, batch: Batch, scored: Scored, model: str, version: int, scored_at: str
) -> Manifest:
    """The manifest of a file that was just scored."""
    return Manifest(
        gauntlet=gauntlet,
        file=file.name,
        sha256=file.sha256,
        source=file.source,
        rows=len(batch.rows),
        alarms=int(scored.alarm.sum()),
        labelled=batch.labels is not None,
        model=model,
        version=version,
        scored_at=scored_at,
        group=batch.group,
        off=batch.off,
        first_s=scored.span[0] if scored.span else None,
        last_s=scored.span[1] if scored.span else None,
    )


def _below(connection: Connection, prefix: str, end: str) -> Iterator[tuple[str, bytes]]:
    """Key and content of the objects whose key begins and ends so, by the order of their keys; read once while they stay the same."""
    client, place = connection.s3(), (connection.s3_endpoint_url, connection.bucket)
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=connection.bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            if item["Key"].endswith(end):
                known = (*place, item["Key"], item["ETag"])
                if known not in _READ:
                    _READ[known] = _get(client, connection, item["Key"])
                yield item["Key"], _READ[known]


def _put(client: Any, connection: Connection, key: str, content: bytes) -> None:
    client.put_object(Bucket=connection.bucket, Key=key, Body=content)


def _get(client: Any, connection: Connection, key: str) -> bytes:
    return bytes(client.get_object(Bucket=connection.bucket, Key=key)["Body"].read())


def _parquet(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()
