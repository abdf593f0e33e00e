"""Each forecaster against what is known of it by another route, and none that sees what it is to forecast."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.linear_model import Ridge

from gauntlet.datasets.records.series import Series
from gauntlet.tasks.forecasting import boosted, linear
from gauntlet.tasks.forecasting.windows import Split, futures, histories, last_times, origins, split
from gauntlet.tasks.models.forecasters import classical
from gauntlet.tasks.models.forecasters.boosted import BoostedForecaster
from gauntlet.tasks.models.forecasters.combined import CombinedForecaster, weights
from gauntlet.tasks.models.forecasters.prophet import ProphetForecaster, fitted_json
from gauntlet.tasks.models.forecasters.rows import RowForecaster
from gauntlet.tasks.models.forecasters.simple import Drift, Naive, SeasonalNaive
from gauntlet.tasks.registry.trust import deserialise

START = pd.Timestamp("2026-01-05")  # a Monday


def series(values: np.ndarray, step: str = "1h") -> Series:
    return Series("s", START, pd.Timedelta(step), np.asarray(values, float), np.ones(len(values), bool))


def wave(n: int = 1_200, noise: float = 0.1, seed: int = 0) -> np.ndarray:
    return np.sin(2 * np.pi * np.arange(n) / 24) + noise * np.random.default_rng(seed).normal(size=n)


@pytest.fixture(scope="module")
def one() -> Split:
    return split(series(10 + 3 * wave()), (24,))


def times(n: int) -> pd.DatetimeIndex:
    return pd.DatetimeIndex([START] * n)


def test_the_forecasts_that_need_no_learning() -> None:
    """By hand: repeat 4; repeat 3, 4; go on along the line through 1 and 4."""
    history = np.array([[1.0, 2.0, 3.0, 4.0]])
    assert Naive().forecast(history, times(1), 3).tolist() == [[4, 4, 4]]
    assert SeasonalNaive(2).forecast(history, times(1), 3).tolist() == [[3, 4, 3]]
    assert Drift(4).forecast(history, times(1), 3).tolist() == [[5, 6, 7]]


def test_the_linear_map_is_the_ridge_of_the_textbook(one: Split) -> None:
    """scikit-learn's Ridge on the same windows, with the same penalty, gives the same forecasts."""
    model = linear.fit(one, 24, choices=(96,))
    at = origins(96, one.train, 24)
    x, y = histories(one.values, at, 96), futures(one.values, at, 24)
    x, y = x - x[:, -1:], y - x[:, -1:]
    penalty = model.strength * np.linalg.eigvalsh(np.cov(x.T, bias=True) * len(x)).mean()
    textbook = Ridge(alpha=penalty, solver="svd").fit(x, y)
    ask = histories(one.values, np.array([one.end]), 96)
    expected = textbook.predict(ask - ask[:, -1:]) + ask[:, -1:]
    assert np.allclose(model.forecast(ask, times(1), 24), expected, atol=1e-8)


def test_the_linear_map_finds_a_law_that_is_linear() -> None:
    """A noiseless wave obeys a linear recurrence: its forecast is exact."""
    clean = split(series(10 + 3 * wave(noise=0.0)), (24,))
    model = linear.fit(clean, 24)
    at = origins(clean.validation, clean.end, 24)
    ahead = model.forecast(histories(clean.values, at, model.lookback), times(len(at)), 24)
    assert np.abs(ahead - futures(clean.values, at, 24)).max() < 0.02


def test_noise_makes_the_linear_map_no_worse_than_noise(one: Split) -> None:
    """Wave and white noise: the best error is the noise's deviation, that of naive forecasts is sqrt(2) of it or more."""
    model = linear.fit(one, 24)
    at = origins(one.validation, one.end, 24)
    errors = model.forecast(histories(one.values, at, model.lookback), times(len(at)), 24) - futures(one.values, at, 24)
    floor = 3 * 0.1 / one.scale
    assert floor * 0.9 < np.sqrt(np.square(errors).mean()) < floor * 1.15


def _fitted(kind: str, one: Split) -> RowForecaster:
    if kind == "linear":
        return linear.fit(one, 24)
    if kind == "lightgbm":
        return boosted.fit([one], 24, {}, seed=7)
    if kind in ("arima", "ets"):
        return classical.chosen(one.values[: one.train], 24, kind, 3600.0)
    settings = {"recent": 0.5}
    times_ = one.series.times[: one.train]
    return ProphetForecaster(settings, 3600.0).with_json(fitted_json(one.values[: one.train], times_, 24, settings))


KINDS = ("linear", "lightgbm", "arima", "ets", "prophet")


@pytest.mark.parametrize("kind", KINDS)
def test_what_comes_after_the_origin_is_not_seen(kind: str, one: Split) -> None:
    """Whatever follows the training part, also NaN, the fit is the same, and so is the forecast from its end."""
    settle: Callable[[np.ndarray], Split] = lambda values: Split(  # noqa: E731
        one.series, values, one.train, one.validation, one.end, one.centre, one.scale
    )
    other = one.values.copy()
    # Settings of the linear map are chosen on the validation part, which it may see; the others see training only.
    other[one.validation if kind == "linear" else one.train :] = 1e3
    at = np.array([one.train])
    ahead = []
    for values in (one.values, other):
        model = _fitted(kind, settle(values))
        history = histories(values, at, int(model.lookback))
        ahead.append(model.forecast(history, last_times(one.series, at), 24))
    assert np.array_equal(ahead[0], ahead[1])


@pytest.mark.parametrize("kind", KINDS)
def test_a_forecaster_survives_the_registry_format(kind: str, one: Split) -> None:
    """skops bytes, loaded under our own list of types, forecast the same, in the series' unit and within the interval."""
    model = _fitted(kind, one).with_scale(one.centre, one.scale, {80: np.full(24, 0.2), 95: np.full(24, 0.5)})
    loaded = deserialise(skops.io.dumps(model))
    history = one.centre + one.scale * histories(one.values, np.array([one.train]), int(model.lookback))[0]
    rows = pd.DataFrame(
        {
            "origin": one.series.times[one.train - 1].isoformat(),
            "step": np.arange(1, 25),
            "history": [history.tolist()] * 24,
        }
    )
    value = loaded.predict(rows)
    assert np.array_equal(value, model.predict(rows))
    came = one.series.values[one.train : one.train + 24]
    assert np.abs(value - came).mean() < 0.6  # the wave swings by 3
    low, high = loaded.predict_interval(rows, 95).T
    assert np.allclose(high - low, 2 * 0.5 * one.scale)
    # Asked for single steps, in any order, it says the same.
    some = rows.iloc[[20, 3]]
    assert np.allclose(loaded.predict(some), value[[20, 3]])


def test_boosted_features_of_an_origin() -> None:
    """By hand: a lag counts back from the last value, and the same phase is that of the time that is forecast."""
    history = np.arange(48.0)[None, :]
    model = BoostedForecaster(season=24, lookback=48)
    found = dict(zip(model.feature_names, model.features(history, times(1), np.array([[1, 25]]))[0].T, strict=True))
    spread = history.std()
    assert found["lag_2"] == pytest.approx(-1 / spread)
    assert found["same_phase_last_season"] == pytest.approx([(24 - 47) / spread, (24 - 47) / spread])
    assert found["same_phase_mean"][0] == pytest.approx(((24 + 0) / 2 - 47) / spread)
    assert found["hour"].tolist() == [1, 1]  # origin at midnight
    assert found["weekday"].tolist() == [0, 1]  # Monday, then Tuesday


@pytest.mark.slow
def test_arima_is_as_good_as_the_process_allows() -> None:
    """Its mean squared error on a simulated AR(1) is near the known variance of what is yet to come."""
    draw, phi = np.random.default_rng(5), 0.9
    values = np.zeros(3_000)
    for t in range(1, len(values)):
        values[t] = phi * values[t - 1] + draw.normal()
    model = classical.chosen(values[:720], 1, "arima", 3600.0)
    at = np.arange(800, 2_900, 100)
    errors = model.forecast(histories(values, at, model.lookback), times(len(at)), 5) - futures(values, at, 5)
    known = np.sqrt(np.mean([(1 - phi ** (2 * h)) / (1 - phi**2) for h in range(1, 6)]))
    assert np.sqrt(np.square(errors).mean()) == pytest.approx(known, rel=0.3)


def test_seasonal_adjustment_takes_out_what_repeats() -> None:
    """A wave is all season: nothing is left of it, and it comes back as the forecast."""
    clean = wave(240, noise=0.0)
    adjusted, profile = classical.adjust(clean, 24)
    assert np.abs(adjusted).max() < 1e-12
    assert np.allclose(profile, clean[:24])
    model = classical.ClassicalForecaster("ets", None, False, 24, 240)
    assert np.allclose(model.forecast(clean[None], times(1), 48)[0], np.tile(clean[:24], 2), atol=1e-9)


def test_the_combination_weighs_by_error() -> None:
    """Errors of 1 and 3: weights 3/4 and 1/4; the forecast is the weighted mean."""
    share = weights({"a": 1.0, "b": 3.0})
    assert share.tolist() == [0.75, 0.25]
    both = CombinedForecaster().with_members([Naive(), SeasonalNaive(2)], share)
    assert both.lookback == 2
    assert both.forecast(np.array([[1.0, 5.0]]), times(1), 1).tolist() == [[4.0]]
