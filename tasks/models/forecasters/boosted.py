"""LightGBM on lags and calendar: direct, one model for all series and all steps, with the step among its features.

Every row is one origin and one step ahead. Lags and target are differences to the last value in units of the history's
own standard deviation, so that series of any level and scale learn from each other. Calendar: hour and weekday of the
time that is forecast, and the values one season and some seasons before it, which are known at the origin.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from lightgbm import LGBMRegressor

from gauntlet.tasks.models.forecasters.rows import RowForecaster

PIECE = 200_000  # rows forecast at a time
SEASONS = 7


class BoostedForecaster(RowForecaster):
    """The fitted trees, `model_`, and what their features need to know of the series: season and step."""

    def __init__(self, season: int = 24, lookback: int = 168, step_s: float = 3600.0) -> None:
        self.season = season
        self.lookback = lookback
        self.step_s = step_s

    def with_model(self, model: LGBMRegressor) -> BoostedForecaster:
        """This forecaster with the trees."""
        self.model_ = model
        return self

    def forecast(self, history: np.ndarray, last: pd.DatetimeIndex, horizon: int) -> np.ndarray:
        """(n, horizon) forecasts."""
        out = np.empty((len(history), horizon))
        steps = np.arange(1, horizon + 1)
        for rows in _pieces(len(history), horizon):
            now, spread = anchor(history[rows])
            features = self.features(history[rows], last[rows], np.tile(steps, (len(now), 1)))
            answer = np.asarray(self.model_.predict(features.reshape(-1, features.shape[-1])))
            out[rows] = now + spread * answer.reshape(len(now), horizon)
        return out

    def features(self, history: np.ndarray, last: pd.DatetimeIndex, steps: np.ndarray) -> np.ndarray:
        """(n, s, features) float32 of the forecasts `steps` (n, s) ahead of histories (n, lookback)."""
        history = history[:, -self.lookback :]
        now, spread = anchor(history)
        season = min(self.season, self.lookback)
        seasons = max(1, min(SEASONS, self.lookback // season))
        scaled = (history - now) / spread
        known = [scaled[:, -lag] for lag in lags(season, self.lookback)]
        known += [scaled[:, -span:].mean(1) for span in (season, seasons * season)]
        known += [scaled[:, -season:].std(1)]
        per_origin = np.repeat(np.stack(known, -1)[:, None, :], steps.shape[1], axis=1)
        phase = (steps - 1) % season
        rows = np.arange(len(history))[:, None]
        same = np.stack([scaled[rows, self.lookback - back * season + phase] for back in range(1, seasons + 1)], -1)
        moment = (last.as_unit("s").asi8[:, None] + (steps * self.step_s).astype(np.int64)).astype(np.int64)
        calendar = [steps, (moment % 86_400) / 3_600, (moment // 86_400 + 3) % 7]
        return np.concatenate(
            [per_origin, same[..., :1], same.mean(-1, keepdims=True), np.stack(calendar, -1)], axis=-1
        ).astype(np.float32)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the features, in order."""
        season = min(self.season, self.lookback)
        return (
            *(f"lag_{lag}" for lag in lags(season, self.lookback)),
            "mean_of_last_season",
            "mean_of_history",
            "spread_of_last_season",
            "same_phase_last_season",
            "same_phase_mean",
            "step",
            "hour",
            "weekday",
        )


def lags(season: int, lookback: int) -> tuple[int, ...]:
    """The lags looked at: the latest values, then ever wider apart, and the season."""
    wanted = {2, 3, 4, 6, 8, 12, 18, season // 2, season, 2 * season, 3 * season, 7 * season}
    return tuple(sorted(lag for lag in wanted if 2 <= lag <= lookback))


def _pieces(count: int, horizon: int) -> Iterator[slice]:
    size = max(1, PIECE // horizon)
    for first in range(0, count, size):
        yield slice(first, min(first + size, count))


def anchor(history: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(last value, spread of the history), each (n, 1); a still history has the spread of a hundredth of the scale."""
    return history[:, -1:], np.maximum(history.std(1, keepdims=True), 0.01)
