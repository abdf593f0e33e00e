"""The bootstrap: units drawn anew with replacement, and percentile intervals over the resamples.

draws     which units each resample holds: for figures that are made of a list of units
weights   how often each resample holds each unit: for figures that take weights, all resamples at once

Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 6 and 13. A unit is what is independent of the
others: a row where rows stand alone, else a whole run, block or failure. One seed gives all candidates the same
resamples, so that their differences are paired.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

Interval = tuple[float, float]
BEYOND = 0.025  # the share of resamples past either end of a 95 % interval


def draws(units: int, resamples: int, seed: Any) -> np.ndarray:
    """Places of the units in each resample, (resamples, units) int64. `seed`: whatever NumPy's `default_rng` takes."""
    return np.random.default_rng(seed).integers(0, units, size=(resamples, units))


def weights(units: int, resamples: int, seed: Any, strata: np.ndarray | None = None) -> np.ndarray:
    """How often each unit is in each resample, (resamples, units) int64.

    Args:
        strata: (units,) labels; each resample then holds as many units of a label as there are. None: one for all.
    """
    rng = np.random.default_rng(seed)
    labels = np.zeros(units, np.int64) if strata is None else strata
    counts = np.zeros((resamples, units), np.int64)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        counts[:, members] = rng.multinomial(len(members), np.full(len(members), 1 / len(members)), size=resamples)
    return counts


def percentile_interval(
    resampled: np.ndarray | list[float], estimate: float | None = None, beyond: float = BEYOND
) -> Interval:
    """The percentile interval of a figure's resampled values, widened to hold the estimate where one is given."""
    low, high = (float(limit) for limit in np.quantile(resampled, [beyond, 1 - beyond]))
    return (low, high) if estimate is None else (min(low, estimate), max(high, estimate))


def percentile_intervals(
    resampled: Mapping[str, np.ndarray], estimates: Mapping[str, float] | None = None
) -> dict[str, Interval]:
    """The interval of each figure; without one, a figure of which no resample has a finite value."""
    finite = {name: np.asarray(values, np.float64) for name, values in resampled.items()}
    finite = {name: values[np.isfinite(values)] for name, values in finite.items()}
    return {
        name: percentile_interval(values, estimates[name] if estimates else None)
        for name, values in finite.items()
        if len(values)
    }
