"""The HTTP address that a maintenance system calls: `gauntlet api`, or `serve()`.

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
import math
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import uvicorn
from fastapi import APIRouter, FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, SecretStr, ValidationError
from sqlalchemy import Engine

from gauntlet.datasets.errors import BadInput, GauntletError, ServiceDown, StaleClaim
from gauntlet.deployments.connections import Limits, protocol
from gauntlet.deployments.hook_message import Refused, body_of, message_id, verify
from gauntlet.deployments.hook_start import (
    Kind,
    Maintenance,
    Retrain,
    Start,
    content_of,
    prefect_ready,
    remembered,
    secrets,
    start_deployment,
)
from gauntlet.deployments.throttle import Throttle
from gauntlet.tasks.claims import Busy, Done, Line, Turn, abandon, begin, finish, open_database, ready, sqlite_url
from gauntlet.tasks.runtime.connection import bypass_proxy, export_prefect
from gauntlet.tasks.runtime.settings import private_home, settings

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


class Accepted(BaseModel):
    """The call was taken."""

    flow_run_id: str = Field(description="The run in Prefect, which decides and does the rest.")


class Refusal(BaseModel):
    """The call started nothing."""

    detail: Any = Field(description="Why.")
    flow_run_id: str | None = Field(None, description="409: the run that this very message started before.")


class Readiness(BaseModel):
    """`ok`, or what is missing, of each thing that a call needs."""

    claims: str
    secret: str
    prefect: str


class _Service:
    """One server's state: its configuration, its throttles, its database once that has answered."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.secrets = remembered(config.secrets)
        self.signed, self.unsigned = Throttle(config.calls_per_minute), Throttle(config.calls_per_minute)
        self.starts = Throttle(config.starts_per_minute)
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


_REASONS = {
    400: "Malformed.",
    401: "Unsigned, altered or stale.",
    408: "The body came too slowly.",
    409: "This very message started a run before: nothing more is to be done.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "The body does not fit the schema, or the id was used for another message.",
    429: "Too many calls; see `Retry-After`.",
    503: "Prefect, the claims database or the secret is away, or another server is at it; send it again, see `Retry-After`.",
}
_REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": Refusal, "description": why} for status, why in _REASONS.items()
}
_HEADERS = {
    "webhook-id": "One per message; the same when it is sent again.",
    "webhook-timestamp": "Whole seconds since 1970, when it was signed.",
    "webhook-signature": 'As in Standard Webhooks: "v1," and the base64 of HMAC-SHA256 over "id.timestamp.body".',
}
routes = APIRouter()


def _signed(body: type[BaseModel]) -> dict[str, Any]:
    """The part of the OpenAPI document that FastAPI cannot know: the body is read raw, because it is signed so."""
    return {
        "requestBody": {"required": True, "content": {"application/json": {"schema": body.model_json_schema()}}},
        "parameters": [
            {"name": name, "in": "header", "required": True, "description": what, "schema": {"type": "string"}}
            for name, what in _HEADERS.items()
        ],
    }


@routes.post("/hooks/retrain", status_code=202, responses=_REFUSALS, openapi_extra=_signed(Retrain))
async def retrain(request: Request) -> Accepted:
    """Ask for a retraining."""
    return await _take(request, "retrain", Retrain)


@routes.post("/hooks/maintenance", status_code=202, responses=_REFUSALS, openapi_extra=_signed(Maintenance))
async def maintenance(request: Request) -> Accepted:
    """Tell that a machine was worked on, so that its models are re-baselined."""
    return await _take(request, "maintenance", Maintenance)


@routes.get("/healthz")
async def healthz() -> dict[str, str]:
    """This server runs."""
    return {"status": "ok"}


@routes.get("/readyz", response_model=Readiness, responses={503: {"model": Readiness, "description": "Not yet."}})
async def readyz(request: Request) -> JSONResponse:
    """Everything that a call needs is there; else which is not."""
    service: _Service = request.app.state.service
    needs = {
        "claims": lambda: ready(service.engine()),
        "secret": service.secrets,
        "prefect": service.config.prefect_ready,
    }
    found = {name: await run_in_threadpool(_how, need) for name, need in needs.items()}
    return JSONResponse(found, 200 if set(found.values()) == {"ok"} else 503)


def _how(need: Callable[[], object]) -> str:
    try:
        need()
    except GauntletError as error:
        _LOG.warning("not ready: %s", error)
        return "away" if isinstance(error, ServiceDown) else "not set"
    return "ok"


async def _take(request: Request, kind: Kind, schema: type[BaseModel]) -> Accepted:
    service: _Service = request.app.state.service
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
    return Accepted(flow_run_id=await run_in_threadpool(_start_once, service, kind, identity, fields))


async def _verified(request: Request, service: _Service) -> bytes:
    """The body of a call that is signed; `Refused` otherwise."""
    message_id(request)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused(415, "the body must be application/json")
    body = await body_of(request, service.config.body_limit, service.config.body_patience_s)
    verify(request, body, await run_in_threadpool(_secrets, service))
    return body


def _secrets(service: _Service) -> tuple[SecretStr, ...]:
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


def _start_once(service: _Service, kind: Kind, identity: str, fields: dict[str, Any]) -> str:
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


def _refused(request: Request, error: Refused) -> JSONResponse:
    address = request.client.host if request.client else "somebody"
    _LOG.warning("refused %s from %s: %d, %s", request.url.path, address, error.status, error.why)
    headers = {} if error.retry_after_s is None else {"Retry-After": str(math.ceil(error.retry_after_s))}
    if error.status == 413:
        headers["Connection"] = "close"
    return JSONResponse({"detail": error.why, **error.more}, error.status, headers)


def _away(_request: Request, error: ServiceDown) -> JSONResponse:
    _LOG.error("%s", error)
    return JSONResponse({"detail": f"{error.service} does not answer"}, 503, {"Retry-After": "30"})


def _bad_input(_request: Request, error: BadInput) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, 422)


def app(config: Config | None = None) -> FastAPI:
    """The server; without a configuration that of the environment."""
    service = _Service(config or from_environment())
    # No pages of documentation: they would load scripts from elsewhere. The document itself is at /openapi.json.
    made = FastAPI(
        title="Gauntlet",
        summary="Retraining and maintenance events",
        docs_url=None,
        redoc_url=None,
        on_shutdown=[service.close],
    )
    made.state.service = service
    made.include_router(routes)
    made.add_exception_handler(Refused, _refused)  # type: ignore[arg-type]
    made.add_exception_handler(ServiceDown, _away)  # type: ignore[arg-type]
    made.add_exception_handler(BadInput, _bad_input)  # type: ignore[arg-type]
    return made


def from_environment() -> Config:
    """The configuration of the settings; this process knows where Prefect is afterwards."""
    cfg = settings()
    private_home(cfg)
    export_prefect(cfg)
    bypass_proxy()
    return Config(claims_url=cfg.claims_url.get_secret_value() if cfg.claims_url else sqlite_url(cfg.state))


def server(
    config: Config | None = None, host: str = "127.0.0.1", port: int = 8000, limits: Limits | None = None
) -> uvicorn.Server:
    """The server, not yet running. For other machines put one that speaks TLS in front, and name it a trusted proxy: whom
    it calls the caller (`X-Forwarded-For`) is one; the word of anybody else on that is not taken."""
    limits = limits or Limits()
    return uvicorn.Server(
        uvicorn.Config(
            app(config),
            host=host,
            port=port,
            http=protocol(limits),
            h11_max_incomplete_event_size=4 * limits.head_bytes,  # the protocol's own limit comes first
            access_log=False,
            server_header=False,
            backlog=256,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=15,
            limit_concurrency=limits.connections + 2,
            proxy_headers=bool(limits.trusted_proxies),
            forwarded_allow_ips=list(limits.trusted_proxies),
        )
    )


def serve(
    config: Config | None = None, host: str = "127.0.0.1", port: int = 8000, limits: Limits | None = None
) -> None:
    """Answer calls until told to stop; see `server`."""
    server(config, host, port, limits).run()
