"""Intervals from past mistakes: split conformal prediction (Vovk et al. 2005; Lei et al. 2018), per step ahead.

The half-width of step h is the k-th smallest of the absolute errors made on the validation part at that step, with
k = ceil((n + 1) * level). Where a step has too few errors for that, those of the steps beside it count too. It holds for
any model; it promises its coverage as long as the errors to come are like those before.
"""

from __future__ import annotations

import math

import numpy as np

from tasks.forecast.rows import LEVELS

FEWEST = 200


def half_widths(errors: np.ndarray, levels: tuple[int, ...] = LEVELS) -> dict[int, np.ndarray]:
    """By level [%], the half-width of the interval at each step, (horizon,).

    Args:
        errors: (origins, horizon) forecast less actual on the validation part; NaN where nothing was measured.
    """
    size = np.abs(errors)
    count, horizon = size.shape
    reach = 0 if count >= FEWEST else min(horizon, math.ceil((FEWEST / count - 1) / 2))
    out = {level: np.empty(horizon) for level in levels}
    for step in range(horizon):
        near = size[:, max(0, step - reach) : step + reach + 1].ravel()
        near = np.sort(near[np.isfinite(near)])
        for level in levels:
            rank = min(len(near), math.ceil((len(near) + 1) * level / 100))
            out[level][step] = near[rank - 1] if len(near) else np.nan
    return out
