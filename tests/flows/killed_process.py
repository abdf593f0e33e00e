"""Run one of the loop's flows in a process that kills itself, as kill -9 does, right after a stated act.

Not a test: `runpy` runs this file in a child of a fork server, with the global `ORDER`. Acts are wrapped, so that each is
written to a file and may be the last. Of the work itself only the decision is replaced: what is found better is promoted,
whatever the figures of a small simulated set.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

WRITES = (
    "create_logged_model", "finalize_logged_model", "create_model_version", "set_registered_model_alias",
    "delete_registered_model_alias", "set_model_version_tag", "delete_model_version_tag",
)  # fmt: skip


class Acts:
    """What was done, in order, in a file; the process ends after the act that it is told."""

    def __init__(self, file: Path, last: str) -> None:
        self.file, self.last = file, last

    def did(self, act: str) -> None:
        with self.file.open("a") as acts:
            acts.write(act + "\n")
        if act == self.last:
            os.kill(os.getpid(), signal.SIGKILL)

    @contextmanager
    def running(self, _run: str, step: str) -> Iterator[None]:
        """Stands for the stopwatch of `gauntlet.tasks.runtime.steps`, which sees every step."""
        yield
        self.did(f"step {step}")

    def after(self, real: Callable[..., Any], name: Callable[..., str]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            answer = real(*given, **named)
            self.did(name(*given, **named))
            return answer

        return call


def wrap(acts: Acts) -> None:
    """Steps, the registry's writing calls, rows of the promotion log, events and claims."""
    from mlflow import MlflowClient

    import gauntlet.flows.retrain
    import gauntlet.tasks.runtime.steps
    from gauntlet.tasks.claims import hold
    from gauntlet.tasks.promotion import carry_out, log

    gauntlet.tasks.runtime.steps.STOPWATCH = acts  # type: ignore[assignment]
    for name in WRITES:
        told = (lambda called: lambda _client, *given, **_: " ".join([called, *_word(called, given)]))(name)
        setattr(MlflowClient, name, acts.after(getattr(MlflowClient, name), told))
    wrote = acts.after(log.write, lambda _engine, event, *_, **__: f"log {event}")
    log.write = carry_out.write = wrote
    gauntlet.flows.retrain.emit_event = acts.after(gauntlet.flows.retrain.emit_event, lambda **named: named["event"])
    hold.claim = acts.after(hold.claim, lambda _engine, subject, *_, **__: f"claim {subject}")
    hold.release = acts.after(hold.release, lambda _engine, held, **_: f"release {held.subject}")


def _word(called: str, given: tuple[Any, ...]) -> tuple[str, ...]:
    """The alias or the tag: the second argument of the one, the third of the other."""
    if called.endswith("registered_model_alias"):
        return (given[1],)
    return (given[2],) if called.endswith("version_tag") else ()


def promoted(_frozen: Any, _replays: Any, _smoke: bool, mode: Any, **_: Any) -> Any:
    """Stands for `decide`."""
    from gauntlet.tasks.promotion.decide import Decision

    return Decision("promote", ("it is better",), {}, mode)


def run(order: dict[str, Any]) -> None:
    """The flow, on the servers of the environment."""
    from prefect.settings import (
        PREFECT_API_AUTH_STRING,
        PREFECT_API_URL,
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
        temporary_settings,
    )

    import gauntlet.flows._promotion
    import gauntlet.flows.drift_check
    import gauntlet.flows.retrain
    import gauntlet.flows.score
    import gauntlet.tasks.loop.scoring
    import gauntlet.tasks.registry.register
    from gauntlet.flows import call
    from gauntlet.flows.promote import promote
    from gauntlet.tasks.runtime.connection import resolve
    from gauntlet.tasks.runtime.settings import settings

    settings.cache_clear()
    resolve(settings(), blocks=False).export()
    life = timedelta(seconds=order["life_s"])
    gauntlet.flows.retrain.CLAIM = gauntlet.flows._promotion.CLAIM = gauntlet.tasks.registry.register.TURN = life
    gauntlet.tasks.loop.scoring.TURN = gauntlet.flows.drift_check.TURN = life
    gauntlet.flows._promotion.decide = promoted
    wrap(Acts(Path(order["acts"]), order["last"]))
    known = {"retrain": gauntlet.flows.retrain.retrain, "promote": promote, "score": gauntlet.flows.score.score,
             "drift-check": gauntlet.flows.drift_check.drift_check}  # fmt: skip
    servers = {
        PREFECT_API_URL: os.environ["PREFECT_API_URL"],
        PREFECT_API_AUTH_STRING: os.environ["PREFECT_API_AUTH_STRING"],
    }
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None, **servers}):
        call(known[order["flow"]], **order["parameters"])


if "ORDER" in globals():
    run(globals()["ORDER"])
