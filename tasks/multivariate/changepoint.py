"""The Numenta score of changepoints as SKAB's own evaluation (`tsad.evaluating`, metric "nab") defines it.

Each true changepoint opens a window. The first prediction in it earns from 1 at its left end to the price of a false
alarm at its right end, along a tanh; a window without one costs a miss, a prediction outside of all windows a false
alarm. 0 is silence, 100 is perfect: 100 (score - silent) / (perfect - silent), summed over runs first.

Where the window lies is a parameter there. Here it begins at the changepoint ("righter") and lasts 30 s: a causal
detector can only answer after it. Scores with other windows are not comparable.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import pi, tanh

import numpy as np

PROFILES = {"standard": (-0.11, -1.0), "low_fp": (-0.22, -1.0), "low_fn": (-0.11, -2.0)}  # false alarm, miss
WINDOW_S = 30.0


def edges(flagged: np.ndarray) -> np.ndarray:
    """Where an alarm starts or ends, (n,) bool: what a detector of states says of changepoints."""
    return np.r_[bool(flagged[:1].any()), np.diff(flagged.astype(np.int8)) != 0]


def _windows(moments: np.ndarray, width: float) -> list[tuple[float, float]]:
    """[t, t + width], the right one of two that overlap cut on its left."""
    found: list[tuple[float, float]] = []
    for moment in moments:
        start = max(float(moment), found[-1][1]) if found and found[-1][1] >= moment else float(moment)
        found.append((start, float(moment) + width))
    return found


def _earned(place: float, false_alarm: float, steps: int = 1000) -> float:
    """The reward at a place of 0 to 1 in the window, on the publisher's grid of 1000 steps."""
    x = -pi / 2 + pi * min(int(place * steps), steps - 1) / (steps - 1)
    half = (1 - false_alarm) / 2
    return half * -tanh(x) / tanh(pi / 2) + half + false_alarm


def nab_score(
    runs: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]], profile: str = "standard", width: float = WINDOW_S
) -> float:
    """The score over runs of (seconds, true changepoints, predicted changepoints), the latter two bool."""
    false_alarm, miss = PROFILES[profile]
    score = silent = perfect = 0.0
    for seconds, true, predicted in runs:
        moments, windows = seconds[predicted], _windows(seconds[true], width)
        outside = np.ones(len(moments), dtype=bool)
        for start, end in windows:
            inside = (moments >= start) & (moments <= end)
            outside &= ~inside
            score += _earned((moments[inside][0] - start) / (end - start), false_alarm) if inside.any() else miss
        score += false_alarm * int(outside.sum())
        silent, perfect = silent + miss * len(windows), perfect + len(windows)
    return 100 * (score - silent) / (perfect - silent) if perfect else float("nan")
