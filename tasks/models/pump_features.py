"""Features of a pump's sensors, causal throughout: a row is described by itself and by what came before it.

Per sensor: means over 15, 60 and 360 minutes, spread over 60 minutes, rate (the last hour against the last six), lag
(the last hour against the same hour a day before). Gaps stay gaps unless less than half of a window is missing.
"""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

SHORT, HOUR, LONG, DAY = 15, 60, 360, 1440  # minutes; rows are minutes
KINDS = ("mean15", "mean60", "mean360", "sd60", "rate", "lag_day")


def rolling_mean(values: np.ndarray, window: int) -> np.ndarray:
    """Mean of the last `window` rows and this one's own, gaps left out; NaN where over half of the window is a gap.

    (n, k) float64 in, float32 out. The first rows have the window that there is.
    """
    present = ~np.isnan(values)
    total = np.cumsum(np.where(present, values, 0.0), axis=0)
    count = np.cumsum(present, axis=0, dtype=np.int32)
    if len(values) > window:
        total[window:] = total[window:] - total[:-window]
        count[window:] = count[window:] - count[:-window]
    reach = np.minimum(np.arange(1, len(values) + 1), window)[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(count * 2 >= reach, total / count, np.nan).astype(np.float32)


def lagged(values: np.ndarray, rows: int) -> np.ndarray:
    """The values `rows` rows earlier, NaN before there are any."""
    earlier = np.full_like(values, np.nan)
    earlier[rows:] = values[:-rows] if rows < len(values) else values[:0]
    return earlier


class PumpFeatures(TransformerMixin, BaseEstimator):
    """From minute rows of sensors (n x s, in order of time) to n x 6s float32 features; learns nothing but names."""

    def __init__(self, kinds: tuple[str, ...] | list[str] = KINDS) -> None:
        self.kinds = kinds

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:  # noqa: ARG002 - the estimators' own form
        """Itself, knowing the sensors' names."""
        self.sensors_ = [str(name) for name in X.columns]
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """The features, named `sensor_04 rate` and so on; one sensor at a time, so that memory holds the result only."""
        parts: dict[str, np.ndarray] = {}
        for sensor in self.sensors_:
            values = X[[sensor]].to_numpy(dtype=np.float64)
            # Sums of squares keep their digits near zero. The first value is known from then on, a mean would look ahead.
            there = np.flatnonzero(np.isfinite(values[:, 0]))
            centre = float(values[there[0], 0]) if len(there) else 0.0
            features = _of_sensor(values - centre)
            for kind in self.kinds:
                parts[f"{sensor} {kind}"] = features[kind][:, 0] + (
                    np.float32(centre) if kind.startswith("mean") else 0
                )
        return pd.DataFrame(parts, copy=False)


def _of_sensor(values: np.ndarray) -> dict[str, np.ndarray]:
    mean60, mean360 = rolling_mean(values, HOUR), rolling_mean(values, LONG)
    square = rolling_mean(values**2, HOUR)
    with np.errstate(invalid="ignore"):
        spread = np.sqrt(np.maximum(square - mean60**2, 0.0))
    return {
        "mean15": rolling_mean(values, SHORT),
        "mean60": mean60,
        "mean360": mean360,
        "sd60": spread,
        "rate": mean60 - mean360,
        "lag_day": mean60 - lagged(mean60, DAY),
    }


def since_recovery(status: np.ndarray) -> np.ndarray:
    """Rows since the machine last was not NORMAL, (n,) int64; counted from the first row where it always was."""
    place = np.arange(len(status))
    last = np.maximum.accumulate(np.where(status != 0, place, -1))
    return place - last
