"""Naive estimates of remaining life, at the same moments and from the same lives as the model that must beat them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gauntlet.tasks.vibration.remaining_life.score import phm_score


def mean_life(lives_s: Sequence[float], age_s: float, interval_s: float) -> float:
    """The mean life of the other bearings less the age, at least one interval."""
    return max(float(np.mean(lives_s)) - age_s, interval_s)


def optimal_life(lives_s: Sequence[float], age_s: float, interval_s: float) -> float:
    """The answer of greatest mean PHM score, were one of the others' lives this one's: mean life made fair.

    A bearing that has outlived another is taken to end within one interval there.
    """
    remaining = np.maximum(np.asarray(lives_s, float) - age_s, interval_s)
    answers = np.unique(np.concatenate([remaining, np.linspace(interval_s, remaining.max(), 300)]))
    expected = phm_score(remaining[None, :], answers[:, None]).mean(axis=1)
    return float(answers[np.argmax(expected)])


def extrapolated_rms(
    seconds: np.ndarray, rms: np.ndarray, failure_rms: float, interval_s: float, window: int = 60
) -> float:
    """A line through the last `window` values of rms, until it meets the other bearings' mean final rms.

    A line that does not rise never meets it: then the estimate is the age itself.
    """
    t, y = seconds[-window:], rms[-window:]
    slope, level = np.polyfit(t - t[-1], y, 1)
    if slope <= 0:
        return max(float(seconds[-1]), interval_s)
    return float(np.clip((failure_rms - level) / slope, interval_s, 10 * max(seconds[-1], interval_s)))
