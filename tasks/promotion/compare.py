"""Champion against challenger on the same frozen units: a paired bootstrap of the difference, and guard metrics.

Each resample draws the same units for both models, so that what makes a resample easy or hard cancels out (Efron and
Tibshirani, "An Introduction to the Bootstrap", 1993, ch. 8). A unit is a row, a group of rows that belong together, or
a life. Differences are turned so that more is better.

A percentile interval is too narrow by about the factor sqrt((n - 1) / n) and has the normal's tails, not Student's;
with n the units of the rarer class it is widened by Hesterberg's rule ("What Teachers Should Know About the Bootstrap",
The American Statistician 69 (2015), section 5.2).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, t

from gauntlet.datasets.errors import BadInput
from gauntlet.tasks.alarms.rule import WEEK_S
from gauntlet.tasks.metrics.bootstrap import percentile_interval
from gauntlet.tasks.metrics.classification import Judged, figures
from gauntlet.tasks.metrics.lives import Outcome
from gauntlet.tasks.metrics.prices import Prices

CONFIDENCE = 0.95
RESAMPLES = 1_000
LESS_IS_BETTER = frozenset(
    ["brier", "cost", "far", "mar", "mae", "rmse", "mse", "mase", "mape", "false_alarms_per_week", "onset_error"]
)  # of the metric keys in tasks/result.py
_BATCH = 200  # resamples at once: memory is batch x rows


@dataclass(frozen=True)
class Tolerance:
    """By how much a guard metric's estimate may be worse: in its own unit, or as a share of the champion's."""

    metric: str
    by: float
    relative: bool = False


ROW_GUARDS = (Tolerance("recall", 0.02), Tolerance("cost", 0.05, True), Tolerance("brier", 0.05, True))
LIFE_GUARDS = (Tolerance("recall", 0.0), Tolerance("false_alarms_per_week", 0.1, True))


@dataclass(frozen=True)
class Difference:
    """A metric of both models and how much better the challenger is: `gain` with its interval; positive is better."""

    metric: str
    champion: float
    challenger: float
    gain: float
    low: float
    high: float


@dataclass(frozen=True)
class Guard:
    """A guard metric: `kept` when the challenger's estimate is worse by no more than `allowed`, in the metric's unit."""

    difference: Difference
    allowed: float
    kept: bool


@dataclass(frozen=True)
class Comparison:
    """What the frozen units say. `unit`: row, group or life; `units`: how many; `rarer`: those of the rarer class."""

    primary: Difference
    guards: tuple[Guard, ...]
    unit: str
    units: int
    rarer: int
    confidence: float
    resamples: int


Measure = Callable[[np.ndarray], Mapping[str, np.ndarray]]  # weights (resamples, units) -> metrics, each (resamples,)


def compare_rows(
    champion: Judged,
    challenger: Judged,
    metric: str,
    prices: Prices,
    seed: int,
    *,
    groups: np.ndarray | None = None,
    censored: np.ndarray | None = None,
    tolerances: Sequence[Tolerance] = ROW_GUARDS,
    resamples: int = RESAMPLES,
) -> Comparison:
    """Two classifiers on the same rows; their own decisions, thresholds included, are what is judged.

    Args:
        champion, challenger: labels (rows,), and scores and decisions (repeats, rows) of each.
        metric: the gauntlet's primary metric.
        prices: of a miss and of a false alarm, for the guard `cost`.
        seed: the same seed and data give the same digits.
        groups: (rows,) what belongs together (a machine, a day) and is drawn together; None draws rows within classes.
        censored: (rows,) true for rows whose outcome nobody knows, as after an intervention; they count for neither.
        tolerances: of the guard metrics.
        resamples: how many.

    Raises:
        BadInput: the labels of the two differ, one class is missing, or the metric is none of a classifier's.
    """
    if not np.array_equal(champion.y, challenger.y):
        raise BadInput(None, "champion and challenger were judged on other rows", expected="the same labels for both")
    keep = np.ones(len(champion.y), bool) if censored is None else ~np.asarray(censored, bool)
    old, new = _rows(champion, keep), _rows(challenger, keep)
    if len(np.unique(old.y)) < 2:
        raise BadInput(None, "the evaluation rows hold one class only", expected="failures and healthy rows")
    strata = old.y if groups is None else None
    units, unit_of = (len(old.y), None) if groups is None else _grouped(np.asarray(groups)[keep])
    both = _paired(lambda w: figures(old, w, prices), lambda w: figures(new, w, prices), unit_of)
    rarer = int(min(np.bincount(old.y.astype(int), minlength=2))) if groups is None else units
    return _comparison(
        both, metric, "row" if groups is None else "group", units, rarer, strata, seed, tolerances, resamples
    )


def compare_lives(
    champion: Sequence[Outcome],
    challenger: Sequence[Outcome],
    seed: int,
    *,
    metric: str = "f1",
    intervened: Collection[str] = (),
    tolerances: Sequence[Tolerance] = LIFE_GUARDS,
    resamples: int = RESAMPLES,
) -> Comparison:
    """Two detectors on the same lives; drawn are lives, those that fail and those that do not each among themselves.

    `intervened`: machines repaired after an alarm. Their failure was never seen: neither a hit nor a false alarm.

    Raises:
        BadInput: the two were not judged on the same lives, or none of them fails.
    """
    first = {outcome.machine: outcome for outcome in champion if outcome.machine not in intervened}
    second = {outcome.machine: outcome for outcome in challenger if outcome.machine not in intervened}
    if {m: one.fails for m, one in first.items()} != {m: one.fails for m, one in second.items()}:
        raise BadInput(None, "champion and challenger were judged on other lives", expected="the same lives for both")
    fails = np.array([one.fails for one in first.values()], bool)
    if not fails.any():
        raise BadInput(None, "no life is known to have failed", expected="at least one, to tell the two apart")
    both = _paired(_of_lives(list(first.values())), _of_lives([second[machine] for machine in first]), None)
    return _comparison(both, metric, "life", len(fails), int(fails.sum()), fails, seed, tolerances, resamples)


def compare_means(
    champion: np.ndarray,
    challenger: np.ndarray,
    metric: str,
    seed: int,
    *,
    groups: np.ndarray | None = None,
    resamples: int = RESAMPLES,
) -> Comparison:
    """Two models by the mean of something per row (units,): absolute errors as `mae`, false alarms as `far`.

    Neighbours in time are alike: give `groups` (a day, a series) so that they are drawn together. No guard metrics.

    Raises:
        BadInput: the two have other rows, or none.
    """
    old, new = np.asarray(champion, np.float64), np.asarray(challenger, np.float64)
    if old.shape != new.shape or not len(old):
        raise BadInput(None, f"{len(old)} rows of the champion and {len(new)} of the challenger", expected="the same")
    units, unit_of = (len(old), None) if groups is None else _grouped(np.asarray(groups))
    both = _paired(_of_values(metric, old), _of_values(metric, new), unit_of)
    return _comparison(both, metric, "row" if groups is None else "group", units, units, None, seed, (), resamples)


def _rows(answer: Judged, keep: np.ndarray) -> Judged:
    return Judged(answer.y[keep], answer.probability[:, keep], answer.flagged[:, keep], answer.flagged_by_cost[:, keep])


def _grouped(groups: np.ndarray) -> tuple[int, np.ndarray]:
    names, unit_of = np.unique(groups, return_inverse=True)
    return len(names), unit_of


def _of_lives(outcomes: Sequence[Outcome]) -> Measure:
    table = np.array(
        [[outcome.fails, outcome.hit, outcome.false, outcome.watched_s / WEEK_S] for outcome in outcomes], np.float64
    )

    def measured(weights: np.ndarray) -> Mapping[str, np.ndarray]:
        fails, hits, false, weeks = (weights.astype(np.float64) @ table).T
        return {
            "f1": 2 * hits / (hits + fails + false),
            "recall": hits / fails,
            "precision": np.divide(hits, hits + false, out=np.zeros_like(hits), where=hits + false > 0),
            "false_alarms_per_week": np.divide(false, weeks, out=np.zeros_like(false), where=weeks > 0),
        }

    return measured


def _of_values(metric: str, values: np.ndarray) -> Measure:
    return lambda weights: {metric: weights.astype(np.float64) @ values / weights.sum(1, dtype=np.float64)}


Both = Callable[[np.ndarray], tuple[Mapping[str, np.ndarray], Mapping[str, np.ndarray]]]


def _paired(champion: Measure, challenger: Measure, unit_of: np.ndarray | None) -> Both:
    """Both models' metrics under the same weights of units, spread over the rows of each unit."""

    def both(weights: np.ndarray) -> tuple[Mapping[str, np.ndarray], Mapping[str, np.ndarray]]:
        rows = weights if unit_of is None else weights[:, unit_of]
        return champion(rows), challenger(rows)

    return both


def _draw(rng: np.random.Generator, size: int, units: int, strata: np.ndarray | None) -> np.ndarray:
    """How often each unit is drawn, (size, units) float32; each stratum keeps its number."""
    labels = np.zeros(units) if strata is None else strata
    weights = np.empty((size, units), np.float32)
    for label in np.unique(labels):
        here = np.flatnonzero(labels == label)
        weights[:, here] = rng.multinomial(len(here), np.full(len(here), 1 / len(here)), size=size)
    return weights


def tail(units: int, confidence: float = CONFIDENCE) -> float:
    """The share of resamples beyond either end of the interval: Phi(-sqrt(n / (n - 1)) t_{n - 1}); 0 for one unit."""
    if units < 2:
        return 0.0
    return float(norm.cdf(-np.sqrt(units / (units - 1)) * t.isf((1 - confidence) / 2, units - 1)))


def _comparison(
    both: Both,
    metric: str,
    unit: str,
    units: int,
    rarer: int,
    strata: np.ndarray | None,
    seed: int,
    tolerances: Sequence[Tolerance],
    resamples: int,
) -> Comparison:
    estimates = both(np.ones((1, units), np.float32))
    for name in (metric, *(tolerance.metric for tolerance in tolerances)):
        if name not in estimates[0]:
            raise BadInput(None, f"metric {name!r}", expected=f"one of {', '.join(sorted(estimates[0]))}")
    rng = np.random.default_rng(seed)
    sizes = [min(_BATCH, resamples - done) for done in range(0, resamples, _BATCH)]
    draws = [both(_draw(rng, size, units, strata)) for size in sizes]
    beyond = tail(rarer)

    def difference(name: str) -> Difference:
        sign = -1.0 if name in LESS_IS_BETTER else 1.0
        old, new = (float(estimate[name][0]) for estimate in estimates)
        gains = sign * np.concatenate([two[name] - one[name] for one, two in draws])
        return Difference(name, old, new, sign * (new - old), *percentile_interval(gains, beyond=beyond))

    guards = tuple(_guard(difference(tolerance.metric), tolerance) for tolerance in tolerances)
    return Comparison(difference(metric), guards, unit, units, rarer, CONFIDENCE, resamples)


def _guard(difference: Difference, tolerance: Tolerance) -> Guard:
    allowed = tolerance.by * (abs(difference.champion) if tolerance.relative else 1.0)
    return Guard(difference, allowed, bool(-difference.gain <= allowed + 1e-12))
