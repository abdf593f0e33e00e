"""Detectors that know only the normal sound of one machine: the higher the score, the less it sounds like that.

All see the same features: positive ones with a long tail are logged, all are standardised, and the covariance is shrunk
towards independence by the amount that best predicts blocks of training clips that were held out. Nothing here ever
sees a test clip or an abnormal one.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy.linalg import solve_triangular
from sklearn.base import BaseEstimator
from sklearn.ensemble import IsolationForest
from sklearn.mixture import GaussianMixture

SHRINKAGES = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.4, 0.7)
COMPONENTS = (1, 2, 4, 8)
CLIPS_PER_COMPONENT = 30
BLOCKS = 5
REGULARISATION = 0.05  # of a component's variance in whitened units, where the whole has variance one
TREES = (
    16  # one forest for each machine and noise level: with a hundred each, storing them takes longer than all the rest
)
TINY = 1e-12


def blocks(clips: int) -> list[np.ndarray]:
    """Positions of each held-out block: consecutive clips, since neighbours may be of one recording session."""
    return [block for block in np.array_split(np.arange(clips), min(BLOCKS, clips)) if len(block)]


def _skewness(columns: np.ndarray) -> np.ndarray:
    centred = columns - columns.mean(0)
    return (centred**3).mean(0) / np.maximum((centred**2).mean(0), TINY) ** 1.5


class Standardised(BaseEstimator):
    """Logs what is positive and more skewed than its logarithm, then subtracts the mean and divides by the deviation."""

    def fit(self, X: np.ndarray) -> Self:
        """Learn from the normal clips X, clips x features."""
        positive = X.min(0) > 0
        self.floor_ = np.where(positive, X.min(0) * 1e-3, 1.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            logged = np.log(np.maximum(X, self.floor_))
            self.logged_ = positive & (np.abs(_skewness(logged)) < np.abs(_skewness(X)))
        ready = np.where(self.logged_, logged, X)
        self.mean_, self.deviation_ = ready.mean(0), ready.std(0)
        self.deviation_[self.deviation_ < TINY] = np.inf  # a constant says nothing
        return self

    def standardise(self, X: np.ndarray) -> np.ndarray:
        """The features in standard deviations from the normal mean."""
        logged = np.log(np.maximum(X, self.floor_))
        return (np.where(self.logged_, logged, X) - self.mean_) / self.deviation_

    def distance_parts(self, X: np.ndarray) -> np.ndarray:
        """What each feature of a clip adds to how far it is from normal, on its own: squared deviations."""
        return self.standardise(X) ** 2


class Scaled(Standardised):
    """The scaler as a detector: mean squared deviation of the features, each for itself."""

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """Scores, shape (clips,)."""
        return self.distance_parts(X).mean(1)


class Loudness(Standardised):
    """The naive baseline: how far the clip's level is from the usual one, on the column `level` alone."""

    def __init__(self, level: int = 0) -> None:
        self.level = level

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """Scores, shape (clips,)."""
        return np.abs(self.standardise(X)[:, self.level])


class Whitened(Standardised):
    """Standardised features made uncorrelated by the shrunk covariance (1 - s) C + s I of the normal clips.

    `shrinkage` None: the one of `SHRINKAGES` with the largest Gaussian likelihood of held-out blocks.
    """

    def __init__(self, shrinkage: float | None = None) -> None:
        self.shrinkage = shrinkage

    def fit(self, X: np.ndarray) -> Self:
        """Learn from the normal clips X, clips x features, in recording order."""
        self.shrinkage_ = self.shrinkage if self.shrinkage is not None else _best_shrinkage(X)
        super().fit(X)
        z = self.standardise(X)
        covariance = (1 - self.shrinkage_) * (z.T @ z) / len(z) + self.shrinkage_ * np.eye(z.shape[1])
        self.factor_ = np.linalg.cholesky(covariance)
        return self

    def whiten(self, X: np.ndarray) -> np.ndarray:
        """Clips x features of unit covariance."""
        return solve_triangular(self.factor_, self.standardise(X).T, lower=True, check_finite=False).T

    def distance_parts(self, X: np.ndarray) -> np.ndarray:
        """What each feature adds to the squared Mahalanobis distance z' C^-1 z: z times C^-1 z, which sums to it."""
        z = self.standardise(X)
        inner = solve_triangular(self.factor_, z.T, lower=True, check_finite=False)
        return z * solve_triangular(self.factor_.T, inner, lower=False, check_finite=False).T


def _best_shrinkage(X: np.ndarray) -> float:
    """The shrinkage under which held-out blocks are likeliest, by one eigendecomposition per block."""
    likelihood = np.zeros(len(SHRINKAGES))
    for block in blocks(len(X)):
        known = Standardised().fit(np.delete(X, block, axis=0))
        inside, outside = known.standardise(np.delete(X, block, axis=0)), known.standardise(X[block])
        values, vectors = np.linalg.eigh(inside.T @ inside / len(inside))
        projected = (outside @ vectors) ** 2
        for k, shrinkage in enumerate(SHRINKAGES):
            shrunk = (1 - shrinkage) * np.maximum(values, 0) + shrinkage
            likelihood[k] -= (projected / shrunk).sum() + len(block) * np.log(shrunk).sum()
    return SHRINKAGES[int(np.argmax(likelihood))]


class Mahalanobis(Whitened):
    """The squared Mahalanobis distance from the normal mean."""

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """Scores, shape (clips,)."""
        return (self.whiten(X) ** 2).sum(1)


class Nearest(Whitened):
    """The squared distance in whitened units to the nearest normal training clips."""

    def __init__(self, shrinkage: float | None = None, neighbours: int = 1) -> None:
        super().__init__(shrinkage)
        self.neighbours = neighbours

    def fit(self, X: np.ndarray) -> Self:
        """Learn from the normal clips X, clips x features, in recording order."""
        super().fit(X)
        self.known_ = self.whiten(X)
        return self

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """Scores, shape (clips,)."""
        asked = self.whiten(X)
        squared = (asked**2).sum(1)[:, None] + (self.known_**2).sum(1)[None] - 2 * asked @ self.known_.T
        k = min(self.neighbours, squared.shape[1])
        return np.maximum(np.partition(squared, k - 1, axis=1)[:, :k].mean(1), 0.0)


class Mixture(Whitened):
    """Minus the log-likelihood under a mixture of Gaussians with diagonal covariances in whitened units.

    Several normal states (speeds, loads, strokes) are several components. `components` None: as many of `COMPONENTS`
    as make held-out blocks likeliest.
    """

    def __init__(self, shrinkage: float | None = None, components: int | None = None, seed: int = 0) -> None:
        super().__init__(shrinkage)
        self.components, self.seed = components, seed

    def fit(self, X: np.ndarray) -> Self:
        """Learn from the normal clips X, clips x features, in recording order."""
        super().fit(X)
        self.components_ = self.components if self.components is not None else self._best_components(X)
        self.mixture_ = self._mixture(self.whiten(X), self.components_)
        return self

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """Scores, shape (clips,)."""
        return -self.mixture_.score_samples(self.whiten(X))

    def _mixture(self, whitened: np.ndarray, components: int) -> GaussianMixture:
        # Few rounds: where EM stops matters less than how many components there are, and it does not always settle.
        return GaussianMixture(
            components, covariance_type="diag", reg_covar=REGULARISATION, max_iter=100, tol=1e-2, random_state=self.seed
        ).fit(whitened)

    def _best_components(self, X: np.ndarray) -> int:
        possible = [k for k in COMPONENTS if k == 1 or k * CLIPS_PER_COMPONENT <= len(X)]
        if len(possible) == 1:
            return 1
        likelihood = np.zeros(len(possible))
        for block in blocks(len(X))[::2]:
            known = Whitened(self.shrinkage_).fit(np.delete(X, block, axis=0))
            inside, outside = known.whiten(np.delete(X, block, axis=0)), known.whiten(X[block])
            likelihood += [self._mixture(inside, k).score_samples(outside).sum() for k in possible]
        return possible[int(np.argmax(likelihood))]


class Isolated(Standardised):
    """How few random cuts set a clip apart (isolation forest)."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def fit(self, X: np.ndarray) -> Self:
        """Learn from the normal clips X, clips x features."""
        super().fit(X)
        forest = IsolationForest(n_estimators=TREES, random_state=self.seed, n_jobs=1)
        self.forest_ = forest.fit(self.standardise(X))
        return self

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """Scores, shape (clips,)."""
        return -self.forest_.score_samples(self.standardise(X))


def with_chosen_settings(fitted: Any) -> Any:
    """A new detector of the same kind with the settings that `fitted` chose, so that no block chooses its own."""
    chosen = {name: getattr(fitted, f"{name}_", value) for name, value in fitted.get_params().items()}
    return type(fitted)(**chosen)
