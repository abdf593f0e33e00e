"""ARIMA and exponential smoothing on the seasonally adjusted series, through statsmodels, fitted anew at every origin.

statsforecast's AutoARIMA and AutoETS ask for pandas 2 and cannot be installed beside pandas 3. In their place: the mean
of each phase of the season is taken out (and put back), d is chosen by the KPSS test and (p, q) by AICc, as Hyndman and
Khandakar (2008) do; exponential smoothing chooses between no trend and a damped one by AICc.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from contextlib import suppress

import numpy as np
import pandas as pd

from gauntlet.tasks.models.forecasters.rows import RowForecaster

WINDOW = 720
MOST_AR, MOST_MA = 3, 2


class ClassicalForecaster(RowForecaster):
    """ARIMA with a chosen order, or exponential smoothing; its parameters are estimated from each history."""

    def __init__(
        self,
        kind: str = "arima",
        order: tuple[int, int, int] | None = (1, 1, 1),
        damped: bool = False,
        season: int = 24,
        lookback: int = WINDOW,
        step_s: float = 3600.0,
    ) -> None:
        self.kind = kind
        self.order = order
        self.damped = damped
        self.season = season
        self.lookback = lookback
        self.step_s = step_s

    def forecast(self, history: np.ndarray, last: pd.DatetimeIndex, horizon: int) -> np.ndarray:  # noqa: ARG002
        """(n, horizon) forecasts."""
        return np.stack([self._one(values[-self.lookback :], horizon) for values in history])

    def _one(self, values: np.ndarray, horizon: int) -> np.ndarray:
        adjusted, profile = adjust(values, self.season)
        phase = (len(values) + np.arange(horizon)) % len(profile)
        if np.ptp(adjusted) < 1e-9:
            return adjusted[-1] + profile[phase]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of optimisers that stop early: the forecast is judged, not the fit
            if self.kind == "arima":
                assert self.order is not None
                ahead = _arima(adjusted, tuple(self.order)).forecast(horizon)
            else:
                ahead = _smoothing(adjusted, self.damped).forecast(horizon)
        return np.asarray(ahead) + profile[phase]


def adjust(values: np.ndarray, season: int) -> tuple[np.ndarray, np.ndarray]:
    """(values less the mean of their phase's deviation, that deviation by phase); unchanged with under two seasons."""
    if season < 2 or len(values) < 2 * season:
        return values, np.zeros(1)
    phase = np.arange(len(values)) % season
    profile = np.bincount(phase, values) / np.bincount(phase)
    profile -= profile.mean()
    return values - profile[phase], profile


def _arima(values: np.ndarray, order: tuple[int, ...]):  # type: ignore[no-untyped-def]
    """Hannan and Rissanen's regressions (1982), a tenth of the work of maximum likelihood, which stands in where their
    answer is not stationary."""
    from statsmodels.tsa.arima.model import ARIMA

    try:
        return _regressed(values, order)
    except ValueError:
        model = ARIMA(values, order=order, trend="n" if order[1] else "c")
        return model.fit(method_kwargs={"maxiter": 50, "disp": 0})


def _regressed(values: np.ndarray, order: tuple[int, ...]):  # type: ignore[no-untyped-def]
    from statsmodels.tsa.arima.model import ARIMA

    return ARIMA(values, order=order, trend="n" if order[1] else "c").fit(method="hannan_rissanen")


def _smoothing(values: np.ndarray, damped: bool):  # type: ignore[no-untyped-def]
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    return ExponentialSmoothing(
        values, trend="add" if damped else None, damped_trend=damped, initialization_method="estimated"
    ).fit()


def chosen(values: np.ndarray, season: int, kind: str, step_s: float) -> ClassicalForecaster:
    """The forecaster with the order that suits these values, (n,), the last `WINDOW` of which are looked at."""
    values = values[-WINDOW:]
    adjusted, _ = adjust(values, season)
    settings: Mapping[str, object] = _order(adjusted) if kind == "arima" else _trend(adjusted)
    return ClassicalForecaster(kind=kind, season=season, lookback=len(values), step_s=step_s, **settings)  # type: ignore[arg-type]


def _order(values: np.ndarray) -> dict[str, object]:
    from statsmodels.tsa.stattools import kpss

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        d = 0
        while d < 2 and kpss(np.diff(values, d), nlags="auto")[1] < 0.05:
            d += 1
        scores = {}
        for p in range(MOST_AR + 1):
            for q in range(MOST_MA + 1):
                with suppress(ValueError, np.linalg.LinAlgError):  # of an order that these regressions cannot have
                    scores[p, d, q] = float(_regressed(values, (p, d, q)).aicc)
    finite = {order: score for order, score in scores.items() if np.isfinite(score)}
    return {"order": min(finite, key=lambda order: (finite[order], order)) if finite else (0, 1, 0)}


def _trend(values: np.ndarray) -> dict[str, object]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {"damped": bool(_smoothing(values, True).aicc < _smoothing(values, False).aicc)}
