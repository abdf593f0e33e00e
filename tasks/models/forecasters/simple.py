"""Forecasts that need no learning, which every model has to beat: the last value, the last season, the drift."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gauntlet.tasks.models.forecasters.rows import RowForecaster


class Naive(RowForecaster):
    """The last value, repeated."""

    def __init__(self, step_s: float = 3600.0) -> None:
        self.step_s = step_s

    @property
    def lookback(self) -> int:
        """How many values it looks back."""
        return 1

    def forecast(self, history: np.ndarray, last: pd.DatetimeIndex, horizon: int) -> np.ndarray:  # noqa: ARG002
        """(n, horizon) forecasts."""
        return np.repeat(history[:, -1:], horizon, axis=1)


class SeasonalNaive(RowForecaster):
    """The last season, repeated."""

    def __init__(self, season: int = 24, step_s: float = 3600.0) -> None:
        self.season = season
        self.step_s = step_s

    @property
    def lookback(self) -> int:
        """How many values it looks back."""
        return self.season

    def forecast(self, history: np.ndarray, last: pd.DatetimeIndex, horizon: int) -> np.ndarray:  # noqa: ARG002
        """(n, horizon) forecasts."""
        return history[:, -self.season + np.arange(horizon) % self.season]


class Drift(RowForecaster):
    """The line through the first and the last value of the history (Hyndman and Athanasopoulos 2021, 5.2).

    The history is `span` values long, so that what a forecast looks back on does not depend on where it begins.
    """

    def __init__(self, span: int = 720, step_s: float = 3600.0) -> None:
        self.span = span
        self.step_s = step_s

    @property
    def lookback(self) -> int:
        """How many values it looks back."""
        return self.span

    def forecast(self, history: np.ndarray, last: pd.DatetimeIndex, horizon: int) -> np.ndarray:  # noqa: ARG002
        """(n, horizon) forecasts."""
        slope = (history[:, -1:] - history[:, -self.span :][:, :1]) / (self.span - 1)
        return history[:, -1:] + slope * np.arange(1, horizon + 1)
