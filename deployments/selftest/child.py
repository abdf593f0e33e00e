"""One of the loop's flows in a process of its own, in which every act is recorded and a fault follows a stated one.

Acts are wrapped, so that each is written to a file. Of the work itself only the decision is replaced: what is found better
is promoted, whatever the figures of a small simulated set. This process is the child of a fork server and ends with its flow.
"""

from __future__ import annotations

import os
import resource
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

LIFE = timedelta(seconds=1)  # of a claim or turn without a heartbeat, so that what the dead held lapses soon
BUSY_S = 1.0  # how long a locked database is waited for
DELAYS_S = (0.5, 1.0, 2.0)  # of a step's retries: longer together than a server is away


@dataclass(frozen=True)
class Order:
    """What a child does: the flow, its parameters, the act after which the fault happens ("" for none), where it tells."""

    flow: str
    parameters: Mapping[str, Any]
    acts: Path
    environment: Mapping[str, str]
    act: str = ""
    fault: str = ""
    broken: tuple[str, ...] = field(default_factory=tuple)  # fences that a mutant lacks


class Acts:
    """What was done, in order, in a file; the fault happens after the act that is named."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.count: Counter[str] = Counter()

    def did(self, act: str) -> None:
        """Record it, and let the fault happen where it is this one; the second of a name is `NAME#2`."""
        self.count[act] += 1
        name = act if self.count[act] == 1 else f"{act}#{self.count[act]}"
        with self.order.acts.open("a") as file:
            file.write(name + "\n")
        if name == self.order.act:
            _happen(self.order, act)

    @contextmanager
    def running(self, _run: str, step: str) -> Iterator[None]:
        """Stands for the stopwatch of `gauntlet.tasks.runtime.steps`, which sees every step."""
        yield
        self.did(f"step {step}")

    def after(self, place: Any, name: str, act: Callable[..., str | None]) -> None:
        """Record every call of `place.name`, as what `act` makes of its arguments; None: that call is no act."""
        real = getattr(place, name)

        def call(*given: Any, **named: Any) -> Any:
            answer = real(*given, **named)
            if (word := act(*given, **named)) is not None:
                self.did(word)
            return answer

        setattr(place, name, call)


def _happen(order: Order, act: str) -> None:
    """The fault. One that is another process's part is asked for, and has begun when this returns."""
    if order.fault == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif order.fault == "terminated":
        os.kill(os.getpid(), signal.SIGTERM)
    elif order.fault == "frozen":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif order.fault == "answer lost":
        raise _lost(act)
    elif order.fault == "disk full":
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    elif order.fault:
        reached = order.acts.with_suffix(".reached")
        reached.touch()
        while reached.exists():
            time.sleep(0.01)


def _lost(act: str) -> Exception:
    """As the client of that server says it."""
    import requests
    from botocore.exceptions import ReadTimeoutError

    from gauntlet.datasets.errors import ServiceDown

    kind = act.split()[0]
    if kind == "put":
        return ReadTimeoutError(endpoint_url="http://s3")
    if kind in ("set", "delete", "create", "finalize"):
        return requests.ReadTimeout("the answer was lost")
    return ServiceDown("the database", "", "the answer was lost", "try again")


_MLFLOW: Mapping[str, Callable[..., str]] = {
    "create_logged_model": lambda *_, **__: "create logged model",
    "finalize_logged_model": lambda *_, **__: "finalize logged model",
    "create_model_version": lambda *_, **__: "create model version",
    "set_registered_model_alias": lambda _client, _name, alias, *_: f"set alias {alias}",
    "delete_registered_model_alias": lambda _client, _name, alias: f"delete alias {alias}",
    "set_model_version_tag": lambda _client, _name, _version, tag, *_: f"set {tag}",
    "delete_model_version_tag": lambda _client, _name, _version, tag: f"delete {tag}",
}


def _wrap(acts: Acts) -> None:
    """Steps, writes to MLflow and S3, rows in SQL and in the promotion log, events, claims and turns."""
    from mlflow import MlflowClient

    import gauntlet.flows.drift_check
    import gauntlet.flows.retrain
    import gauntlet.tasks.runtime.steps
    from gauntlet.tasks.claims import hold
    from gauntlet.tasks.loop import row_scoring, scoring, store
    from gauntlet.tasks.promotion import carry_out, log

    gauntlet.tasks.runtime.steps.STOPWATCH = acts  # type: ignore[assignment]
    for name, word in _MLFLOW.items():
        acts.after(MlflowClient, name, word)
    acts.after(log, "write", lambda _engine, event, *_, **__: f"log {event}")
    carry_out.write = log.write
    for flow in (gauntlet.flows.retrain, gauntlet.flows.drift_check):
        acts.after(flow, "emit_event", lambda **named: f"event {named['event']}")
    acts.after(hold, "claim", lambda _engine, subject, *_, **__: f"claim {subject.partition(':')[0]}")
    acts.after(hold, "release", lambda _engine, held, **_: f"release {held.subject.partition(':')[0]}")
    acts.after(store, "_put", lambda _client, _connection, key, *_: f"put {_kind_of(key)}")
    acts.after(row_scoring, "write_predictions", lambda *_, **__: "rows in SQL")
    acts.after(scoring, "begin", lambda *_, **__: "begin score")
    acts.after(row_scoring, "finish", lambda *_, **__: "finish score")
    acts.after(gauntlet.flows.drift_check, "begin", lambda *_, **__: "begin drift")
    acts.after(gauntlet.flows.drift_check, "finish", lambda *_, **__: "finish drift")


def _kind_of(key: str) -> str:
    """`rows.parquet`, `manifest.json`; of the other documents the folder and the ending."""
    folder, name = key.split("/")[0], key.rpartition("/")[2]
    return name if folder == "scores" else f"{folder}.{name.rpartition('.')[2]}"


def promoted(_frozen: Any, _replays: Any, _smoke: bool, mode: Any, **_: Any) -> Any:
    """Stands for `decide`."""
    from gauntlet.tasks.promotion.decide import Decision

    return Decision("promote", ("it is better",), {}, mode)


def _shorten() -> None:
    """Lives of claims and delays of retries, so that a cell takes seconds."""
    import gauntlet.flows._promotion
    import gauntlet.flows.drift_check
    import gauntlet.flows.retrain
    import gauntlet.tasks.claims.database
    import gauntlet.tasks.loop.scoring
    import gauntlet.tasks.registry.register
    import gauntlet.tasks.runtime.steps

    gauntlet.flows.retrain.CLAIM = gauntlet.flows._promotion.CLAIM = gauntlet.tasks.registry.register.TURN = LIFE
    gauntlet.tasks.loop.scoring.TURN = gauntlet.flows.drift_check.TURN = LIFE
    gauntlet.tasks.claims.database.PATIENCE_S = BUSY_S  # type: ignore[assignment]
    gauntlet.tasks.runtime.steps.RETRY_DELAYS_S = DELAYS_S  # type: ignore[assignment]
    gauntlet.flows._promotion.POLL_S = 0.2
    gauntlet.flows._promotion.decide = promoted  # type: ignore[assignment]


def run(order: Order) -> None:
    """The flow, on the servers that the order's environment names; the exit status is 0 when it came to its end."""
    os.environ.update(order.environment)
    log = os.open(order.acts.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    from prefect.settings import (
        PREFECT_API_AUTH_STRING,
        PREFECT_API_URL,
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
        temporary_settings,
    )

    from gauntlet.deployments.selftest.mutants import break_fences
    from gauntlet.flows import call
    from gauntlet.flows.drift_check import drift_check
    from gauntlet.flows.promote import promote
    from gauntlet.flows.retrain import retrain
    from gauntlet.flows.score import score
    from gauntlet.tasks.runtime.connection import resolve
    from gauntlet.tasks.runtime.settings import settings

    settings.cache_clear()
    resolve(settings(), blocks=False).export()
    _shorten()
    break_fences(order.broken)
    _wrap(Acts(order))
    known: dict[str, Callable[..., Any]] = {
        "retrain": retrain,
        "promote": promote,
        "score": score,
        "drift-check": drift_check,
    }
    servers = {PREFECT_API_URL: os.environ["PREFECT_API_URL"]}
    if "PREFECT_API_AUTH_STRING" in os.environ:
        servers[PREFECT_API_AUTH_STRING] = os.environ["PREFECT_API_AUTH_STRING"]
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None, **servers}):
        call(known[order.flow], **order.parameters)
