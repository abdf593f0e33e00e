"""Time by the clock: what runs side by side counts once, and what lies between steps is the orchestrator's."""

import random
import threading

import pytest

from gauntlet.tasks.runtime import steps
from gauntlet.tasks.runtime.steps import Stopwatch, covered


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
