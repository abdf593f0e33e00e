"""Where a machine's healthy beginning settles: a change of operation inside it is not the machine to learn from."""

from __future__ import annotations

import numpy as np

STEP = 5.0  # standard deviations, the alarm rule's own: learnt from its later part, the earlier would be an alarm
LEAST_PART = 10  # snapshots on either side


def settled(levels: np.ndarray, healthy_share: float = 0.2) -> int:
    """The first snapshot after the greatest step that most of a machine's channels make together; 0 without one.

    Looked for in the first three quarters of the healthy beginning, so that a quarter is left to learn from. A fault
    starts on one bearing, a change of speed or load on all: hence the median over channels, all at the same snapshot.

    Args:
        levels: log levels, files x every channel of the machine, in time order.
    """
    healthy = int(len(levels) * healthy_share)
    beginning = np.asarray(levels, float)[:healthy]
    greatest, place = 0.0, 0
    for k in range(LEAST_PART, int(0.75 * healthy) + 1):
        parts = beginning[:k], beginning[k:]
        medians = [np.median(part, axis=0) for part in parts]
        square = sum(((part - median) ** 2).sum(axis=0) for part, median in zip(parts, medians, strict=True))
        deviation = np.maximum(np.sqrt(square / healthy), 1e-9)
        step = float(np.median(np.abs(medians[1] - medians[0]) / deviation))
        if step > greatest:
            greatest, place = step, k
    return place if greatest > STEP else 0
