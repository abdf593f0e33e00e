"""What a verified message does: its body's schema, the secret it is verified with, and the flow run that it starts."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from gauntlet.datasets.errors import BadInput, GauntletError, ServiceDown
from gauntlet.deployments.hook_message import checked_secret
from gauntlet.tasks.gauntlets import IN_LOOP
from gauntlet.tasks.runtime.settings import settings

Kind = Literal["retrain", "maintenance"]
DEPLOYMENTS: Mapping[Kind, str] = {
    "retrain": "retrain/retrain-on-request",
    "maintenance": "retrain/retrain-on-maintenance",
}
SECRET_VARIABLE = "GAUNTLET_WEBHOOK_SECRET"  # noqa: S105 - a name, no secret
SECRET_BLOCK = "gauntlet-webhook"  # noqa: S105 - of Prefect's own block type Secret
SECRET_MEMORY_S = 60.0


def _line(least: int, most: int) -> Any:
    return StringConstraints(min_length=least, max_length=most, strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]*$")


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    gauntlet: Literal[IN_LOOP] = Field(  # type: ignore[valid-type]  # the table's names, for the schema
        description="Which gauntlet the machine's data go through."
    )


class Retrain(_Body):
    """Somebody asks for a retraining. The retrain policy (enabled, cooldown, one at a time) still decides."""

    reason: Annotated[str, _line(1, 500)] = Field(description="Why; it stands in the run and in the promotion log.")
    requested_by: Annotated[str, _line(0, 200)] = Field("", description="A person or a system.")


class Maintenance(_Body):
    """A work order was closed. A machine that was worked on reads differently: the models are re-baselined."""

    machine: Annotated[str, _line(1, 200)] = Field(description="As the data name it.")
    work_order: Annotated[str, _line(1, 100)] = Field(description="Its number in the maintenance system.")
    action: Literal["repaired", "part_replaced", "adjusted", "inspected"] = Field(description="What was done.")
    closed: AwareDatetime = Field(description="When the machine was back in service, with its time zone.")
    unit: Annotated[str, _line(0, 200)] = Field("", description="Which part of the machine, such as `bearing 1`.")
    part: Annotated[str, _line(0, 200)] = Field("", description="The new part's number, if one was replaced.")
    note: Annotated[str, _line(0, 1000)] = Field("", description="Anything else.")


def content_of(kind: Kind, fields: Mapping[str, Any]) -> str:
    """What tells one message from another, whatever the order of its fields; only a hash, for the words are the plant's."""
    return hashlib.sha256(f"{kind} {json.dumps(dict(fields), sort_keys=True)}".encode()).hexdigest()


class Start(Protocol):
    """Starts the work and returns the flow run's id; with the same key again: the same run, and nothing new.

    Raises:
        ServiceDown: Prefect is away; the sender may try again.
        BadInput: Prefect does not take these parameters.
    """

    def __call__(self, kind: Kind, body: Mapping[str, Any], idempotency_key: str) -> str: ...


def start_deployment(kind: Kind, body: Mapping[str, Any], idempotency_key: str) -> str:
    """`Start` on the Prefect server: the body's fields are the flow's parameters of the same names."""
    import httpx
    from prefect.deployments import run_deployment
    from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

    name = DEPLOYMENTS[kind]
    try:
        run: Any = run_deployment(
            name, parameters=dict(body), timeout=0, as_subflow=False, idempotency_key=idempotency_key, tags=["webhook"]
        )
    except ObjectNotFound:
        raise ServiceDown("the deployment", name, "it is not there", "run `gauntlet deploy`") from None
    except PrefectHTTPStatusError as error:
        status = error.response.status_code
        if status in (409, 422):
            raise BadInput(None, f"the deployment {name} does not take these parameters") from error
        raise ServiceDown("Prefect", _prefect(), f"status {status}") from error
    except (httpx.HTTPError, RuntimeError, OSError) as error:
        raise ServiceDown("Prefect", _prefect(), type(error).__name__) from error
    return str(run.id)


def prefect_ready() -> None:
    """Nothing, when Prefect answers.

    Raises:
        ServiceDown: it does not.
    """
    from prefect import get_client

    try:
        with get_client(sync_client=True) as client:
            error = client.api_healthcheck()
    except Exception as raised:  # noqa: BLE001 - whatever it is, Prefect cannot be reached
        error = raised
    if error is not None:
        raise ServiceDown("Prefect", _prefect(), type(error).__name__)


def _prefect() -> str:
    return os.environ.get("PREFECT_API_URL", "no address")


def secrets() -> tuple[SecretStr, ...]:
    """The secrets that sign messages: of the environment, else of the Prefect block; several by spaces while one is
    being replaced by another.

    Raises:
        BadInput: there is none, the block is not valid, or one of them is not a secret.
        ServiceDown: it would stand in the block, and Prefect is away.
    """
    named = settings().webhook_secret
    text = os.environ.get(SECRET_VARIABLE) or (named.get_secret_value() if named else "") or _block()
    if not text.split():
        raise BadInput(
            None,
            "there is no webhook secret",
            do=f"set {SECRET_VARIABLE} or save a Prefect Secret block {SECRET_BLOCK}",
        )
    return tuple(checked_secret(SecretStr(one)) for one in text.split())


def _block() -> str:
    from prefect.blocks.system import Secret

    from gauntlet.tasks.runtime.connection import load_block

    block = load_block(Secret, SECRET_BLOCK)
    return "" if block is None else str(block.get())


def remembered(
    resolve: Callable[[], tuple[SecretStr, ...]], clock: Callable[[], float] = time.monotonic
) -> Callable[[], tuple[SecretStr, ...]]:
    """The same, asked at most once a minute; while Prefect is away, what it said last."""
    lock = threading.Lock()
    known: tuple[SecretStr, ...] = ()
    asked = float("-inf")

    def recall() -> tuple[SecretStr, ...]:
        nonlocal known, asked
        with lock:
            if clock() - asked >= SECRET_MEMORY_S or not known:
                try:
                    known = resolve()
                except ServiceDown:
                    if not known:
                        raise
                except GauntletError:
                    known = ()  # it was taken away
                    raise
                asked = clock()
            return known

    return recall
