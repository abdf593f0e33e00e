"""A combination: the weighted mean of the forecasters that are fitted once, weights by their errors in validation."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from gauntlet.tasks.models.forecasters.rows import RowForecaster


class CombinedForecaster(RowForecaster):
    """`members_` and their `weights_`, which sum to 1."""

    def __init__(self, step_s: float = 3600.0) -> None:
        self.step_s = step_s

    def with_members(self, members: list[RowForecaster], weights: np.ndarray) -> CombinedForecaster:
        """This forecaster with its members."""
        self.members_, self.weights_ = members, np.asarray(weights, dtype=np.float64)
        return self

    @property
    def lookback(self) -> int:
        """How many values it looks back: as far as the member that looks furthest."""
        return max(int(member.lookback) for member in self.members_)

    def forecast(self, history: np.ndarray, last: pd.DatetimeIndex, horizon: int) -> np.ndarray:
        """(n, horizon) forecasts."""
        every = [member.forecast(history[:, -int(member.lookback) :], last, horizon) for member in self.members_]
        return sum((w * f for w, f in zip(self.weights_, every, strict=True)), np.zeros_like(every[0]))


def weights(errors: Mapping[str, float]) -> np.ndarray:
    """The members' weights: inverse to their mean squared errors (Bates and Granger 1969), in the order given."""
    inverse = np.array([1.0 / max(error, 1e-12) for error in errors.values()])
    return inverse / inverse.sum()
