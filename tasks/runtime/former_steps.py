"""From a pure function to a Prefect task: timed, retried where a server is called, its errors one line each."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import task_run

from gauntlet.tasks.runtime.steps import RETRY_DELAYS_S, STOPWATCH, _is_outage, run_id, say

Result = TypeVar("Result")


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
