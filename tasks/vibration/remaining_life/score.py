"""The score of the IEEE PHM 2012 challenge: late estimates cost more than early ones."""

from __future__ import annotations

import numpy as np


def phm_score(actual: np.ndarray, estimate: np.ndarray) -> np.ndarray:
    """Accuracy of each estimate in 0..1, 1 for a hit; broadcasts.

    Er = 100 (actual - estimate) / actual; exp(-ln 0.5 Er / 5) for Er <= 0 (late), exp(ln 0.5 Er / 20) else.
    Source: IEEE PHM 2012 Prognostic Challenge, outline, section 4.
    """
    error = 100 * (np.asarray(actual, float) - estimate) / actual
    late, early = np.minimum(error, 0), np.maximum(error, 0)
    return np.asarray(np.where(error <= 0, np.exp(-np.log(0.5) * late / 5), np.exp(np.log(0.5) * early / 20)))
