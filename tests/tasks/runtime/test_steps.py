"""Steps of a flow: their time by the clock, their arrows in Prefect's graph, and their results and errors as they are."""

import random
import re
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect import flow, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import TaskRun, TaskRunResult
from prefect.futures import PrefectFuture

from gauntlet.tasks.runtime import steps
from gauntlet.tasks.runtime.steps import LINEAGE, Lineage, Made, Stopwatch, covered, run_id, step


@pytest.mark.parametrize("seed", range(30))
def test_the_union_of_intervals_by_counting(seed: int) -> None:
    """On whole numbers the length is the number of unit cells that any interval covers."""
    rng = random.Random(seed)
    spans = [tuple(sorted((rng.randrange(60), rng.randrange(60)))) for _ in range(rng.randrange(12))]
    cells = {cell for start, stop in spans for cell in range(start, stop)}
    assert covered([(float(start), float(stop)) for start, stop in spans]) == len(cells)


def test_nothing_covers_nothing() -> None:
    """No interval, or an empty one."""
    assert covered([]) == 0
    assert covered([(3.0, 3.0)]) == 0


class Clock:
    """A clock that a test sets."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(steps, "time", clock)
    return clock


def test_steps_total_and_what_lies_between(clock: Clock) -> None:
    """load 2 s, a gap of 1 s, train 4 s, a gap of 3 s: total 10, orchestration 4, in the order of the steps."""
    watch = Stopwatch()
    with watch.running("run", "load"):
        clock.now += 2
    clock.now += 1
    with watch.running("run", "train"):
        clock.now += 4
    clock.now += 3
    timings = watch.timings("run", since=100.0)
    assert timings == {"load": 2, "train": 4, "total": 10, "orchestration": 4}
    assert list(timings) == ["load", "train", "total", "orchestration"]


def test_side_by_side_counts_once(clock: Clock) -> None:
    """Two trainings of 3 s that overlap by 2 s take 4 s; the step inside another is its own and no orchestration."""
    watch = Stopwatch()
    one, two = watch.running("run", "train"), watch.running("run", "train")
    one.__enter__()
    clock.now += 1
    two.__enter__()
    clock.now += 2
    one.__exit__(None, None, None)
    clock.now += 1
    two.__exit__(None, None, None)
    assert watch.timings("run", since=100.0) == {"train": 4, "total": 4, "orchestration": 0}


def test_a_step_that_fails_is_recorded_and_raises(clock: Clock) -> None:
    """The time until the error counts."""
    watch = Stopwatch()

    def failing() -> None:
        with watch.running("run", "train"):
            clock.now += 5
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        failing()
    assert watch.timings("run", since=100.0)["train"] == 5


def test_runs_are_kept_apart_and_told_once(clock: Clock) -> None:
    """Another run's steps do not show, and a told run is forgotten."""
    watch = Stopwatch()
    for run in ("one", "two"):
        with watch.running(run, f"load {run}"):
            clock.now += 1
    assert set(watch.timings("one", since=100.0)) == {"load one", "total", "orchestration"}
    assert set(watch.timings("one", since=100.0)) == {"total", "orchestration"}
    assert "load two" in watch.timings("two", since=100.0)


def test_a_run_without_steps_is_all_orchestration(clock: Clock) -> None:
    """Nothing was at work."""
    clock.now += 7
    assert Stopwatch().timings("run", since=100.0) == {"total": 7, "orchestration": 7}


def test_threads_lose_no_span() -> None:
    """Eight threads record a hundred steps each."""
    watch = Stopwatch()

    def work(name: str) -> None:
        for number in range(100):
            with watch.running("run", f"{name} {number}"):
                pass

    threads = [threading.Thread(target=work, args=(str(number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(watch.timings("run", since=0.0)) == 8 * 100 + 2


@dataclass(frozen=True)
class Result:
    """What a step hands on; two with equal fields are two results."""

    name: str


@dataclass
class Graph:
    """A lineage of one run with task runs by name."""

    lineage: Lineage
    ids: dict[str, UUID]

    def add(self, name: str, result: Any, inputs: Iterable[Any] = ()) -> Any:
        """A task run of this name that made the result of these inputs; the result."""
        self.ids[name] = uuid4()
        self.lineage.add("run", result, self.ids[name], self.lineage.parents("run", inputs))
        return result

    def parents(self, *values: Any) -> list[str]:
        """The names of the task runs that an arrow would come from."""
        names = {task_run_id: name for name, task_run_id in self.ids.items()}
        return [names[parent.task_run_id] for parent in self.lineage.parents("run", values)]


@pytest.fixture
def graph() -> Graph:
    return Graph(Lineage(), {})


def test_a_result_comes_from_the_task_run_that_made_it(graph: Graph) -> None:
    """By identity: another one that is equal was made elsewhere; so was that of another run."""
    table = graph.add("load", Result("table"))
    assert graph.parents(table) == ["load"]
    assert graph.parents(Result("table")) == []
    assert graph.lineage.parents("another run", [table]) == []


def test_parents_are_told_once(graph: Graph) -> None:
    """However often a result is among the values, and whether by itself or in a list, a tuple or a dictionary."""
    one, two = graph.add("first", Result("one")), graph.add("second", Result("two"))
    assert graph.parents(one, [two, one], (one,), {"key": two}) == ["first", "second"]


def test_the_result_that_is_a_list_is_known_by_itself_and_by_its_items(graph: Graph) -> None:
    """A step that hands on a list, and steps each of which made one item of it."""
    items = [graph.add(f"train {number}", Result(str(number))) for number in range(3)]
    assert graph.parents(items) == ["train 0", "train 1", "train 2"]
    whole = graph.add("collect", items, [items])
    assert graph.parents(whole) == ["collect"]


def test_an_arrow_that_others_imply_is_not_drawn(graph: Graph) -> None:
    """load > featurize > train: what takes all three comes after the training alone; two branches stay two arrows."""
    table = graph.add("load", Result("table"))
    features = graph.add("featurize", Result("features"), [table])
    model = graph.add("train", Result("model"), [features, table])
    assert graph.parents(table, features, model) == ["train"]
    findings = graph.add("audit", Result("findings"), [table])
    assert graph.parents(table, features, model, findings) == ["train", "audit"]


@pytest.mark.parametrize("result", [None, True, 7, 0.5, "real", b"png", ()], ids=repr)
def test_results_without_identity_are_not_traced(graph: Graph, result: Any) -> None:
    """Python may hand out the same object elsewhere: a finding of nothing is no arrow from whoever found nothing."""
    graph.add("audit", result)
    assert graph.parents(result, [result]) == []


def test_a_forgotten_run_has_no_parents(graph: Graph) -> None:
    """And the results of others stay."""
    table = graph.add("load", Result("table"))
    kept = Result("kept")
    graph.lineage.add("other", kept, uuid4(), [])
    graph.lineage.forget("run")
    assert graph.parents(table) == []
    assert len(graph.lineage.parents("other", [kept])) == 1


def _load(name: str) -> Result:
    return Result(name)


def _train(number: int, table: Result) -> Result:
    return Result(f"{table.name} {number}")


def _compare(models: list[Result], table: Result) -> list[str]:
    return [table.name, *(model.name for model in models)]


def _broken(table: Result) -> None:
    raise ValueError(f"{table.name} is broken")


def _task_runs(flow_run_id: str, count: int) -> dict[str, TaskRun]:
    """The task runs of a flow run by name, as the server has them: it learns of them by events, a moment later."""
    mine = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(flow_run_id)]))
    deadline = time.monotonic() + 60
    with get_client(sync_client=True) as client:
        while True:
            found = client.read_task_runs(flow_run_filter=mine)
            # Until it has heard of the run's own name, it has one that it made up.
            named = [task_run for task_run in found if not re.search("-[0-9a-f]{3}$", task_run.name)]
            if len(named) >= count or time.monotonic() > deadline:
                return {task_run.name: task_run for task_run in found}
            time.sleep(0.1)


def test_a_flow_of_steps_has_their_results_and_their_arrows(stack: Any) -> None:
    """load > train, twice side by side > compare: four arrows, as load > compare is implied by them."""

    @flow(name="steps")
    def steps_flow() -> tuple[list[str], str]:
        table = step(_load, run_name="load {name}")("table")
        models = step(_train, run_name="train {number}").each([1, 2], table)
        return step(_compare)(models, table), run_id()

    result, flow_run_id = steps_flow()
    LINEAGE.forget(flow_run_id)
    assert result == ["table", "table 1", "table 2"]
    runs = _task_runs(flow_run_id, count=4)
    names = {task_run.id: name for name, task_run in runs.items()}
    arrows = {
        (names[parent.id], name)
        for name, task_run in runs.items()
        for parents in task_run.task_inputs.values()
        for parent in parents
        if isinstance(parent, TaskRunResult)
    }
    assert set(runs) == {"load table", "train 1", "train 2", "compare"}
    assert arrows == {
        ("load table", "train 1"),
        ("load table", "train 2"),
        ("train 1", "compare"),
        ("train 2", "compare"),
    }


@pytest.mark.parametrize("side_by_side", [False, True], ids=["called", "each"])
def test_an_error_of_the_function_is_raised_as_it_is(stack: Any, side_by_side: bool) -> None:
    """The same type with the same message, from one call and from many."""

    @flow(name="broken steps")
    def broken_flow() -> None:
        table = Result("table")
        if side_by_side:
            step(_broken).each([table, table])
        else:
            step(_broken)(table)

    with pytest.raises(ValueError, match=r"^table is broken$"):
        broken_flow()


def test_a_task_run_that_is_done_is_waited_for_without_a_result() -> None:
    """What a later task waits for: the id of the earlier one, done, with nothing to walk through."""
    task_run_id = uuid4()
    called: list[PrefectFuture[bool]] = []
    made = Made(task_run_id)
    made.wait()
    made.add_done_callback(called.append)
    assert (made.task_run_id, made.state.is_completed(), made.result(), called) == (task_run_id, True, True, [made])
