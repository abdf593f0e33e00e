"""How a forecaster is asked once it is registered: a table of origins and steps in, one forecast a row out."""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin

ORIGIN, STEP, HISTORY = "origin", "step", "history"
LEVELS = (80, 95)


class RowForecaster(RegressorMixin, BaseEstimator):
    """A forecaster of one series, with the series' scale and its interval widths inside.

    A subclass has `lookback` and `forecast(history, last, horizon)`, both in z-scores. What fitting, splitting and
    calibration found is set once by `with_scale`: `centre_`, `scale_`, `half_width_80_`, `half_width_95_` (steps,).
    """

    def with_scale(self, centre: float, scale: float, half_widths: dict[int, np.ndarray]) -> RowForecaster:
        """This forecaster, which now takes and gives values in the series' unit."""
        self.centre_, self.scale_ = float(centre), float(scale)
        for level in LEVELS:
            setattr(self, f"half_width_{level}_", np.asarray(half_widths[level], dtype=np.float64))
        return self

    def copy(self) -> RowForecaster:
        """The same fitted forecaster, to be given the scale of a series of its own; arrays and trees are shared."""
        return copy.copy(self)

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """The forecasts, (rows,), in the series' unit.

        Args:
            X: columns `origin` (time of the last known value, ISO 8601), `step` (steps ahead, from 1 on) and `history`
                (the last values up to the origin, oldest first).

        Raises:
            ValueError: a history is too short or has a missing value, or a step is below 1.
        """
        steps = X[STEP].to_numpy(dtype=np.int64)
        if len(steps) and steps.min() < 1:
            raise ValueError(f"column '{STEP}': no forecast of the past, saw {steps.min()}; expected 1 or more")
        asked = X[ORIGIN].astype(str).to_numpy()
        out = np.empty(len(X))
        for origin in dict.fromkeys(asked):
            rows = np.flatnonzero(asked == origin)
            history = self._history(X[HISTORY].iloc[rows[0]])
            horizon = int(steps[rows].max())
            last = pd.DatetimeIndex([pd.Timestamp(origin)])
            ahead = self.forecast((history[None, :] - self.centre_) / self.scale_, last, horizon)
            out[rows] = self.centre_ + self.scale_ * ahead[0, steps[rows] - 1]
        return out

    def predict_interval(self, X: pd.DataFrame, level: int = 95) -> np.ndarray:
        """(rows, 2): the interval that covers `level` percent, in the series' unit."""
        widths = np.asarray(getattr(self, f"half_width_{level}_"))
        half = self.scale_ * widths[np.minimum(X[STEP].to_numpy(dtype=np.int64), len(widths)) - 1]
        point = self.predict(X)
        return np.column_stack([point - half, point + half])

    def _history(self, values: object) -> np.ndarray:
        history = np.asarray(values, dtype=np.float64)
        needed = self.lookback
        if len(history) < needed or not np.isfinite(history).all():
            saw = f"{np.isfinite(history).sum()} values"
            raise ValueError(f"column '{HISTORY}': saw {saw}; expected at least {needed} values, none missing")
        return history[-needed:]
