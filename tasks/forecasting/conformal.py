"""Intervals from past mistakes: split conformal prediction (Vovk et al. 2005; Lei et al. 2018), per step ahead.

The half-width of step h is the k-th smallest of the absolute errors made on the validation part at that step, with
k = ceil((n + 1) * level). Where a step has too few errors for that, those of the steps beside it count too. It holds for
any model; it promises its coverage as long as the errors to come are like those before.

A model that is asked at every origin also learns from each outcome as it comes in: a miss widens the interval of that
step, a hit narrows it a little (quantile tracking: Angelopoulos, Candès and Tibshirani 2023, eq. 6), so that the share of
misses tends to the promised one whatever the errors do. The further ahead, the later an outcome comes and the more of
them say the same, so that each moves the width less: by 2 / (step + 20) of what it was at first. (At a rate of 0.1 for
every step the widths of ETTh1's 720 steps swing up to ten times what they have to be.)
"""

from __future__ import annotations

import math

import numpy as np

from gauntlet.tasks.models.forecasters.rows import LEVELS

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


def tracked(errors: np.ndarray, first: dict[int, np.ndarray]) -> dict[int, np.ndarray]:
    """By level [%], the half-widths at each of these consecutive origins and at the one after them, (origins + 1, horizon).

    The outcome of step h is known h origins later, and is used from then on.

    Args:
        errors: (origins, horizon) forecast less actual; NaN where nothing was measured, which changes nothing.
        first: the half-widths to begin with, (horizon,) by level.
    """
    count, horizon = errors.shape
    size = np.abs(errors)
    steps = np.arange(horizon)
    levels = list(first)
    begin = np.stack([first[level] for level in levels])
    allowed = np.array([[1 - level / 100] for level in levels])
    rate = begin * 2 / (steps + 21)
    half = np.empty((count + 1, len(levels), horizon))
    half[0] = begin
    for now in range(1, count + 1):
        known = min(now, horizon)  # the steps of which an outcome came in at this origin
        before, step = now - 1 - steps[:known], steps[:known]
        seen = size[before, step]
        missed = seen > half[before, :, step].T
        move = np.where(np.isnan(seen), 0.0, missed - allowed)
        half[now] = half[now - 1]
        half[now, :, :known] = np.maximum(half[now - 1, :, :known] + rate[:, :known] * move, 0.0)
    return {level: half[:, number] for number, level in enumerate(levels)}
