"""The Mahalanobis distance: how far a row lies from usual ones, in units in which these are uncorrelated.

The covariance is shrunk towards a multiple of the identity by the amount of Ledoit and Wolf (Journal of Multivariate
Analysis 88 (2004)): columns of one machine are often nearly the same, and healthy rows few.
"""

from __future__ import annotations

import numpy as np
from sklearn.covariance import LedoitWolf


def shrunk_covariance(z: np.ndarray, *, centred: bool = False) -> LedoitWolf:
    """`covariance_` and `precision_` of standardised rows (n x k), each k x k. `centred`: their mean is 0 by definition."""
    return LedoitWolf(assume_centered=centred).fit(z)


def squared_distance(z: np.ndarray, precision: np.ndarray) -> np.ndarray:
    """z' P z of each row of z (n x k), (n,)."""
    return np.asarray(np.maximum(((z @ precision) * z).sum(1), 0.0))


def shares(z: np.ndarray, precision: np.ndarray) -> np.ndarray:
    """Share of each column in a row's squared distance, z_i (P z)_i, negative parts cut; n x k, sum 1.

    Up to scale z_i (P z)_i is z_i times the residual of column i as the others predict it. A row at the centre: equal.
    """
    parts = np.maximum(z * (z @ precision), 0.0)
    total = parts.sum(1, keepdims=True)
    return np.where(total > 0, parts / np.where(total > 0, total, 1.0), 1 / z.shape[1])
