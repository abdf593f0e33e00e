"""Do the rows of a window follow each other in time, as the reference's do? A block of the reference stands for such a
window only; rows drawn at random from everywhere are another matter."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from scipy.stats import f as f_distribution
from scipy.stats import norm

from gauntlet.tasks.drift.statistics import is_number

Order = Literal["blocks", "rows", "held"]
BLOCKS = 100
PARTS = 10  # consecutive ones, whose means tell of slow movement


def serial_order(reference: pd.DataFrame, window: pd.DataFrame, seed: int = 7) -> Order:
    """How windows like this one come out of the reference.

    "blocks": neighbours in time, or nothing speaks against it. "rows": independent rows, be it that neighbours are
    alike in the reference but not in the window, which was drawn or shuffled then, or in neither. "held": neighbours in
    time, of a reference that was shuffled; each of its rows then has to stand for several.

    Told by the correlation of neighbouring rows against that of blocks of the reference, feature by feature.
    """
    shared = [name for name in reference if name in window and is_number(reference[name]) and is_number(window[name])]
    rows = min(len(window), len(reference) // 2)
    if rows < 8:
        return "blocks"
    noise = 3 / np.sqrt(rows)
    starts = np.random.default_rng(seed).integers(0, len(reference) - rows + 1, BLOCKS)
    alike, unlike, more, ordered = 0, 0, 0, 0
    for name in shared:
        own = neighbour_correlation(window[name].to_numpy(np.float64))
        values = reference[name].to_numpy(np.float64)
        blocks = [neighbour_correlation(values[start : start + rows]) for start in starts]
        low, high = np.quantile(blocks, (0.01, 0.99))
        ordered += _has_order(values, len(shared)) or abs(own) > 1.5 * noise
        alike += low > noise and own > noise
        unlike += low > noise and abs(own) < noise
        more += high < 2 * noise and own > 2 * noise and own > high + 0.2
    if not ordered and shared:
        return "rows"
    if alike or unlike == more:
        return "blocks"
    return "rows" if unlike > more else "held"


def _has_order(values: np.ndarray, features: int) -> bool:
    """Whether neighbours are alike, or parts differ more than independent rows would let them (1 % for all features)."""
    values = values[np.isfinite(values)]
    if len(values) < 3 * PARTS:
        return True
    chance = 0.01 / features / 2
    alike = abs(neighbour_correlation(values)) > norm.isf(chance / 2) / np.sqrt(len(values))
    return bool(alike) or parts_differ(values, chance)


def parts_differ(values: np.ndarray, chance: float = 0.01) -> bool:
    """Whether the means of ten consecutive parts differ more than independent rows would let them (F test).

    Args:
        values: finite, at least 30.
    """
    parts = np.array_split(values, PARTS)
    means = np.array([part.mean() for part in parts])
    within = float(np.mean([part.var(ddof=1) for part in parts])) / (len(values) / PARTS)
    return bool(means.var(ddof=1) > f_distribution.isf(chance, PARTS - 1, len(values) - PARTS) * within)


def neighbour_correlation(values: np.ndarray) -> float:
    """Correlation of each finite value with the next one; 0 where nothing varies."""
    values = values[np.isfinite(values)]
    if len(values) < 3:
        return 0.0
    centred = values - values.mean()
    power = float(centred @ centred)
    return float(centred[:-1] @ centred[1:]) / power if power > 0 else 0.0
