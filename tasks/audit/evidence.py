"""How well one yes-or-no statement about rows, or one threshold, gives the rarer class away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv

from gauntlet.tasks.audit.candidates import Column, Target

PRECISION = 0.99
# One-sided 95 % Clopper-Pearson bound: 42 hits of 42. An alarm bit that is right 9 times in 10 gets there once in 80.
LOWEST_PRECISION = 0.93
SHARE_OF_RARE = 0.05
FEWEST_RARE = 20
SEPARATION_F1 = 0.99
SEPARATION_F1_OF_MEASUREMENT = 0.998
CLEAR_GAP = 0.35
CLEAR_GAP_FEW = 3.0  # the lowest of few values may lie well above the threshold by chance


@dataclass(frozen=True)
class Precision:
    """`hits` of the `rows` that fulfil a statement are of the rarer class, `share` of that class."""

    hits: int
    rows: int
    precision: float
    share: float
    base: float

    @property
    def lower(self) -> float:
        """One-sided 95 % lower bound of the precision (Clopper and Pearson 1934)."""
        return float(betaincinv(self.hits, self.rows - self.hits + 1, 0.05)) if self.hits else 0.0

    def __str__(self) -> str:
        return f"precision {self.precision:.3f} on {self.hits:,} of {self.rows:,} rows, {self.share:.0%} of that class"


def precision_of(statement: np.ndarray, target: Target) -> Precision:
    """The precision of a statement (rows,) bool about the rarer class."""
    assert target.rare is not None
    hits = statement & target.rare
    weight = float(target.weight[statement].sum())
    hit_weight, rare_weight = float(target.weight[hits].sum()), float(target.weight[target.rare].sum())
    return Precision(
        int(hits.sum()),
        int(statement.sum()),
        hit_weight / weight if weight else 0.0,
        hit_weight / rare_weight,
        rare_weight / float(target.weight.sum()),
    )


def is_telling(seen: Precision) -> bool:
    """Precision near one, on enough rows and on enough of the class to be no accident; the base rate far below it."""
    return (
        seen.precision >= PRECISION
        and seen.lower >= LOWEST_PRECISION
        and seen.share >= SHARE_OF_RARE
        and seen.base**seen.hits < 1e-6
    )


@dataclass(frozen=True)
class Separation:
    """The best single threshold: predict the rarer class above it, or below it."""

    f1: float
    threshold: float
    above: bool

    def rare_side(self, values: np.ndarray) -> np.ndarray:
        """Where the rarer class is predicted, (rows,) bool; missing values are on the other side."""
        with np.errstate(invalid="ignore"):
            return values > self.threshold if self.above else values <= self.threshold


def best_threshold(column: Column, target: Target) -> Separation:
    """The threshold of one column with the largest F1 of the rarer class, at a boundary between two values."""
    assert target.rare is not None
    there = np.flatnonzero(~np.isnan(column.values))
    order = there[np.argsort(column.values[there], kind="stable")]
    values, hits = column.values[order], target.weight[order] * target.rare[order]
    ends = np.flatnonzero(np.diff(values) > 0)
    if not len(ends):
        return Separation(0.0, float("nan"), above=True)
    rare_below, below = np.cumsum(hits)[ends], np.cumsum(target.weight[order])[ends]
    rare_all, seen_all, all_rare = hits.sum(), target.weight[order].sum(), target.weight[target.rare].sum()
    f1_below = 2 * rare_below / (below + all_rare)
    f1_above = 2 * (rare_all - rare_below) / (seen_all - below + all_rare)
    above = bool(f1_above.max() >= f1_below.max())
    scores = f1_above if above else f1_below
    best = int(np.argmax(scores))
    edge = ends[best]
    return Separation(float(scores[best]), float((values[edge] + values[edge + 1]) / 2), above)


def stands_apart(values: np.ndarray, threshold: float) -> bool:
    """Whether the values on both sides keep away from the threshold, as a copy of the label does, or two states.

    A label that was made by a threshold on a measurement knows nothing of the measurement's distribution, and values go
    on past the threshold at least on one side. With even density there, the distance of the nearest twentieth is a
    fifth of that of the nearest quarter; before a heap of values it is more than half.
    """
    present = values[~np.isnan(values)]
    steps = np.diff(np.unique(present))
    sides = [np.abs(side - threshold) for side in (present[present <= threshold], present[present > threshold])]
    if not all(map(len, sides)):
        return False
    half_step = float(np.median(steps)) / 2
    near = [float(np.quantile(side, 0.05)) - half_step for side in sides]
    far = [float(np.quantile(side, 0.25)) - half_step for side in sides]
    few = min(map(len, sides))
    clear = CLEAR_GAP + CLEAR_GAP_FEW / few
    return all(low > clear * high for low, high in zip(near, far, strict=True))
