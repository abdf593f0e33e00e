"""Thresholds past which a score alarms, by F1 or by cost. Both are for rows of the training part only."""

from __future__ import annotations

import numpy as np


def _counts(y: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(thresholds descending, true alarms, false alarms at each): a row alarms from this score on."""
    order = np.argsort(-score, kind="stable")
    ordered, hits = score[order], np.asarray(y)[order].astype(np.int64)
    last = np.flatnonzero(np.r_[np.diff(ordered) != 0, True])
    true = np.cumsum(hits)[last]
    return ordered[last], true, last + 1 - true


def _halfway_below(thresholds: np.ndarray, best: int) -> float:
    """Halfway to the next lower score, so that the choice does not hang on the last digit of one row's score."""
    below = thresholds[best + 1] if best + 1 < len(thresholds) else 0.0
    halfway = (thresholds[best] + below) / 2
    # Neighbouring floats have nothing between them, and zero nothing below.
    return float(halfway if halfway < thresholds[best] else np.nextafter(thresholds[best], -np.inf))


def f1_threshold(y: np.ndarray, score: np.ndarray) -> float:
    """The threshold with the largest F1 = 2 TP / (2 TP + FP + FN) on these rows."""
    thresholds, true, false = _counts(y, score)
    return _halfway_below(thresholds, int(np.argmax(2 * true / (true + false + y.sum()))))


def cheapest_threshold(y: np.ndarray, score: np.ndarray, price_of_miss: float, price_of_false_alarm: float) -> float:
    """The threshold with the smallest cost at the stated prices; 1 where silence is cheapest."""
    thresholds, true, false = _counts(y, score)
    cost = (y.sum() - true) * price_of_miss + false * price_of_false_alarm
    if y.sum() * price_of_miss <= cost.min():
        return 1.0
    return _halfway_below(thresholds, int(np.argmin(cost)))
