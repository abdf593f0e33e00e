"""Alarms over sensor streams that need no model: never, a plain limit on the reading, rules of plausibility."""

from __future__ import annotations

import numpy as np

SOUND = 0.999  # quantile of the training part's distances that becomes the limit
STILL, FAR = 6, 8.0  # equal readings in a row; robust deviations of a step


def robust_z(values: np.ndarray, learnt: int) -> tuple[np.ndarray, float]:
    """(distance from the median of the first `learnt` readings in units of their MAD, its limit); missing is 0 away.

    The season is not known to it, so that the limit lies outside of the whole day's range.
    """
    sound = values[:learnt]
    centre = np.nanmedian(sound)
    spread = max(1.4826 * float(np.nanmedian(np.abs(sound - centre))), 1e-12)
    away = np.nan_to_num(np.abs(values - centre) / spread)
    return away, float(np.quantile(away[:learnt], SOUND))


def implausible(values: np.ndarray, learnt: int, low: float, high: float) -> np.ndarray:
    """1.0 for a reading outside `low` to `high`, equal to the five before it, or a jump; causal, (n,).

    A jump is a step beyond `FAR` robust deviations of the training part's steps.
    """
    step = np.abs(np.diff(values, prepend=values[:1]))
    usual = step[:learnt][np.isfinite(step[:learnt])]
    spread = max(1.4826 * float(np.median(usual)), 1e-12) if len(usual) else np.inf
    same = np.concatenate([[False], values[1:] == values[:-1]])
    since = np.arange(len(values)) - np.maximum.accumulate(np.where(same, 0, np.arange(len(values))))
    outside = (values < low) | (values > high)
    return np.asarray(outside | (np.nan_to_num(step) > FAR * spread) | (since >= STILL - 1)).astype(np.float64)
