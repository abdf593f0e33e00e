"""The data quality score of a sensor: five dimensions in percent, and the share of readings with nothing against them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np

from gauntlet.tasks.sensors.reading_quality import quality

OFF_GRID = 0.25  # of a step, from which a reading came at another time than it should
DIMENSIONS = ("completeness", "validity", "uniqueness", "regularity", "plausibility")


@dataclass(frozen=True)
class Dimensions:
    """Percent of the expected readings that are there (completeness), possible (validity), told once (uniqueness), on
    time (regularity), neither stuck nor a jump (plausibility). A reading fails in one dimension at most, so that
    `score` is 100 less what the five lack.
    """

    expected: int
    completeness: float
    validity: float
    uniqueness: float
    regularity: float
    plausibility: float

    @property
    def score(self) -> float:
        """Percent of the expected readings with nothing against them; 0 at the least."""
        lacking = sum(100.0 - value for name, value in asdict(self).items() if name in DIMENSIONS)
        return max(0.0, 100.0 - lacking)


def dimensions(times: np.ndarray, values: np.ndarray, low: float = -np.inf, high: float = np.inf) -> Dimensions:
    """The quality of one sensor's readings as they came in, in any order.

    Args:
        times: (n,) datetime64; what is expected is one reading every median step from the first to the last.
        values: (n,) float64, NaN where a row has no reading.
    """
    since = (times - times.min()) / np.timedelta64(1, "s")
    order = np.argsort(since, kind="stable")
    since, values = since[order], np.asarray(values, np.float64)[order]
    steps = np.diff(since)
    step = float(np.median(steps[steps > 0])) if (steps > 0).any() else 1.0
    place = np.rint(since / step).astype(np.int64)
    again = np.concatenate([[False], place[1:] == place[:-1]])
    late = (np.abs(since / step - place) > OFF_GRID) & ~again & np.isfinite(values)
    expected = int(place[-1]) + 1
    grid = np.full(expected, np.nan)
    grid[place[~again]] = values[~again]
    told = quality(grid, low, high)
    share = 100.0 / expected
    return Dimensions(
        expected,
        100.0 - told.missing,
        100.0 - told.impossible,
        100.0 - share * float(again.sum()),
        100.0 - share * float(late.sum()),
        100.0 - told.stuck - told.jumping,
    )


@dataclass(frozen=True)
class Injection:
    """A known share of faulty readings put into sound ones, and the score before and after [percent]."""

    fault: str
    share: float
    before: float
    after: float

    @property
    def expected(self) -> float:
        """What the score has to be: each injected reading costs 100 / n."""
        return self.before - 100 * self.share


FAULTS = ("missing", "impossible", "duplicate", "late", "stuck")
SHARES = (0.01, 0.05, 0.10)


def injections(times: np.ndarray, values: np.ndarray, low: float, high: float, seed: int) -> Iterator[Injection]:
    """Every fault of `FAULTS` at every share of `SHARES` put into the readings of a sound sensor, one at a time.

    Readings that have something against them already are left as they are. Stuck readings come in runs of eight.
    """
    before = dimensions(times, values, low, high).score
    for fault in FAULTS:
        for share in SHARES:
            rng = np.random.default_rng([seed, FAULTS.index(fault), round(1000 * share)])
            at = _places(values, round(share * len(values)), 8 if fault == "stuck" else 1, rng)
            t, x = _injected(fault, times, values, at, high)
            after = dimensions(t, x, low, high).score
            yield Injection(fault, len(at) / len(values), before, after)


def _places(values: np.ndarray, wanted: int, run: int, rng: np.random.Generator) -> np.ndarray:
    """Rows for the fault: runs of this length of measured readings, never next to each other nor at an end."""
    starts = np.arange(2, len(values) - run - 2, run + 2)
    free = [int(at) for at in starts if np.isfinite(values[at - 1 : at + run + 1]).all()]
    chosen = rng.permutation(free)[: max(1, wanted // run)]
    return np.sort(np.concatenate([np.arange(at, at + run) for at in chosen]))


def _injected(
    fault: str, times: np.ndarray, values: np.ndarray, at: np.ndarray, high: float
) -> tuple[np.ndarray, np.ndarray]:
    t, x = times.copy(), values.copy()
    if fault == "missing":
        x[at] = np.nan
    elif fault == "impossible":
        x[at] = (high if np.isfinite(high) else np.nanmax(values)) * 2 + 1
    elif fault == "duplicate":
        return np.concatenate([t, t[at]]), np.concatenate([x, x[at]])
    elif fault == "late":
        t[at] += (np.median(np.diff(times).astype("timedelta64[s]").astype(float)) * 0.4 * 1e9).astype(
            "timedelta64[ns]"
        )
    else:
        for run in at.reshape(-1, 8):
            x[run] = x[run[0]]
    return t, x
