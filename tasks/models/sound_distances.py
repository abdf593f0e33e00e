"""Detectors that look at the features of sound together: distances in units in which normal clips are uncorrelated.

The covariance of normal clips is shrunk towards independence by the amount that best predicts blocks of training clips
that were held out.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import xlogy
from sklearn.mixture import GaussianMixture

from gauntlet.tasks.models.base import Rows
from gauntlet.tasks.models.sound_detectors import SoundDetector
from gauntlet.tasks.models.sound_scaling import LogScaler, values_of

SHRINKAGES = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.4, 0.7)
COMPONENTS = (1, 2, 4, 8)
CLIPS_PER_COMPONENT = 30
BLOCKS = 5
REGULARISATION = 0.05  # of a component's variance in whitened units, where the whole has variance one


def blocks(clips: int) -> list[np.ndarray]:
    """Positions of each held-out block: consecutive clips, since neighbours may be of one recording session."""
    return [block for block in np.array_split(np.arange(clips), min(BLOCKS, clips)) if len(block)]


class Whitened(SoundDetector):
    """Standardised features made uncorrelated by the shrunk covariance (1 - s) C + s I of the normal clips.

    `shrinkage` None: the one of `SHRINKAGES` with the largest Gaussian likelihood of held-out blocks.
    """

    def __init__(self, shrinkage: float | None = None) -> None:
        self.shrinkage = shrinkage

    def _learn(self, values: np.ndarray) -> None:
        self.shrinkage_ = self.shrinkage if self.shrinkage is not None else best_shrinkage(values)
        z = self.scaler_.transform(values)
        covariance = (1 - self.shrinkage_) * (z.T @ z) / len(z) + self.shrinkage_ * np.eye(z.shape[1])
        self.factor_ = np.linalg.cholesky(covariance)

    def whiten(self, X: Rows) -> np.ndarray:
        """Clips x features of unit covariance."""
        return self._whiten(self.scaler_.transform(values_of(X)))

    def _whiten(self, scaled: np.ndarray) -> np.ndarray:
        return solve_triangular(self.factor_, scaled.T, lower=True, check_finite=False).T

    def _by_feature(self, away: np.ndarray, weights: np.ndarray | float = 1.0) -> np.ndarray:
        """The squared distance of `away`, in whitened units and weighted by coordinate, shared out among the features.

        With d = L away and C = L L', d' L'^-1 W L^-1 d is the sum over features of d times L'^-1 W away.
        """
        inner = solve_triangular(self.factor_.T, (weights * away).T, lower=False, check_finite=False).T
        return (away @ self.factor_.T) * inner


def best_shrinkage(values: np.ndarray) -> float:
    """The shrinkage under which held-out blocks are likeliest, by one eigendecomposition per block."""
    likelihood = np.zeros(len(SHRINKAGES))
    for block in blocks(len(values)):
        learnt = np.delete(values, block, axis=0)
        scaler = LogScaler().fit(learnt)
        inside, outside = scaler.transform(learnt), scaler.transform(values[block])
        variances, axes = np.linalg.eigh(inside.T @ inside / len(inside))
        projected = (outside @ axes) ** 2
        for k, shrinkage in enumerate(SHRINKAGES):
            shrunk = (1 - shrinkage) * np.maximum(variances, 0) + shrinkage
            likelihood[k] -= (projected / shrunk).sum() + len(block) * np.log(shrunk).sum()
    return SHRINKAGES[int(np.argmax(likelihood))]


class Mahalanobis(Whitened):
    """The squared Mahalanobis distance from the normal mean."""

    def _score(self, scaled: np.ndarray) -> np.ndarray:
        return (self._whiten(scaled) ** 2).sum(1)

    def _parts(self, scaled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(len(scaled)), self._by_feature(self._whiten(scaled))


class NearestClip(Whitened):
    """The squared distance in whitened units to the nearest normal training clips, their mean where they are several."""

    def __init__(self, shrinkage: float | None = None, neighbours: int = 1) -> None:
        super().__init__(shrinkage)
        self.neighbours = neighbours

    def _learn(self, values: np.ndarray) -> None:
        super()._learn(values)
        self.known_ = self.whiten(values)

    def _squared(self, whitened: np.ndarray) -> tuple[np.ndarray, int]:
        """(squared distances, clips x training clips; how many of the nearest count)."""
        squared = (whitened**2).sum(1)[:, None] + (self.known_**2).sum(1)[None] - 2 * whitened @ self.known_.T
        return squared, min(self.neighbours, squared.shape[1])

    def _score(self, scaled: np.ndarray) -> np.ndarray:
        squared, count = self._squared(self._whiten(scaled))
        return np.maximum(np.partition(squared, count - 1, axis=1)[:, :count].mean(1), 0.0)

    def _parts(self, scaled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        whitened = self._whiten(scaled)
        squared, count = self._squared(whitened)
        nearest = np.argpartition(squared, count - 1, axis=1)[:, :count]
        parts = [self._by_feature(whitened - self.known_[nearest[:, k]]) for k in range(count)]
        return np.zeros(len(scaled)), np.mean(parts, axis=0)


class MixtureLikelihood(Whitened):
    """Minus the log-likelihood under a mixture of Gaussians with diagonal covariances in whitened units.

    Several normal states (speeds, loads, strokes) are several components. `components` None: as many of `COMPONENTS`
    as make held-out blocks likeliest.
    """

    def __init__(self, shrinkage: float | None = None, components: int | None = None, seed: int = 0) -> None:
        super().__init__(shrinkage)
        self.components, self.seed = components, seed

    def _learn(self, values: np.ndarray) -> None:
        super()._learn(values)
        self.components_ = self.components if self.components is not None else self._best_components(values)
        self.mixture_ = self._mixture(self.whiten(values), self.components_)

    def _score(self, scaled: np.ndarray) -> np.ndarray:
        return -self.mixture_.score_samples(self._whiten(scaled))

    def _parts(self, scaled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """With r the clip's share in each component, -log sum(e^l) = sum(r (log r - l)), and l has a squared distance."""
        whitened, mixture = self._whiten(scaled), self.mixture_
        shares = mixture.predict_proba(whitened)
        constants = 0.5 * np.log(2 * np.pi * mixture.covariances_).sum(1) - np.log(mixture.weights_)
        start = (shares * constants + xlogy(shares, shares)).sum(1)
        parts = np.zeros(scaled.shape)
        for share, mean, variance in zip(shares.T, mixture.means_, mixture.covariances_, strict=True):
            parts += share[:, None] * self._by_feature(whitened - mean, 0.5 / variance)
        return start, parts

    def _mixture(self, whitened: np.ndarray, components: int) -> GaussianMixture:
        # Few rounds: where EM stops matters less than how many components there are, and it does not always settle.
        return GaussianMixture(
            components, covariance_type="diag", reg_covar=REGULARISATION, max_iter=100, tol=1e-2, random_state=self.seed
        ).fit(whitened)

    def _best_components(self, values: np.ndarray) -> int:
        possible = [k for k in COMPONENTS if k == 1 or k * CLIPS_PER_COMPONENT <= len(values)]
        if len(possible) == 1:
            return 1
        likelihood = np.zeros(len(possible))
        for block in blocks(len(values))[::2]:
            learnt = np.delete(values, block, axis=0)
            space = Whitened(self.shrinkage_).fit(learnt)
            inside, outside = space.whiten(learnt), space.whiten(values[block])
            likelihood += [self._mixture(inside, k).score_samples(outside).sum() for k in possible]
        return possible[int(np.argmax(likelihood))]
