"""From a pure function to a Prefect task: timed, retried where a server is called, its errors one line each."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from prefect import Task, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.exceptions import MissingContextError
from prefect.runtime import flow_run, task_run

from gauntlet.datasets.errors import ServiceDown

Result = TypeVar("Result")

# Long enough for a server that is restarted, short enough for a person who waits.
RETRY_DELAYS_S = (2.0, 5.0, 10.0, 15.0)


class Stopwatch:
    """When which step was at work, per flow run. Steps of one process only: a Dask worker keeps its own."""

    def __init__(self) -> None:
        self._spans: dict[str, list[tuple[str, float, float]]] = defaultdict(list)
        self._lock = threading.Lock()

    @contextmanager
    def running(self, run: str, step: str) -> Iterator[None]:
        """Record a step of this flow run from entry to exit."""
        start = time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                self._spans[run].append((step, start, time.monotonic()))

    def timings(self, run: str, since: float) -> dict[str, float]:
        """Seconds per step by the clock (side by side counts once), their total, and what was spent between them."""
        with self._lock:
            spans = self._spans.pop(run, [])
        total = time.monotonic() - since
        names = dict.fromkeys(step for step, _, _ in spans)
        seconds = {name: covered([(a, b) for step, a, b in spans if step == name]) for name in names}
        at_work = covered([(a, b) for _, a, b in spans])
        return {**seconds, "total": total, "orchestration": max(0.0, total - at_work)}


def covered(spans: list[tuple[float, float]]) -> float:
    """The length of the union of intervals."""
    length, end = 0.0, float("-inf")
    for start, stop in sorted(spans):
        length += max(0.0, stop - max(start, end))
        end = max(end, stop)
    return length


STOPWATCH = Stopwatch()


def run_id() -> str:
    """The id of the flow run under way, "" outside of one."""
    return str(flow_run.id or "")


def say(message: str) -> None:
    """One line of progress, to the run's log in Prefect and to the terminal."""
    try:
        get_run_logger().info(message)
    except MissingContextError:
        logging.getLogger("gauntlet").info(message)


def _is_outage(_task: Any, _run: Any, state: Any) -> bool:
    return isinstance(state.result(raise_on_failure=False), ServiceDown)


def step(
    function: Callable[..., Result], name: str, *, run_name: str | None = None, calls_server: bool = False
) -> Task[..., Result]:
    """The function as a task of this name; `run_name` may use its arguments, as in "train {candidate.name}".

    With `calls_server` an outage (`ServiceDown`) is waited out, up to 32 s.
    """

    def timed(*args: Any, **kwargs: Any) -> Result:
        began = time.monotonic()
        with STOPWATCH.running(run_id(), name):
            result = function(*args, **kwargs)
        say(f"{task_run.name or name}: {time.monotonic() - began:.1f} s")
        return result

    timed.__name__, timed.__doc__ = name.replace("-", "_"), function.__doc__
    timed.__wrapped__ = function  # type: ignore[attr-defined]
    retry: dict[str, Any] = (
        {"retries": len(RETRY_DELAYS_S), "retry_delay_seconds": list(RETRY_DELAYS_S), "retry_condition_fn": _is_outage}
        if calls_server
        else {}
    )
    return task(name=name, task_run_name=run_name or name, cache_policy=NO_CACHE, persist_result=False, **retry)(timed)
