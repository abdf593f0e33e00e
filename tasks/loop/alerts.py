"""Tell a chat channel, in Slack's format, once per occasion; a channel that is away never fails the run that tells it.

alert ─> written down ─> sent ─> finished
              └── killed, or the channel is away ──> left undone ──> `send_undone`, by the reaper every five minutes
"""

from __future__ import annotations

import hashlib
import logging
from datetime import timedelta

import requests
from sqlalchemy import Engine
from urllib3.exceptions import HTTPError

from gauntlet.blocks import AlertChannel
from gauntlet.datasets.errors import GauntletError
from gauntlet.tasks.claims import Turn, abandon, begin, finish, left_undone

_LOG = logging.getLogger("gauntlet")
ICONS = {
    "drift": "📈",
    "retrained": "🔁",
    "promoted": "👑",
    "kept": "✋",
    "failed": "🔥",
    "refused": "⏸",
    "corrected": "✏️",
}


def alert(channel: AlertChannel | None, engine: Engine, kind: str, key: str, text: str) -> bool:
    """True when the channel took the message now; False when it is off, knew it already, or cannot be reached.

    The message is written down before it is sent: one that did not arrive is left for `send_undone`, also when this process
    is killed over it. A message that was sent and whose answer was lost counts as taken: it is not sent twice.

    Args:
        channel: None where its block cannot be read: the message waits.
        kind: one of `ICONS`.
        key: what makes the occasion one: the same key is told once, also by another process.
    """
    if channel is not None and _address(channel) is None:
        return False
    try:
        return _deliver(channel, engine, kind, key, text)
    except GauntletError as error:  # the claims database is away: better silent than twice
        _LOG.warning("no alert was sent: %s", error)
        return False


def send_undone(channel: AlertChannel, engine: Engine) -> int:
    """How many messages were sent that had not arrived, oldest first; those of a channel that was switched off are dropped.

    The first one that does not arrive ends it: the channel is away, and the next call goes on.
    """
    sent = 0
    waiting = [(kind, left) for kind in ICONS for left in left_undone(engine, _scope(kind))]
    for kind, left in sorted(waiting, key=lambda pair: pair[1].seen):
        if _address(channel) is None:
            _drop(engine, kind, left.key)
            continue
        text = f"{left.content} (of {left.seen:%Y-%m-%d %H:%M} UTC, sent late)"
        if not _deliver(channel, engine, kind, left.key, left.content, worded=text):
            break
        sent += 1
    return sent


def _deliver(
    channel: AlertChannel | None, engine: Engine, kind: str, key: str, text: str, worded: str | None = None
) -> bool:
    turn = begin(engine, _scope(kind), shortened(key), timedelta(minutes=1), content=text)
    if not isinstance(turn, Turn):
        return False
    if channel is None or not _send(channel, f"{ICONS[kind]} {worded or text}", message_id(kind, key)):
        abandon(engine, turn)
        return False
    finish(engine, turn, "sent")
    return True


def _drop(engine: Engine, kind: str, key: str) -> None:
    turn = begin(engine, _scope(kind), key, timedelta(minutes=1))
    if isinstance(turn, Turn):
        finish(engine, turn, "dropped: the channel is off")


def message_id(kind: str, key: str) -> str:
    """The same for each attempt at one message, so that a receiver can tell a second one: header `webhook-id`."""
    return hashlib.sha256(f"{kind} {shortened(key)}".encode()).hexdigest()[:32]


def shortened(key: str) -> str:
    """At most 200 characters, the claims table's width; a long key keeps its beginning, and its hash tells it apart."""
    return key if len(key) <= 200 else f"{key[:135]} {hashlib.sha256(key.encode()).hexdigest()}"


def _scope(kind: str) -> str:
    return f"alert:{kind}"


def _address(channel: AlertChannel) -> str | None:
    return channel.url.get_secret_value() if channel.enabled and channel.url else None


def _send(channel: AlertChannel, text: str, message: str) -> bool:
    address, headers = _address(channel) or "", {"webhook-id": message}
    try:
        answer = requests.post(address, json={"text": text}, headers=headers, timeout=channel.timeout_s)
    except requests.ConnectionError as error:
        if not _reached(error):
            _LOG.warning("the alert channel cannot be reached")
            return False
        _LOG.warning("the alert channel took the message and gave no answer; it is not sent again")
        return True
    except requests.ReadTimeout:
        _LOG.warning("the alert channel gave no answer in time; the message is not sent again")
        return True
    except requests.RequestException as error:
        _LOG.warning("the alert channel does not answer (%s)", type(error).__name__)  # the address is a secret
        return False
    if not answer.ok:
        _LOG.warning("the alert channel refused the message (status %s)", answer.status_code)
    return answer.ok


def _reached(error: requests.ConnectionError) -> bool:
    """Whether the connection stood, so that the message may have arrived."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    never = isinstance(error, requests.ConnectTimeout | requests.exceptions.ProxyError | requests.exceptions.SSLError)
    return not never and not isinstance(reason, HTTPError)
