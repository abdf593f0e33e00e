"""NLinear (Zeng et al. 2023): forecasts as a linear map of the history less its last value."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gauntlet.tasks.models.forecasters.rows import RowForecaster


class LinearForecaster(RowForecaster):
    """The fitted map: `weights_` (lookback, steps), `offset_` (steps,)."""

    def __init__(self, lookback: int = 336, strength: float = 1.0, step_s: float = 3600.0) -> None:
        self.lookback = lookback
        self.strength = strength
        self.step_s = step_s

    def with_map(self, weights: np.ndarray, offset: np.ndarray) -> LinearForecaster:
        """This forecaster with the map."""
        self.weights_, self.offset_ = weights, offset
        return self

    def forecast(self, history: np.ndarray, last: pd.DatetimeIndex, horizon: int) -> np.ndarray:  # noqa: ARG002
        """(n, horizon) forecasts; past the fitted steps, the last of them."""
        now = history[:, -1:]
        out = (history[:, -self.lookback :] - now) @ self.weights_ + self.offset_ + now
        return out[:, np.minimum(np.arange(horizon), out.shape[1] - 1)]
