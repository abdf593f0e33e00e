"""LightGBM on lags and calendar: direct, one model for all series and all steps, with the step among its features.

Every row is one origin and one step ahead. Lags and target are differences to the last value in units of the history's
own standard deviation, so that series of any level and scale learn from each other. Calendar: hour and weekday of the
time that is forecast, and the values one season and some seasons before it, which are known at the origin.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from lightgbm import LGBMRegressor

from gauntlet.tasks.forecasting.windows import Split, futures, histories, last_times, spaced
from gauntlet.tasks.models.forecasters.rows import RowForecaster

ROWS = 60_000  # to learn from
PIECE = 200_000  # rows forecast at a time
SEASONS = 7
DEFAULTS: Mapping[str, Any] = {
    "n_estimators": 150, "learning_rate": 0.05, "num_leaves": 15, "min_child_samples": 50, "reg_lambda": 10.0,
}  # fmt: skip


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

    def ahead(self, history: np.ndarray, last: pd.DatetimeIndex, horizon: int) -> np.ndarray:
        """(n, horizon) forecasts."""
        out = np.empty((len(history), horizon))
        steps = np.arange(1, horizon + 1)
        for rows in _pieces(len(history), horizon):
            now, spread = _anchor(history[rows])
            features = self.features(history[rows], last[rows], np.tile(steps, (len(now), 1)))
            answer = np.asarray(self.model_.predict(features.reshape(-1, features.shape[-1])))
            out[rows] = now + spread * answer.reshape(len(now), horizon)
        return out

    def features(self, history: np.ndarray, last: pd.DatetimeIndex, steps: np.ndarray) -> np.ndarray:
        """(n, s, features) float32 of the forecasts `steps` (n, s) ahead of histories (n, lookback)."""
        history = history[:, -self.lookback :]
        now, spread = _anchor(history)
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
            "mean_of_last_season", "mean_of_history", "spread_of_last_season", "same_phase_last_season",
            "same_phase_mean", "step", "hour", "weekday",
        )  # fmt: skip


def lags(season: int, lookback: int) -> tuple[int, ...]:
    """The lags looked at: the latest values, then ever wider apart, and the season."""
    wanted = {2, 3, 4, 6, 8, 12, 18, season // 2, season, 2 * season, 3 * season, 7 * season}
    return tuple(sorted(lag for lag in wanted if 2 <= lag <= lookback))


def _pieces(count: int, horizon: int) -> Iterator[slice]:
    size = max(1, PIECE // horizon)
    for first in range(0, count, size):
        yield slice(first, min(first + size, count))


def _anchor(history: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(last value, spread of the history), each (n, 1); a still history has the spread of a hundredth of the scale."""
    return history[:, -1:], np.maximum(history.std(1, keepdims=True), 0.01)


def training_rows(
    model: BoostedForecaster, series: Sequence[Split], horizon: int, ends: Sequence[int], seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """(features, target) over the first `ends` values of each series: origins evenly spaced, steps drawn for each."""
    draw = np.random.default_rng(seed)
    per_origin = min(horizon, 12)
    budget = max(20, ROWS // (len(series) * per_origin))
    features, targets = [], []
    for one, end in zip(series, ends, strict=True):
        at = spaced(min(model.lookback, end // 2), end, horizon, budget)
        history = histories(one.values, at, model.lookback)
        steps = np.sort(draw.random((len(at), horizon)).argsort(1)[:, :per_origin] + 1, axis=1)
        now, spread = _anchor(history)
        actual = np.take_along_axis(np.asarray(futures(one.values[:end], at, horizon)), steps - 1, axis=1)
        rows = model.features(history, last_times(one.series, at), steps)
        features.append(rows.reshape(-1, rows.shape[-1]))
        targets.append(((actual - now) / spread).ravel())
    return np.concatenate(features), np.concatenate(targets)


def blank(series: Sequence[Split]) -> BoostedForecaster:
    """An unfitted forecaster with the look-back that suits the series: some seasons, as far as the shortest allows."""
    season = max(1, min(one.series.season for one in series))
    room = min(one.train for one in series) // 4
    seasons = max(1, min(SEASONS, min(room, 2_016) // season)) if season > 1 else 0
    lookback = seasons * season if season > 1 else min(48, room)
    lookback = max(lookback, 8) if lookback <= room else max(8, room)
    return BoostedForecaster(
        season if season <= lookback else lookback, lookback, series[0].series.step.total_seconds()
    )


def fit(
    series: Sequence[Split], horizon: int, settings: Mapping[str, Any], seed: int, share: float = 1.0
) -> BoostedForecaster:
    """The forecaster fitted to the first `share` of the training parts."""
    model = blank(series)
    ends = [int(share * one.train) for one in series]
    features, target = training_rows(model, series, horizon, ends, seed)
    trees = LGBMRegressor(
        **{**DEFAULTS, **settings}, random_state=seed, deterministic=True, force_row_wise=True, n_jobs=1, verbose=-1
    )
    return model.with_model(trees.fit(features, target))


def tuning_error(series: Sequence[Split], horizon: int, settings: Mapping[str, Any], seed: int) -> float:
    """Mean squared error of these settings on the last fifth of the training parts, learnt on what is before it."""
    model = fit(series, horizon, settings, seed, share=0.8)
    errors = []
    for one in series:
        first, end = int(0.8 * one.train), one.train
        if end - first <= horizon:
            first = end - horizon - 1
        at = spaced(first, end, horizon, max(4, 64 // len(series)))
        history = histories(one.values, at, model.lookback)
        ahead = model.ahead(history, last_times(one.series, at), horizon)
        errors.append(float(np.square(ahead - futures(one.values, at, horizon)).mean()))
    return float(np.mean(errors))
