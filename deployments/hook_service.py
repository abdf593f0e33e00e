"""What becomes of a call of the webhook: verified, counted, its message's turn taken, its run started once.

    call ─> headers ─> body within limit ─> signature ─> rate ─> schema ─> id never seen ─> flow run ─> 202, its id
            401/400        413/408             401        429   400/422   409/422/503         503

Nothing of the body is believed before the signature is verified. The id is taken before the run is started and kept in
the claims database: of any number of copies one starts a run, also across restarts and with several of these servers.
When the start fails, the id is given back, so that the sender's next attempt counts. 409 says that a run IS started, and
which; while another server is at it, or died over it, the answer is 503: send it again. Whoever is first to end it starts
the run under the message's id as its key, so that Prefect gives the same run to all.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, SecretStr, ValidationError
from sqlalchemy import Engine

from gauntlet.datasets.errors import BadInput, GauntletError, ServiceDown, StaleClaim
from gauntlet.deployments.hook_message import Refused, body_of, message_id, verify
from gauntlet.deployments.hook_start import (
    Kind,
    Start,
    content_of,
    prefect_ready,
    remembered,
    secrets,
    start_deployment,
)
from gauntlet.deployments.readiness import Readings
from gauntlet.deployments.throttle import Throttle
from gauntlet.tasks.claims import Busy, Done, Line, Turn, abandon, begin, finish, open_database, ready

_LOG = logging.getLogger("gauntlet.webhook")
SCOPE = "webhook"
BUSY_S = 5.0  # after which a message that another server is at may be sent again


@dataclass(frozen=True)
class Config:
    """What the server needs. `secrets`, `start` and `prefect_ready` raise `ServiceDown` or `BadInput`."""

    claims_url: str
    secrets: Callable[[], tuple[SecretStr, ...]] = secrets
    start: Start = start_deployment
    prefect_ready: Callable[[], None] = prefect_ready
    body_limit: int = 16_384  # bytes
    body_patience_s: float = 10.0
    turn: timedelta = timedelta(minutes=2)  # of one server with one message: longer than Prefect's own attempts take
    calls_per_minute: float = 120.0  # of one address: as many signed ones, and as many that are not
    starts_per_minute: float = 30.0  # of all: messages that are verified and new
    reading_s: float = 1.0  # for so long nobody asks database and Prefect again whether they are there


class Service:
    """One server's state: its configuration, its throttles, its database once that has answered."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.secrets = remembered(config.secrets)
        self.signed, self.unsigned = Throttle(config.calls_per_minute), Throttle(config.calls_per_minute)
        self.starts = Throttle(config.starts_per_minute)
        needs = {"claims": lambda: ready(self.engine()), "secret": self.secrets, "prefect": config.prefect_ready}
        self.readings = Readings(needs, config.reading_s)
        self._lock = threading.Lock()
        self._engine: Engine | None = None

    def engine(self) -> Engine:
        """The claims database. Opened when first needed: this server may well be up before it."""
        with self._lock:
            if self._engine is None:
                self._engine = open_database(self.config.claims_url)
            return self._engine

    def close(self) -> None:
        """Give the database's connections back."""
        if self._engine is not None:
            self._engine.dispose()


async def take(service: Service, request: Request, kind: Kind, schema: type[BaseModel]) -> str:
    """The id of the flow run that the call's message started; `Refused` otherwise."""
    address = request.client.host if request.client else ""
    try:
        body = await _verified(request, service)
    except Refused as error:  # counted apart: behind a proxy, strangers would else use up the senders' share
        wait = service.unsigned.wait_s(address) if error.status in (400, 401) else 0.0
        if wait:
            raise Refused(429, "too many unsigned calls from this address", retry_after_s=wait) from None
        raise
    if wait := service.signed.wait_s(address):
        raise Refused(429, "too many calls from this address", retry_after_s=wait)
    fields = _parsed(schema, body)
    identity = request.headers["webhook-id"]
    return await run_in_threadpool(_start_once, service, kind, identity, fields)


async def _verified(request: Request, service: Service) -> bytes:
    """The body of a call that is signed; `Refused` otherwise."""
    message_id(request)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused(415, "the body must be application/json")
    body = await body_of(request, service.config.body_limit, service.config.body_patience_s)
    verify(request, body, await run_in_threadpool(_secrets, service))
    return body


def _secrets(service: Service) -> tuple[SecretStr, ...]:
    try:
        return service.secrets()
    except BadInput as error:  # ours to mend, not the sender's
        _LOG.error("%s", error)
        raise Refused(503, "no webhook secret is set on this server", retry_after_s=60) from None


def _parsed(schema: type[BaseModel], body: bytes) -> dict[str, Any]:
    try:
        return schema.model_validate_json(body).model_dump(mode="json")
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_context=False, include_input=False)
        if wrong[0]["type"] == "json_invalid":
            raise Refused(400, "the body is not JSON") from None
        places = (f"{'.'.join(map(str, one['loc'])) or 'body'}: {one['msg']}" for one in wrong)
        raise Refused(422, "; ".join(places)) from None


def _start_once(service: Service, kind: Kind, identity: str, fields: dict[str, Any]) -> str:
    """The id of the flow run that this message started, this time and by this call."""
    engine = service.engine()
    turn = _turn(engine, identity, content_of(kind, fields), service.config.turn)
    try:
        if wait := service.starts.wait_s():
            raise Refused(429, "too many runs were started lately", retry_after_s=wait)
        run = service.config.start(kind, fields, f"{SCOPE}-{identity}")
    except BaseException:
        with suppress(GauntletError):  # it then passes on when the turn expires
            abandon(engine, turn)
        raise
    try:
        line = Line("webhook.accepted", fields["gauntlet"], identity, {"kind": kind, "flow_run_id": run})
        finish(engine, turn, run, line=line)
    except (StaleClaim, ServiceDown) as error:  # the run is started: a copy gets the same one, by its idempotency key
        _LOG.warning("webhook %s started run %s, which could not be written down: %s", identity, run, error)
    _LOG.info("webhook %s: %s started run %s", identity, kind, run)
    return run


def _turn(engine: Engine, identity: str, content: str, ttl: timedelta) -> Turn:
    """The right to start this message's run; `Refused` when that is done, under way elsewhere, or of another message."""
    turn = begin(engine, SCOPE, identity, ttl, content=content)
    if turn.content not in ("", content):
        if isinstance(turn, Turn):
            abandon(engine, turn)
        raise Refused(422, "this webhook-id was used for another message: send this one under an id of its own")
    if isinstance(turn, Done):
        raise Refused(409, f"this message was taken on {turn.when:%Y-%m-%d %H:%M:%S} UTC", flow_run_id=turn.outcome)
    if isinstance(turn, Busy):  # by one that may have died over it: nobody knows yet whether there is a run
        raise Refused(503, "another server is at this message: send it again", retry_after_s=BUSY_S)
    return turn
