"""A signed message: is it whole, fresh and from somebody who knows the secret? Standard Webhooks, version 1.

    webhook-id         one per message, the same when it is sent again
    webhook-timestamp  seconds since 1970, when it was signed; five minutes off is stale
    webhook-signature  "v1," + base64(HMAC-SHA256(secret, "{id}.{timestamp}.{body}")); several, by a space, while keys change

The package `standardwebhooks` does the comparison. It keeps no ids (`gauntlet.tasks.claims.once` does) and answers malformed
headers with whatever Python says; here every one is a refusal with its status.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
import time
from collections.abc import Sequence

from pydantic import SecretStr
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from starlette.requests import ClientDisconnect, Request

from gauntlet.datasets.errors import BadInput

TOLERANCE_S = 300
SHORTEST_SECRET, LONGEST_SECRET = 24, 64  # bytes, as the specification has it
_ID = re.compile(r"[A-Za-z0-9_:=~-]{1,128}")  # no full stop: it separates id, timestamp and body in what is signed
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"v1,[A-Za-z0-9+/]{43}=")  # 32 bytes
_SIGNATURES = 8
_DRAIN = 32  # times the limit: so much of an oversized body is thrown away, so that its sender gets to read the answer


class Refused(Exception):
    """The answer to a call that starts nothing."""

    def __init__(self, status: int, why: str, *, retry_after_s: float | None = None, **more: str) -> None:
        super().__init__(why)
        self.status, self.why, self.retry_after_s, self.more = status, why, retry_after_s, more


def checked_secret(secret: SecretStr) -> SecretStr:
    """The secret, if it is one; what is wrong is said without it.

    Raises:
        BadInput: it is not "whsec_" and the base64 of 24 to 64 bytes.
    """
    try:
        size = len(base64.b64decode(_unpadded(secret) + "==", validate=False))
    except (binascii.Error, ValueError):
        size = 0
    if not re.fullmatch(r"[A-Za-z0-9+/]+", _unpadded(secret)) or not SHORTEST_SECRET <= size <= LONGEST_SECRET:
        raise BadInput(
            None,
            "the webhook secret is not one",
            expected=f"whsec_ and the base64 of {SHORTEST_SECRET} to {LONGEST_SECRET} bytes",
            do="make one with `python -m gauntlet.deployments.webhook_client --new-secret`",
        )
    return secret


def _unpadded(secret: SecretStr) -> str:
    return secret.get_secret_value().removeprefix("whsec_").rstrip("=")


def message_id(request: Request) -> str:
    """The message's id, when the headers are there, in form and fresh. The body has not been looked at yet.

    Raises:
        Refused: 401 unsigned or stale, 400 malformed.
    """
    given = {name: request.headers.getlist(f"webhook-{name}") for name in ("id", "timestamp", "signature")}
    missing = [f"webhook-{name}" for name, values in given.items() if not any(values)]
    if missing:
        raise Refused(401, f"the message is not signed: {', '.join(missing)} missing")
    if any(len(values) > 1 for values in given.values()):
        raise Refused(400, "a webhook header stands there twice")
    identity, timestamp = given["id"][0], given["timestamp"][0]
    if not _ID.fullmatch(identity):
        raise Refused(400, "webhook-id must be 1 to 128 letters, digits or any of _ - : = ~")
    if not _TIMESTAMP.fullmatch(timestamp):
        raise Refused(400, "webhook-timestamp must be whole seconds since 1970")
    if abs(time.time() - int(timestamp)) > TOLERANCE_S:
        raise Refused(401, "the message is stale: it was signed more than five minutes ago, or the clocks differ")
    return identity


async def body_of(request: Request, limit: int, patience_s: float) -> bytes:
    """The body, counted as it comes in: the sender's own word on its length is not relied on.

    Raises:
        Refused: 413 over the limit in bytes, 408 too slow, 400 broken off.
    """
    body, size = bytearray(), 0
    try:
        async with asyncio.timeout(patience_s):
            async for chunk in request.stream():
                size += len(chunk)
                if size <= limit:
                    body += chunk
                elif size > limit * _DRAIN:
                    break
    except TimeoutError:
        raise Refused(408, f"the body did not arrive within {patience_s:.0f} s") from None
    except ClientDisconnect:
        raise Refused(400, "the call broke off") from None
    if size > limit:
        raise Refused(413, f"the body is larger than {limit} bytes")
    return bytes(body)


def verify(request: Request, body: bytes, secrets: Sequence[SecretStr]) -> None:
    """Nothing, when one of the secrets signed id, timestamp and body.

    Raises:
        Refused: 401 none did, 400 the body is not text.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise Refused(400, "the body is not UTF-8") from None
    pieces = request.headers["webhook-signature"].split(" ")[:_SIGNATURES]
    headers = {name: request.headers[name] for name in ("webhook-id", "webhook-timestamp")}
    headers["webhook-signature"] = " ".join(piece for piece in pieces if _SIGNATURE.fullmatch(piece))
    for secret in secrets:
        try:
            Webhook(secret.get_secret_value()).verify(text, headers, json_parse=False)
        except (WebhookVerificationError, ValueError):
            continue
        return
    raise Refused(401, "the signature does not fit the message")
