"""Do the rows of a window follow each other in time, as the reference's do? A block of the reference stands for such a
window only; rows drawn at random from everywhere are another matter."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from tasks.drift.statistics import is_number

Order = Literal["blocks", "rows", "held"]
BLOCKS = 100


def serial_order(reference: pd.DataFrame, window: pd.DataFrame, seed: int = 7) -> Order:
    """How windows like this one come out of the reference.

    "blocks": neighbours in time, or nothing speaks against it. "rows": independent rows of a reference whose own
    neighbours are alike, so the window was drawn or shuffled. "held": neighbours in time, of a reference that was
    shuffled; each of its rows then has to stand for several.

    Told by the correlation of neighbouring rows against that of blocks of the reference, feature by feature.
    """
    shared = [name for name in reference if name in window and is_number(reference[name]) and is_number(window[name])]
    rows = min(len(window), len(reference) // 2)
    if rows < 8:
        return "blocks"
    noise = 3 / np.sqrt(rows)
    starts = np.random.default_rng(seed).integers(0, len(reference) - rows + 1, BLOCKS)
    alike, unlike, more = 0, 0, 0
    for name in shared:
        own = neighbour_correlation(window[name].to_numpy(np.float64))
        values = reference[name].to_numpy(np.float64)
        blocks = [neighbour_correlation(values[start : start + rows]) for start in starts]
        low, high = np.quantile(blocks, (0.01, 0.99))
        alike += low > noise and own > noise
        unlike += low > noise and abs(own) < noise
        more += high < 2 * noise and own > 2 * noise and own > high + 0.2
    if alike or unlike == more:
        return "blocks"
    return "rows" if unlike > more else "held"


def neighbour_correlation(values: np.ndarray) -> float:
    """Correlation of each finite value with the next one; 0 where nothing varies."""
    values = values[np.isfinite(values)]
    if len(values) < 3:
        return 0.0
    centred = values - values.mean()
    power = float(centred @ centred)
    return float(centred[:-1] @ centred[1:]) / power if power > 0 else 0.0
