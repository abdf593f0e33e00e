"""How good a sensor's data are: the share of expected readings that are there, possible, alive and free of jumps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

STUCK_ROWS = 6  # equal readings in a row, from which a sensor counts as stuck
JUMP = 8.0  # robust standard deviations of the steps, both into and out of a reading


@dataclass(frozen=True)
class Quality:
    """Shares of `expected` readings in percent; a reading that fails several checks counts once, in this order."""

    expected: int
    missing: float
    impossible: float
    stuck: float
    jumping: float

    @property
    def score(self) -> float:
        """Percent of the expected readings with nothing against them."""
        return 100.0 - self.missing - self.impossible - self.stuck - self.jumping


def quality(values: np.ndarray, low: float = -np.inf, high: float = np.inf, stuck_rows: int = STUCK_ROWS) -> Quality:
    """The quality of one sensor's readings on its grid, (n,) with NaN where one is missing.

    Each missing, impossible (outside `low` to `high`) or stuck reading lowers the score by 100 / n exactly. A jump is
    a reading far from both neighbours in the same direction. A slow drift is not visible here: it takes a detector.
    """
    values = np.asarray(values, dtype=np.float64)
    missing = ~np.isfinite(values)
    impossible = ~missing & ((values < low) | (values > high))
    stuck = _stuck(values, stuck_rows) & ~missing & ~impossible
    jumping = _jumping(np.where(missing | impossible, np.nan, values)) & ~missing & ~impossible & ~stuck
    share = 100.0 / max(1, len(values))
    return Quality(len(values), *(float(share * bad.sum()) for bad in (missing, impossible, stuck, jumping)))


def _stuck(values: np.ndarray, rows: int) -> np.ndarray:
    """True within runs of at least `rows` equal readings."""
    if not len(values):
        return np.zeros(0, dtype=bool)
    run = np.concatenate([[0], np.cumsum(values[1:] != values[:-1])])
    return np.asarray(np.bincount(run)[run] >= rows)


def _jumping(values: np.ndarray) -> np.ndarray:
    """True for single readings that stand out from both neighbours."""
    found = np.zeros(len(values), dtype=bool)
    steps = np.diff(values)
    there = steps[np.isfinite(steps)]
    spread = 1.4826 * np.median(np.abs(there - np.median(there))) if len(there) else 0.0
    if len(values) >= 3 and spread > 0:
        into, out = steps[:-1], -steps[1:]
        found[1:-1] = (into * out > 0) & (np.minimum(np.abs(into), np.abs(out)) > JUMP * spread)
    return found
