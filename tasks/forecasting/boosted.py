"""LightGBM fitted to all series at once: origins evenly spaced over the training parts, steps drawn for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from lightgbm import LGBMRegressor

from gauntlet.tasks.forecasting.windows import Split, futures, histories, last_times, spaced
from gauntlet.tasks.models.forecasters.boosted import SEASONS, BoostedForecaster, anchor

ROWS = 60_000  # to learn from
DEFAULTS: Mapping[str, Any] = {
    "n_estimators": 150,
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_child_samples": 50,
    "reg_lambda": 10.0,
}


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
        now, spread = anchor(history)
        actual = np.take_along_axis(np.asarray(futures(one.values[:end], at, horizon)), steps - 1, axis=1)
        rows = model.features(history, last_times(one.series, at), steps)
        features.append(rows.reshape(-1, rows.shape[-1]))
        targets.append(((actual - now) / spread).ravel())
    return np.concatenate(features), np.concatenate(targets)


def unfitted(series: Sequence[Split]) -> BoostedForecaster:
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
    model = unfitted(series)
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
        ahead = model.forecast(history, last_times(one.series, at), horizon)
        errors.append(float(np.square(ahead - futures(one.values, at, horizon)).mean()))
    return float(np.mean(errors))
