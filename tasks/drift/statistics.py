"""PSI and the Kolmogorov-Smirnov distance, bin for bin as Evidently computes them, fast enough to be resampled.

Evidently decides: the numbers of a verdict are its own. These stand in for it thousands of times in `calibration`, and
a test holds both to the same digits.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

# One less than 10,000 on purpose: from a share of 0.0001 on, Evidently fills empty bins with a ten-thousandth of a
# millionth instead of a ten-thousandth, and a single stray reading then outweighs a shift of the whole feature.
ROWS = 9_999
FEW_VALUES = 20  # Evidently takes a numeric reference with no more distinct values for categories


def is_number(column: pd.Series) -> bool:
    """True where Evidently measures distances; booleans and texts are categories."""
    return is_numeric_dtype(column) and not is_bool_dtype(column)


def sample_rows(rows: int, seed: int, most: int = ROWS) -> np.ndarray:
    """Positions of at most `most` of `rows` rows, drawn without replacement, in order: the same for the same seed."""
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def psi(reference: np.ndarray, window: np.ndarray, categories: bool = False) -> float:
    """Population stability index of two samples without missing values, any shapes (n,) and (m,).

    Numbers are counted in equal bins over the range of both, as many as H. A. Sturges, J. Am. Stat. Assoc. 21 (1926),
    asks for; categories, and references of at most 20 distinct values, by value.
    """
    if categories or len(np.unique(reference)) <= FEW_VALUES:
        values, codes = np.unique(np.concatenate([reference, window]), return_inverse=True)
        before, now = (np.bincount(part, minlength=len(values)) for part in np.split(codes, [len(reference)]))
        return float(psi_of_counts(before, now))
    return psi_sorted(np.sort(reference), np.sort(window))


def psi_sorted(reference: np.ndarray, window: np.ndarray) -> float:
    """`psi` of numbers that are sorted already."""
    counts = binned(reference, window, bins_for(len(reference) + len(window)))
    return float(psi_of_counts(*counts))


def bins_for(rows: int) -> int:
    """Sturges' number of bins for that many rows in both samples."""
    return int(np.ceil(np.log2(rows) + 1.0))


def binned(reference: np.ndarray, window: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Histograms of two sorted samples over the range of both, each (bins,); a bin holds its lower edge."""
    low, high = min(reference[0], window[0]), max(reference[-1], window[-1])
    edges = np.arange(bins + 1) * ((high - low) / bins) + low  # numpy's own, to the digit: readings lie on edges
    counts = []
    for ordered in (reference, window):
        below = ordered.searchsorted(edges)
        below[-1] = len(ordered)  # the last bin holds its upper edge, too
        counts.append(below[1:] - below[:-1])
    return counts[0], counts[1]


def psi_of_counts(reference: np.ndarray, window: np.ndarray) -> np.ndarray:
    """PSI of pairs of histograms over the same bins, (..., bins) each; one number a pair."""
    p, q = _shares(reference), _shares(window)
    return np.asarray(np.sum((p - q) * np.log(p / q), axis=-1))


def _shares(counts: np.ndarray) -> np.ndarray:
    """Shares of the bins, an empty one filled as Evidently fills it."""
    shares = counts / counts.sum(axis=-1, keepdims=True)
    least = np.min(np.where(shares > 0, shares, np.inf), axis=-1, keepdims=True)
    return np.where(shares == 0, np.where(least <= 0.0001, least / 10**6, 0.0001), shares)


def ks(reference: np.ndarray, window: np.ndarray) -> float:
    """Greatest distance of the two empirical distributions, 0 to 1 (two-sample Kolmogorov-Smirnov statistic)."""
    return ks_sorted(np.sort(reference), np.sort(window))


def ks_sorted(reference: np.ndarray, window: np.ndarray) -> float:
    """`ks` of samples that are sorted already. The greatest distance lies at a step of the window, or just before."""
    steps = np.arange(len(window) + 1) / len(window)
    after = steps[1:] - reference.searchsorted(window, side="right") / len(reference)
    before = reference.searchsorted(window, side="left") / len(reference) - steps[:-1]
    return float(max(after.max(), before.max(), 0.0))
