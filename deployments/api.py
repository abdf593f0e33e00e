"""The HTTP address that a maintenance system calls: `gauntlet api`, or `serve()`.

What becomes of a call is in `hook_service.py`; here is how it is called, and how the server is run.
"""

from __future__ import annotations

import logging
import math
from typing import Any

import uvicorn
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from gauntlet.datasets.errors import BadInput, ServiceDown
from gauntlet.deployments.connections import Limits, protocol
from gauntlet.deployments.hook_message import Refused
from gauntlet.deployments.hook_service import Config, Service, take
from gauntlet.deployments.hook_start import Kind, Maintenance, Retrain
from gauntlet.tasks.claims import sqlite_url
from gauntlet.tasks.runtime.connection import bypass_proxy, export_prefect
from gauntlet.tasks.runtime.settings import private_home, settings

_LOG = logging.getLogger("gauntlet.webhook")


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
    return await _accepted(request, "retrain", Retrain)


@routes.post("/hooks/maintenance", status_code=202, responses=_REFUSALS, openapi_extra=_signed(Maintenance))
async def maintenance(request: Request) -> Accepted:
    """Tell that a machine was worked on, so that its models are re-baselined."""
    return await _accepted(request, "maintenance", Maintenance)


@routes.get("/healthz")
async def healthz() -> dict[str, str]:
    """This server runs."""
    return {"status": "ok"}


@routes.get("/readyz", response_model=Readiness, responses={503: {"model": Readiness, "description": "Not yet."}})
async def readyz(request: Request) -> JSONResponse:
    """Everything that a call needs is there; else which is not. As it was a second ago at most."""
    service: Service = request.app.state.service
    found = await service.readings.read()
    return JSONResponse(found, 200 if set(found.values()) == {"ok"} else 503)


async def _accepted(request: Request, kind: Kind, schema: type[BaseModel]) -> Accepted:
    return Accepted(flow_run_id=await take(request.app.state.service, request, kind, schema))


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
    service = Service(config or from_environment())
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
