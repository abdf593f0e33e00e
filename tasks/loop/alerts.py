"""Tell a chat channel, in Slack's format, once per occasion; a channel that is away never fails the run that tells it."""

from __future__ import annotations

import logging
from datetime import timedelta

import requests
from sqlalchemy import Engine
from urllib3.exceptions import HTTPError

from gauntlet.blocks import AlertChannel
from gauntlet.datasets.errors import GauntletError
from gauntlet.tasks.claims import Turn, abandon, begin, finish

_LOG = logging.getLogger("gauntlet")
ICONS = {"drift": "📈", "retrained": "🔁", "promoted": "👑", "kept": "✋", "failed": "🔥", "refused": "⏸"}


def alert(channel: AlertChannel | None, engine: Engine, kind: str, key: str, text: str) -> bool:
    """True when the channel took the message now; False when it is off, knew it already, or cannot be reached.

    A message that was sent and whose answer was lost counts as taken: it is not sent twice.

    Args:
        kind: one of `ICONS`.
        key: what makes the occasion one: the same key is told once, also by another process.
    """
    if channel is None or not channel.enabled or channel.url is None:
        return False
    try:
        turn = begin(engine, f"alert:{kind}", key, timedelta(minutes=1))
        if not isinstance(turn, Turn):
            return False
        if not _send(channel, f"{ICONS[kind]} {text}"):
            abandon(engine, turn)
            return False
        finish(engine, turn, "sent")
    except GauntletError as error:  # the claims database is away: better silent than twice
        _LOG.warning("no alert was sent: %s", error)
        return False
    return True


def _send(channel: AlertChannel, text: str) -> bool:
    address = channel.url.get_secret_value() if channel.url else ""
    try:
        answer = requests.post(address, json={"text": text}, timeout=channel.timeout_s)
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
