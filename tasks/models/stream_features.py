"""Causal features of a sensor's stream: what a row says is known when it is read; the past is never filled back.

Missing readings are carried forward from the last one before; rows before the first reading take the healthy median.
A filled row never counts as stuck.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

NAMES = ("level", "step", "half_day", "burst", "still")
MEMORY_DAYS = 7


@dataclass(frozen=True, eq=False)
class SeasonalProfile:
    """What a sensor reads when it is healthy: `centre`, deviation by hour of the day (24,) and by weekday (7,)."""

    centre: float
    by_hour: np.ndarray
    by_weekday: np.ndarray


def seasonal_profile(times: pd.DatetimeIndex, values: np.ndarray) -> SeasonalProfile:
    """The profile of healthy readings, (n,) with NaN where missing; an hour or a weekday that never came deviates by 0."""
    centre = float(np.nanmedian(values))
    rest = pd.Series(values - centre)
    by_hour = rest.groupby(times.hour).median().reindex(range(24)).fillna(0).to_numpy()
    rest = rest - by_hour[times.hour]
    by_weekday = rest.groupby(times.dayofweek).median().reindex(range(7)).fillna(0).to_numpy()
    return SeasonalProfile(centre, by_hour, by_weekday)


def carried_forward(values: np.ndarray, start: float) -> np.ndarray:
    """The readings with the last one before in place of each missing one, `start` before the first."""
    return pd.Series(values).ffill().fillna(start).to_numpy()


def stream_features(times: pd.DatetimeIndex, values: np.ndarray, usual: SeasonalProfile, per_day: int) -> np.ndarray:
    """The features `NAMES` of each row, (n, 5), of this and earlier rows only; in the sensor's unit but the last two.

    level: deviation from the profile and from the trailing week's median of that. step: its change. half_day: its trailing
    mean over 12 hours. burst: log of the steps' trailing standard deviation over 6 hours. still: log of 1 + equal
    measured readings before this one.
    """
    x = carried_forward(values, usual.centre)
    away = pd.Series(x - usual.centre - usual.by_hour[times.hour] - usual.by_weekday[times.dayofweek])
    base = away.shift(1).rolling(MEMORY_DAYS * per_day, min_periods=1).median().fillna(0.0)
    level = away - base
    step = level.diff().fillna(0.0)
    burst = step.rolling(max(3, per_day // 4), min_periods=3).std()
    same = np.concatenate([[False], values[1:] == values[:-1]])
    run = pd.Series(same).groupby(np.cumsum(~same)).cumsum()
    return np.column_stack(
        [
            level,
            step,
            level.rolling(max(2, per_day // 2), min_periods=1).mean(),
            np.log(burst.clip(lower=1e-9)),
            np.log1p(run),
        ]
    )
