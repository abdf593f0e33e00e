"""Objects and documents of the loop in S3. Documents bear our MAC: what is not ours is passed over, and said by name.

A worker that lost its turn writes nothing: an object takes the place of the one that was there when the turn was checked,
and of no other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from botocore.exceptions import ClientError

from gauntlet.datasets.errors import StaleClaim, Unsigned
from gauntlet.tasks.claims import AHEAD, Check, always
from gauntlet.tasks.loop.documents import opened, sealed
from gauntlet.tasks.registry.keys import KeyRing, signing_key
from gauntlet.tasks.runtime.connection import Connection
from gauntlet.tasks.runtime.steps import say

NOT_FOUND, CONFLICT, PRECONDITION_FAILED = HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED
NOT_IMPLEMENTED = HTTPStatus.NOT_IMPLEMENTED
_TRIES = 5
# By server, bucket, key and ETag. Small documents only: a process that checks every ten minutes for a month reads 4,000.
_READ: dict[tuple[str | None, str, str, str], bytes] = {}


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
    found = documents(connection, below(connection, prefix, ".json"))
    return [(written + AHEAD, document) for written, document in found]


def documents(
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


def below(connection: Connection, prefix: str, end: str) -> Iterator[tuple[str, datetime, bytes]]:
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


def get(connection: Connection, key: str) -> bytes | None:
    """The content of an object, None where there is none."""
    try:
        return _get(connection.s3(), connection, key)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == NOT_FOUND:
            return None
        raise


def document(connection: Connection, key: str) -> dict[str, Any] | None:
    """The document at this key, None where there is none that is ours."""
    content = get(connection, key)
    if content is None:
        return None
    return next((one for _, one in documents(connection, [(key, datetime.now(UTC), content)])), None)


def keys(connection: Connection, prefix: str) -> list[tuple[str, datetime]]:
    """The keys below a prefix, in their order, and when each was written."""
    pages = connection.s3().get_paginator("list_objects_v2").paginate(Bucket=connection.bucket, Prefix=prefix)
    return [(item["Key"], item["LastModified"]) for page in pages for item in page.get("Contents", [])]


def remove(connection: Connection, key: str) -> None:
    """The object is gone, also where there was none."""
    connection.s3().delete_object(Bucket=connection.bucket, Key=key)
