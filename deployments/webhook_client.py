r"""Send a signed message: `python -m gauntlet.deployments.webhook_client URL BODY`, or with nothing but curl and openssl.

The secret comes from `GAUNTLET_WEBHOOK_SECRET`; make one with `python -m gauntlet.deployments.webhook_client --new-secret`.
BODY is the JSON itself, `@FILE`, or `-` for standard input.

    python -m gauntlet.deployments.webhook_client http://127.0.0.1:8000/hooks/maintenance \
        '{"gauntlet": "nasa", "machine": "2nd_test", "unit": "bearing 1", "work_order": "4711",
          "action": "part_replaced", "closed": "2026-03-01T12:00:00Z"}'

The same by hand, in any shell:

    URL=http://127.0.0.1:8000/hooks/retrain
    BODY='{"gauntlet": "ai4i", "reason": "new tool steel since Monday"}'
    ID="msg_$(openssl rand -hex 12)"
    NOW=$(date +%s)
    KEY=$(printf %s "${GAUNTLET_WEBHOOK_SECRET#whsec_}" | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n')
    SIGNATURE=$(printf %s "$ID.$NOW.$BODY" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$KEY" -binary | openssl base64 -A)
    curl --silent --show-error --request POST "$URL" --header 'Content-Type: application/json' \
        --header "webhook-id: $ID" --header "webhook-timestamp: $NOW" --header "webhook-signature: v1,$SIGNATURE" \
        --data-binary "$BODY"

A message that was not answered, or with 408, 429 or 5xx, is sent again with the same id and a new timestamp and signature, until
the answer is 202 or a 409 that names the run: then exactly one run is started. When that takes longer than this program waits, it
ends with status 1 and says the id: call it again with `--id`.
"""

from __future__ import annotations

import base64
import os
import secrets
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import requests
from standardwebhooks.webhooks import Webhook

PATIENCE_S = 600.0
LONGEST_WAIT_S = 60.0
_AGAIN = (408, 429, 500, 502, 503, 504)
_LOST = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)


def new_secret() -> str:
    """A secret of 32 random bytes, in the form of Standard Webhooks."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def signed(body: str, secret: str, message_id: str, at: float | None = None) -> dict[str, str]:
    """The headers that go with a body; `at` is the moment of signing, in seconds since 1970."""
    moment = datetime.fromtimestamp(int(time.time() if at is None else at), UTC)
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, moment, body),
    }


def send(
    url: str, body: str, secret: str, message_id: str | None = None, patience_s: float = PATIENCE_S
) -> requests.Response:
    """The server's last answer: the message was taken (see `taken`), refused, or not taken within `patience_s`.

    Raises:
        requests.RequestException: nobody answered, for as long.
    """
    identity = message_id or new_id()
    deadline, attempt = time.monotonic() + patience_s, 0
    while True:
        attempt += 1
        wait = min(2.0**attempt, LONGEST_WAIT_S)
        try:
            answer = requests.post(
                url, body.encode(), headers=signed(body, secret, identity), timeout=60, allow_redirects=False
            )
        except _LOST:  # whether it was taken, nobody knows: the same id makes it one run
            if time.monotonic() + wait > deadline:
                raise
        else:
            again = answer.status_code in _AGAIN or (answer.status_code == 409 and not taken(answer))
            wait = min(_asked_for(answer, wait), LONGEST_WAIT_S)
            if not again or time.monotonic() + wait > deadline:
                return answer
        time.sleep(wait)


def new_id() -> str:
    """An id that no other message has."""
    return f"msg_{secrets.token_hex(12)}"


def taken(answer: requests.Response) -> bool:
    """True when the answer says which run this message started, now or before."""
    if answer.status_code not in (202, 409):
        return False
    try:
        said = answer.json()
    except ValueError:
        return answer.status_code == 202
    return answer.status_code == 202 or (isinstance(said, dict) and bool(said.get("flow_run_id")))


def _asked_for(answer: requests.Response, otherwise: float) -> float:
    try:
        return max(0.0, float(answer.headers["Retry-After"]))
    except (KeyError, ValueError):  # not said, or a date
        return otherwise


def main(arguments: list[str]) -> int:
    """0 when the message was taken, now or before; 1 when it was refused; 2 when the call is wrong."""
    if arguments == ["--new-secret"]:
        print(new_secret())
        return 0
    secret = os.environ.get("GAUNTLET_WEBHOOK_SECRET", "").split()
    identity = new_id()
    if len(arguments) == 4 and arguments[0] == "--id":
        identity, arguments = arguments[1], arguments[2:]
    if len(arguments) != 2 or not secret:
        print(
            "usage: GAUNTLET_WEBHOOK_SECRET=whsec_… python -m gauntlet.deployments.webhook_client [--id ID] URL BODY|@FILE|-",
            file=sys.stderr,
        )
        return 2
    url, text = arguments
    body = sys.stdin.read() if text == "-" else Path(text[1:]).read_text() if text.startswith("@") else text
    try:
        answer = send(url, body, secret[0], identity)
    except requests.RequestException as error:
        print(
            f"{urlsplit(url).hostname} does not answer ({type(error).__name__}): send it again with --id {identity}",
            file=sys.stderr,
        )
        return 1
    print(answer.status_code, answer.text)
    if answer.status_code in _AGAIN or (answer.status_code == 409 and not taken(answer)):
        print(f"not known to be taken: send it again with --id {identity}", file=sys.stderr)
    return 0 if taken(answer) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
