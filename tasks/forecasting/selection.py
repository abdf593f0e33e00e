"""The one rule by which settings and the champion are chosen, on the validation part only."""

from __future__ import annotations

import numpy as np

BLOCKS = 8


def simplest_within_one_error(errors: np.ndarray) -> int:
    """The last row of `errors` whose mean is at most one standard error above the least.

    The standard error is that of the difference to the best row, over blocks of consecutive origins: neighbouring
    origins share most of their values, so that single origins are no independent trials.

    Args:
        errors: (choices, origins), the most complex choice first, the simplest last.
    """
    means = errors.mean(1)
    best = int(np.argmin(means))
    for row in range(len(errors) - 1, best, -1):
        if means[row] - means[best] <= standard_error(errors[row] - errors[best]):
            return row
    return best


def standard_error(differences: np.ndarray) -> float:
    """The standard error of the mean of differences (origins,), from the means of eight blocks of consecutive ones."""
    blocks = [block.mean() for block in np.array_split(differences, min(BLOCKS, len(differences)))]
    return float(np.std(blocks, ddof=1) / np.sqrt(len(blocks))) if len(blocks) > 1 else 0.0
