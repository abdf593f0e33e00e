"""What a forecast is worth: errors, coverage and width of its intervals, and whether it names the direction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gauntlet.tasks.models.forecasters.rows import LEVELS

# MAPE divides by the actual value. Below this share of the training part's mean size it says nothing, and where more
# than a hundredth of the values lie there it is not stated at all (Hyndman and Koehler 2006, 2.2).
NEAR_ZERO = 0.05
MOST_NEAR_ZERO = 0.01


@dataclass(frozen=True, eq=False)
class Scores:
    """`metrics` by the names of the result's document; `direction`: share of moves whose sign was right, NaN for a
    forecast of no move; `width`: mean width of the interval by level, in z-scores; `per_origin`: mse, mae and mase of
    each origin, (origins,).
    """

    metrics: Mapping[str, float]
    direction: float
    width: Mapping[int, float]
    per_origin: Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Truth:
    """What came: `actual` (origins, horizon) in z-scores, NaN where nothing was measured; `last` (origins,) the value
    before each. `naive_error`: mean absolute error of the seasonal naive forecast one season ahead on the training part.
    """

    actual: np.ndarray
    last: np.ndarray
    naive_error: float
    centre: float
    scale: float
    mean_size: float

    def at(self, rows: np.ndarray) -> Truth:
        """The same at these origins only."""
        return Truth(self.actual[rows], self.last[rows], self.naive_error, self.centre, self.scale, self.mean_size)


def naive_error(training: np.ndarray, season: int) -> float:
    """The denominator of MASE: mean |y(t) - y(t - season)| over the training part (Hyndman and Koehler 2006, eq. 3.1)."""
    season = season if 0 < season < len(training) else 1
    return float(np.abs(training[season:] - training[:-season]).mean()) or 1.0


def score(ahead: np.ndarray, truth: Truth, half: Mapping[int, np.ndarray] | None) -> Scores:
    """The scores of forecasts (origins, horizon) in z-scores, with the half-widths of their intervals, (origins, horizon)."""
    errors = ahead - truth.actual
    whole = bool(np.isfinite(errors).all())
    mean = np.mean if whole else np.nanmean
    size = np.abs(errors)
    seen = None if whole else np.isfinite(errors).any(1)
    rows = slice(None) if seen is None else seen
    mae_by, mse_by = mean(size[rows], axis=1), mean(np.square(errors[rows]), axis=1)
    per_origin = {"mae": mae_by, "mse": mse_by, "mase": mae_by / truth.naive_error}
    metrics = {name: float(values.mean()) for name, values in per_origin.items()}
    metrics["rmse"] = float(np.sqrt(mean(np.square(errors))))
    if (mape := _mape(errors, truth)) is not None:
        metrics["mape"] = mape
    width: dict[int, float] = {}
    for level in LEVELS if half is not None else ():
        assert half is not None
        inside = (size <= half[level])[np.isfinite(errors)]
        metrics[f"coverage_{level}"] = float(inside.mean())
        width[level] = float(2 * half[level].mean())
    return Scores(metrics, _direction(ahead, truth), width, per_origin)


def _mape(errors: np.ndarray, truth: Truth) -> float | None:
    """Mean absolute error as a fraction of the actual value, None where values near zero would decide it."""
    actual = np.abs(truth.centre + truth.scale * truth.actual)
    known = np.isfinite(actual)
    near = known & (actual < NEAR_ZERO * truth.mean_size)
    if near.sum() > MOST_NEAR_ZERO * known.sum():
        return None
    there = known & ~near
    return float((np.abs(errors[there]) * truth.scale / actual[there]).mean())


def _direction(ahead: np.ndarray, truth: Truth) -> float:
    moved = truth.actual - truth.last[:, None]
    said = ahead - truth.last[:, None]
    counted = np.isfinite(moved) & (np.abs(moved) > 1e-12) & (np.abs(said) > 1e-12)
    if counted.sum() < 0.5 * np.isfinite(moved).sum():
        return float("nan")
    return float((np.sign(moved[counted]) == np.sign(said[counted])).mean())
