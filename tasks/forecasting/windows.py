"""Rolling origins: which values a model may see at each, and which it is to forecast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.records.series import Series

SHARES = (0.6, 0.8)  # ends of the training and the validation part, where no published protocol sets them
FEWEST_ORIGINS = 8


@dataclass(frozen=True, eq=False)
class Split:
    """A series in z-scores of its training part, and where its parts end.

    `values` (n,) float64; `train`, `validation`, `end`: the first point after each part. `centre` and `scale` turn
    z-scores back into the series' unit: value = centre + scale * z.
    """

    series: Series
    values: np.ndarray
    train: int
    validation: int
    end: int
    centre: float
    scale: float

    @property
    def name(self) -> str:
        """The series' name."""
        return self.series.name


def split(series: Series, horizons: Sequence[int], borders: tuple[int, int, int] | None = None) -> Split:
    """The series in z-scores, in three parts one after the other: to learn, to choose, to judge.

    Raises:
        BadInput: a horizon below 1, or too few points for the longest horizon; says how many are needed.
    """
    longest = max(checked(horizons))
    needed = 5 * (longest + FEWEST_ORIGINS)
    if borders is None and len(series) < needed:
        raise BadInput(
            None,
            f"series {series.name} is too short for a horizon of {longest}",
            saw=f"{len(series):,} points",
            expected=f"at least {needed:,}",
            do="shorten the horizon or give a longer history",
        )
    n = len(series)
    train, validation, end = borders or (int(SHARES[0] * n), int(SHARES[1] * n), n)
    if min(validation - train, end - validation) < longest + FEWEST_ORIGINS:
        raise BadInput(
            None,
            f"series {series.name}: a horizon of {longest} does not fit the test part",
            saw=f"{end - validation:,} points",
            expected=f"at least {longest + FEWEST_ORIGINS:,}",
        )
    centre, scale = float(series.values[:train].mean()), float(series.values[:train].std())
    if not scale > 1e-12 * max(1.0, abs(centre)):
        raise BadInput(
            None,
            f"series {series.name} is constant over its training part",
            saw=f"{centre:g}",
            expected="values that change",
            do="leave the series out or cut its constant beginning",
        )
    return Split(series, (series.values[:end] - centre) / scale, train, validation, end, centre, scale)


def checked(horizons: Sequence[int]) -> tuple[int, ...]:
    """The horizons in rising order.

    Raises:
        BadInput: none, or one that is not a whole number of steps from 1 on.
    """
    wrong = [horizon for horizon in horizons if int(horizon) != horizon or horizon < 1]
    if wrong or not len(horizons):
        raise BadInput(
            None,
            f"no forecast over a horizon of {wrong[0] if wrong else 'nothing'}",
            expected="1 step or more",
            do="give the horizon as a number of steps ahead",
        )
    return tuple(sorted({int(horizon) for horizon in horizons}))


def origins(first: int, end: int, horizon: int) -> np.ndarray:
    """Every origin, as the index of the first value to forecast, whose `horizon` values all lie in [first, end)."""
    return np.arange(first, end - horizon + 1)


def spaced(first: int, end: int, horizon: int, count: int) -> np.ndarray:
    """`count` of these origins, evenly spaced from the first to the last (all when there are fewer)."""
    every = origins(first, end, horizon)
    chosen = np.linspace(0, len(every) - 1, min(count, len(every)))
    return every[np.unique(np.rint(chosen).astype(np.int64))]


def histories(values: np.ndarray, at: np.ndarray, lookback: int) -> np.ndarray:
    """The `lookback` values before each origin, (origins, lookback); a view where the origins are consecutive.

    Values before the beginning of the series repeat the first one.
    """
    short = lookback - int(at[0])
    if short > 0:
        values, at = np.concatenate([np.full(short, values[0]), values]), at + short
    windows = sliding_window_view(values, lookback)
    if len(at) > 1 and (np.diff(at) == 1).all():
        return windows[at[0] - lookback : at[-1] - lookback + 1]
    return windows[at - lookback]


def futures(values: np.ndarray, at: np.ndarray, horizon: int) -> np.ndarray:
    """The `horizon` values from each origin on, (origins, horizon)."""
    windows = sliding_window_view(values, horizon)
    return windows[at[0] : at[-1] + 1] if len(at) > 1 and (np.diff(at) == 1).all() else windows[at]


def last_times(series: Series, at: np.ndarray) -> pd.DatetimeIndex:
    """The time of the last known value at each origin, (origins,)."""
    return pd.DatetimeIndex(series.start + (np.asarray(at) - 1) * series.step)
