"""The loop's own documents - manifests, memories, verdicts, work orders - under a MAC by our key.

    {"document": {...}, "by": "name of the key", "mac": HMAC-SHA256 over "kind NUL S3 key NUL canonical document"}

Whoever may write into the bucket may leave anything there; it steers nothing. The kind and the place are under the MAC,
so that a good document is no good elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gauntlet.datasets.errors import Unsigned
from gauntlet.tasks.registry.keys import KeyRing

# By the first folder of their key.
KINDS = {
    "scores": "manifest",
    "memories": "memory",
    "drift": "verdict",
    "maintenance": "work order",
    "waiting": "waiting rows",
}


def sealed(key: str, document: Mapping[str, Any], ring: KeyRing) -> bytes:
    """The document as it is written at this S3 key."""
    plain = json.loads(json.dumps(document))
    by, mac = ring.mac(_covered(key, plain))
    return json.dumps({"document": plain, "by": by, "mac": mac}, indent=1).encode()


def opened(key: str, content: bytes, ring: KeyRing) -> dict[str, Any]:
    """The document that we wrote at this S3 key.

    Raises:
        Unsigned: it bears no MAC, or none that a key of ours made for this kind, place and text.
    """
    try:
        envelope = json.loads(content)
        document, mac = dict(envelope["document"]), str(envelope["mac"])
        well = ring.mac_is(mac, _covered(key, document))
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Unsigned(f"{key}: no {_kind(key)} of ours, it bears no MAC") from None
    if not well:
        raise Unsigned(f"{key}: no {_kind(key)} of ours, its MAC is not by our keys for this text and place")
    return document


def _covered(key: str, document: Mapping[str, Any]) -> bytes:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return b"\0".join((_kind(key).encode(), key.encode(), text.encode()))


def _kind(key: str) -> str:
    return KINDS[key.partition("/")[0]]
