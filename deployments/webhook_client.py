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

A message that was not answered is sent again with the same id and a new timestamp and signature: 202 and 409 both say
that it was taken, and it is taken once.
"""

from __future__ import annotations

import base64
import os
import secrets
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import requests
from standardwebhooks.webhooks import Webhook

ATTEMPTS = 5
_AGAIN = (429, 503)


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


def send(url: str, body: str, secret: str, message_id: str | None = None) -> requests.Response:
    """The server's last answer. While it is away or asks for patience, the same message is sent again, five times."""
    identity = message_id or f"msg_{secrets.token_hex(12)}"
    for attempt in range(1, ATTEMPTS + 1):
        try:
            answer = requests.post(
                url, body.encode(), headers=signed(body, secret, identity), timeout=60, allow_redirects=False
            )
            if answer.status_code not in _AGAIN or attempt == ATTEMPTS:
                return answer
            wait = float(answer.headers.get("Retry-After", 2**attempt))
        except requests.ConnectionError:
            if attempt == ATTEMPTS:
                raise
            wait = 2.0**attempt
        time.sleep(min(wait, 60.0))
    raise AssertionError("unreachable")


def main(arguments: list[str]) -> int:
    """0 when the message was taken, now or before; 1 when it was refused; 2 when the call is wrong."""
    if arguments == ["--new-secret"]:
        print(new_secret())
        return 0
    secret = os.environ.get("GAUNTLET_WEBHOOK_SECRET", "").split()
    if len(arguments) != 2 or not secret:
        print(
            "usage: GAUNTLET_WEBHOOK_SECRET=whsec_… python -m gauntlet.deployments.webhook_client URL BODY|@FILE|-",
            file=sys.stderr,
        )
        return 2
    url, text = arguments
    body = sys.stdin.read() if text == "-" else Path(text[1:]).read_text() if text.startswith("@") else text
    try:
        answer = send(url, body, secret[0])
    except requests.RequestException as error:
        print(f"{url} does not answer ({type(error).__name__})", file=sys.stderr)
        return 1
    print(answer.status_code, answer.text)
    return 0 if answer.status_code in (202, 409) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
