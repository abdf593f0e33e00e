"""From a pure function to a Prefect task: timed, retried where a server is called, its errors one line each."""

from __future__ import annotations

import inspect
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, TypeVar
from uuid import UUID

from prefect import Task, allow_failure, get_client, get_run_logger
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.cache_policies import NO_CACHE
from prefect.exceptions import MissingContextError
from prefect.futures import PrefectFuture, as_completed
from prefect.runtime import flow_run
from prefect.states import Completed, State

from gauntlet.datasets.errors import ServiceDown

P = ParamSpec("P")
R = TypeVar("R")

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


class Made(PrefectFuture[bool]):
    """A task run that is done, as what comes after it waits for it: its id, without its result to walk through."""

    def __init__(self, task_run_id: UUID) -> None:
        self._task_run_id = task_run_id

    @property
    def task_run_id(self) -> UUID:
        """Whose arrow is drawn."""
        return self._task_run_id

    @property
    def state(self) -> State[bool]:
        """Done."""
        return Completed(data=True)

    def wait(self, timeout: float | None = None) -> None:
        """There is nothing to wait for."""

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> bool:  # noqa: ARG002
        """True."""
        return True

    def add_done_callback(self, fn: Callable[[PrefectFuture[bool]], None]) -> None:
        """Called at once."""
        fn(self)


MOST_RUNS = 16  # flow runs of one process whose results are kept; of older ones arrows are drawn no more


class Lineage:
    """Which task run made which result of a flow run: what the arrows of Prefect's graph are drawn from.

    Results reach a task inside its function, not as its parameters: Prefect would count every nested object of a result as
    an arrow of its own, each once more per parameter of the task that it comes from, and it draws none past 500.
    """

    def __init__(self) -> None:
        self._made: dict[str, dict[int, tuple[Any, UUID]]] = defaultdict(dict)
        self._before: dict[UUID, frozenset[UUID]] = {}

    def add(self, run: str, result: Any, task_run_id: UUID, parents: Iterable[Made]) -> None:
        """Remember who made it; the result is kept, so that no other object can have its identity meanwhile."""
        ids = [parent.task_run_id for parent in parents]
        self._before[task_run_id] = frozenset(ids).union(*(self._before.get(one, frozenset()) for one in ids))
        if _is_traceable(result):
            self._made[run][id(result)] = (result, task_run_id)
        if len(self._made) > MOST_RUNS:
            self.forget(next(iter(self._made)))

    def parents(self, run: str, values: Iterable[Any]) -> list[Made]:
        """The task runs that made these values, or their items, but for those that another of them comes after."""
        made = self._made.get(run, {})
        found: dict[UUID, None] = {}
        for value in values:
            items = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
            found |= {made[id(one)][1]: None for one in (value, *items) if id(one) in made}
        older = frozenset[UUID]().union(*(self._before.get(one, frozenset()) for one in found))
        return [Made(one) for one in found if one not in older]

    def forget(self, run: str) -> None:
        """Let the results of a flow run go."""
        for _, one in self._made.pop(run, {}).values():
            self._before.pop(one, None)


def _is_traceable(result: Any) -> bool:
    """False for what Python may share between unrelated places: None, numbers, short texts, the empty tuple."""
    return not isinstance(result, bool | int | float | str | bytes | None) and not (
        isinstance(result, tuple) and not result
    )


LINEAGE = Lineage()


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


@dataclass(frozen=True)
class Step(Generic[P, R]):
    """A pure function as a task of a flow: called once, or over many items side by side.

    `run_name` may use the function's arguments, as in "train {candidate.name}". Outside of a flow run a step is its
    function: a recipe can be followed without a server.
    """

    function: Callable[P, R]
    name: str
    run_name: str
    options: Mapping[str, Any]

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """The function's result; its errors are raised as they are."""
        if not run_id():
            return self.function(*args, **kwargs)
        parents = LINEAGE.parents(run_id(), [*args, *kwargs.values()])
        task: Any = self._task(args, kwargs)
        state = task(wait_for=parents, return_state=True)
        result: R = state.result()
        LINEAGE.add(run_id(), result, state.state_details.task_run_id, parents)
        return result

    def submit(self, *args: P.args, **kwargs: P.kwargs) -> Submitted[R]:
        """The result to come, worked on beside others."""
        return self.submit_after((), *args, **kwargs)

    def submit_after(self, futures: Iterable[PrefectFuture[Any]], *args: P.args, **kwargs: P.kwargs) -> Submitted[R]:
        """The result to come, begun when these futures are done, be that well or badly."""
        parents = LINEAGE.parents(run_id(), [*args, *kwargs.values()])
        earlier = [allow_failure(future) for future in futures]
        task: Any = self._task(args, kwargs)
        return Submitted(task.submit(wait_for=[*parents, *earlier]), tuple(parents))

    def each(self, items: Iterable[Any], *args: Any, label: str = "", **kwargs: Any) -> list[R]:
        """The results for all items, in their order, worked on side by side; an item is the function's first argument.

        `label`: key of the progress bar in the Prefect UI, such as "nasa-features"; no bar without.
        """
        if not run_id():
            return [self.function(item, *args, **kwargs) for item in items]
        call: Callable[..., Submitted[R]] = self.submit
        return gathered([call(item, *args, **kwargs) for item in items], label)

    def _task(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Task[[], R]:
        bound = inspect.signature(self.function).bind(*args, **kwargs)
        bound.apply_defaults()
        run_name = self.run_name.format(**bound.arguments)

        def timed() -> R:
            began = time.monotonic()
            with STOPWATCH.running(run_id(), self.name):
                result = self.function(*args, **kwargs)
            say(f"{run_name}: {time.monotonic() - began:.1f} s")
            return result

        timed.__name__, timed.__doc__ = self.name.replace(" ", "_").replace("-", "_"), self.function.__doc__
        # A run name of Prefect's own would be formatted once more: a file's name may hold braces.
        return Task(timed, name=self.name, task_run_name=lambda: run_name, **self.options)


@dataclass(frozen=True)
class Submitted(Generic[R]):
    """A result to come, and the task runs that it comes from."""

    future: PrefectFuture[R]
    parents: tuple[Made, ...]


def gathered(submitted: Sequence[Submitted[R]], label: str = "") -> list[R]:
    """The results in the order given; while they are awaited, a bar in the Prefect UI says how many are done.

    The UI sorts a run's artifacts by their random ids: bars that stayed would stand before verdict and results.
    """
    futures = [one.future for one in submitted]
    bar: Any = (
        create_progress_artifact(0.0, key=label, description=f"{label}: {len(futures)} side by side") if label else None
    )
    for done, _ in enumerate(as_completed(list(futures)), start=1):
        if bar is not None:
            update_progress_artifact(bar, 100.0 * done / len(futures))
    results = [future.result() for future in futures]
    if bar is not None:
        with get_client(sync_client=True) as client:
            client.delete_artifact(bar)
    for one, result in zip(submitted, results, strict=True):
        LINEAGE.add(run_id(), result, one.future.task_run_id, one.parents)
    return results


def step(function: Callable[P, R], name: str = "", *, run_name: str = "", calls_server: bool = False) -> Step[P, R]:
    """The function as a task, by its own name where none is given.

    With `calls_server` an outage (`ServiceDown`) is waited out, up to 32 s.
    """
    name = name or function.__name__.strip("_").replace("_", " ")
    options: dict[str, Any] = {"cache_policy": NO_CACHE, "persist_result": False}
    if calls_server:
        options |= {
            "retries": len(RETRY_DELAYS_S),
            "retry_delay_seconds": list(RETRY_DELAYS_S),
            "retry_condition_fn": _is_outage,
        }
    return Step(function, name, run_name or name, options)
