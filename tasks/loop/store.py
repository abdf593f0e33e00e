"""Scored files in S3: `scores/GAUNTLET/SHA256/` with features, rows and, written last, the manifest that makes it count.

Documents bear our MAC, and the manifest names the digest of its rows: what is not ours is passed over, and said by name.
A worker that lost its turn writes nothing: an object takes the place of the one that was there when the turn was checked,
and of no other. What is dated later than S3 says that it was written comes from a wrong clock and is not looked at.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from http import HTTPStatus
from typing import Any

import numpy as np
import pandas as pd
from botocore.exceptions import ClientError

from gauntlet.datasets.errors import Altered, StaleClaim, Unsigned
from gauntlet.tasks.claims import AHEAD, Check, always
from gauntlet.tasks.loop.contract import Batch, InputFile, Manifest, Scored
from gauntlet.tasks.loop.documents import opened, sealed
from gauntlet.tasks.registry.keys import KeyRing, signing_key
from gauntlet.tasks.registry.signing import digest
from gauntlet.tasks.runtime.connection import Connection
from gauntlet.tasks.runtime.steps import say

LABEL, SCORE, ALARM = "_label", "_score", "_alarm"
NOT_FOUND, CONFLICT, PRECONDITION_FAILED = HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED
NOT_IMPLEMENTED = HTTPStatus.NOT_IMPLEMENTED
_TRIES = 5
# By server, bucket, key and ETag. Small documents only: a process that checks every ten minutes for a month reads 4,000.
_READ: dict[tuple[str | None, str, str, str], bytes] = {}


def write(connection: Connection, manifest: Manifest, batch: Batch, scored: Scored, check: Check) -> str:
    """The address of the scored file; writing it again, after a cut, replaces it by the same.

    Raises:
        StaleClaim: `check` says that another has the turn; of the manifest nothing was written.
    """
    client = connection.s3()
    rows = batch.rows.assign(**{SCORE: scored.score, ALARM: scored.alarm})
    if batch.labels is not None:
        rows[LABEL] = batch.labels
    content = _parquet(rows)
    _put(client, connection, f"{manifest.prefix}/rows.parquet", content, check)
    features = scored.features.assign(**{SCORE: scored.score, ALARM: scored.alarm})
    _put(client, connection, f"{manifest.prefix}/predictions.parquet", _parquet(features), check)
    if scored.memory is not None:
        put_document(connection, _memory(manifest), scored.memory, check)
    document = asdict(replace(manifest, rows_sha256=digest(content)))
    put_document(connection, f"{manifest.prefix}/manifest.json", document, check)
    return f"s3://{connection.bucket}/{manifest.prefix}"


def is_kept(connection: Connection, manifest: Manifest, remembered: bool) -> bool:
    """Whether S3 still has all of a scored file; `remembered`: scoring left a memory behind, too."""
    client = connection.s3()
    found = client.list_objects_v2(Bucket=connection.bucket, Prefix=f"{manifest.prefix}/").get("Contents", [])
    names = {item["Key"].removeprefix(f"{manifest.prefix}/") for item in found}
    if not {"rows.parquet", "predictions.parquet", "manifest.json"} <= names:
        return False
    return not remembered or manifest.last_s is None or _etag(client, connection, _memory(manifest)) is not None


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
    for written, document in _documents(connection, _below(connection, f"scores/{gauntlet}/", "/manifest.json")):
        manifest = Manifest(**document)
        if manifest.last_s is not None and manifest.last_s > _latest_s(written):
            continue
        if datetime.fromisoformat(manifest.scored_at).timestamp() > _latest_s(written):
            manifest = replace(manifest, scored_at=written.isoformat(timespec="microseconds"))
        yield manifest


def memory_before(
    connection: Connection, gauntlet: str, group: str, seconds: float | None = None
) -> dict[str, Any] | None:
    """What scoring of the newest rows of a group that are older left behind, of all rows by default; None for the first.

    A memory that is not ours counts as if it were not there.
    """
    client, prefix = connection.s3(), _memories(gauntlet, group)
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=connection.bucket, Prefix=prefix)
    items = [item for page in pages for item in page.get("Contents", [])]
    written = {item["Key"]: item["LastModified"] for item in items}
    known = [key for key, moment in written.items() if key.removeprefix(prefix) < _stamp(_latest_s(moment))]
    earlier = [key for key in known if seconds is None or key.removeprefix(prefix) < _stamp(seconds)]
    newest_first = ((key, written[key], _get(client, connection, key)) for key in sorted(earlier, reverse=True))
    return next((document for _, document in _documents(connection, newest_first)), None)


def _memories(gauntlet: str, group: str) -> str:
    return f"memories/{gauntlet}/{group}/"


def _memory(manifest: Manifest) -> str:
    return f"{_memories(manifest.gauntlet, manifest.group)}{_stamp(manifest.last_s)}-{manifest.sha256[:12]}.json"


def _latest_s(written: datetime) -> float:
    return (written + AHEAD).timestamp()


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


def put(
    connection: Connection, key: str, content: bytes, kind: str = "application/octet-stream", check: Check = always
) -> str:
    """The address of an object, written now.

    Raises:
        StaleClaim: `check` says that another has the turn; nothing was written.
    """
    _put(connection.s3(), connection, key, content, check, kind)
    return f"s3://{connection.bucket}/{key}"


def put_document(connection: Connection, key: str, document: Mapping[str, Any], check: Check = always) -> str:
    """The address of a document, written now under our MAC. The first folder of its key says what kind it is.

    Raises:
        StaleClaim: `check` says that another has the turn; nothing was written.
    """
    return put(connection, key, sealed(key, document, _ring(connection)), "application/json", check)


def listed(connection: Connection, prefix: str) -> list[dict[str, Any]]:
    """The documents below a prefix that are ours, by the order of their keys."""
    return [document for _, document in dated(connection, prefix)]


def dated(connection: Connection, prefix: str) -> list[tuple[datetime, dict[str, Any]]]:
    """The documents below a prefix that are ours, by the order of their keys, and the latest moment that each may speak of."""
    found = _documents(connection, _below(connection, prefix, ".json"))
    return [(written + AHEAD, document) for written, document in found]


def _documents(
    connection: Connection, found: Iterable[tuple[str, datetime, bytes]]
) -> Iterator[tuple[datetime, dict[str, Any]]]:
    """Those of (key, when written, content) that bear our MAC; the others are said by name."""
    ring = _ring(connection)
    for key, written, content in found:
        try:
            yield written, opened(key, content, ring)
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
        ahead=len(batch.ahead),
        first_s=scored.span[0] if scored.span else None,
        last_s=scored.span[1] if scored.span else None,
    )


def _below(connection: Connection, prefix: str, end: str) -> Iterator[tuple[str, datetime, bytes]]:
    """Key, when written and content of the objects whose key begins and ends so, by the order of their keys.

    They are read once while they stay the same.
    """
    client, place = connection.s3(), (connection.s3_endpoint_url, connection.bucket)
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=connection.bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            if item["Key"].endswith(end):
                known = (*place, item["Key"], item["ETag"])
                if known not in _READ:
                    _READ[known] = _get(client, connection, item["Key"])
                yield item["Key"], item["LastModified"], _READ[known]


def _put(
    client: Any,
    connection: Connection,
    key: str,
    content: bytes,
    check: Check,
    kind: str = "application/octet-stream",
) -> None:
    """Written in the place of what was there when the turn was checked; what another wrote since then stays."""
    for _ in range(_TRIES):
        place = {"Bucket": connection.bucket, "Key": key, "Body": content, "ContentType": kind}
        etag = _etag(client, connection, key)
        check()
        try:
            client.put_object(**place, **({"IfMatch": etag} if etag else {"IfNoneMatch": "*"}))
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            if status == NOT_IMPLEMENTED:  # a store without conditions: the check is all there is
                client.put_object(**place)
            elif status not in (NOT_FOUND, CONFLICT, PRECONDITION_FAILED):
                raise
            else:
                continue
        return
    raise StaleClaim(f"others keep writing s3://{connection.bucket}/{key}: this worker has written nothing there.")


def _etag(client: Any, connection: Connection, key: str) -> str | None:
    try:
        return str(client.head_object(Bucket=connection.bucket, Key=key)["ETag"])
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == NOT_FOUND:
            return None
        raise


def _get(client: Any, connection: Connection, key: str) -> bytes:
    return bytes(client.get_object(Bucket=connection.bucket, Key=key)["Body"].read())


def _parquet(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()
