"""NLinear in closed form: forecasts as a linear map of the history less its last value (Zeng et al. 2023), by ridge.

Published NLinear is trained by gradient descent and stopped early; here the same map is the minimum of

    sum |Y - last - b - (X - last) C|²  +  strength * mean eigenvalue * |C|²

and what early stopping did is the strength's part. Look-back and strength are chosen on the validation part by one rule:
the look-back with the least validation error, then the greatest strength whose error is no more than one standard error
of the difference above the least (Breiman et al. 1984, 3.4.3; the error of the difference between two models over
blocks of consecutive origins, since neighbouring origins share most of their values).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gauntlet.tasks.forecasting.selection import simplest_within_one_error
from gauntlet.tasks.forecasting.windows import Split, futures, histories, origins
from gauntlet.tasks.models.forecasters.linear import LinearForecaster

STRENGTHS = tuple(float(x) for x in 10.0 ** np.arange(-2, 3.1, 0.5))
DAYS = (1, 2, 3, 7, 14, 21, 30)
LONGEST, SHORTEST = 1440, 96


@dataclass(frozen=True, eq=False)
class _Ridge:
    """The eigenvectors of one look-back's normal equations, from which the map of any strength follows."""

    lookback: int
    values: np.ndarray
    vectors: np.ndarray
    rotated: np.ndarray
    mean_x: np.ndarray
    mean_y: np.ndarray

    def at(self, strength: float) -> tuple[np.ndarray, np.ndarray]:
        weights = self.vectors @ (self.rotated / (self.values + strength * self.values.mean())[:, None])
        return weights, self.mean_y - self.mean_x @ weights


def _ridge(values: np.ndarray, lookback: int, horizon: int) -> _Ridge:
    """The normal equations over every window of the values."""
    at = origins(lookback, len(values), horizon)
    x, y = histories(values, at, lookback), futures(values, at, horizon)
    now = x[:, -1:]
    x, y = x - now, y - now
    mean_x, mean_y = x.mean(0), y.mean(0)
    x -= mean_x
    y -= mean_y
    eigenvalues, vectors = np.linalg.eigh(x.T @ x)
    return _Ridge(lookback, np.clip(eigenvalues, 0.0, None), vectors, vectors.T @ (x.T @ y), mean_x, mean_y)


def lookbacks(season: int, train: int, horizon: int) -> tuple[int, ...]:
    """The look-backs to choose from: whole seasons between 96 and 1,440 steps that leave enough windows to learn from."""
    room = (train - horizon) // 3
    whole = [days * season for days in DAYS if SHORTEST <= days * season <= min(LONGEST, room)]
    return tuple(whole) or (max(2, min(LONGEST, room, max(season, SHORTEST))),)


def fit(split: Split, horizon: int, choices: Sequence[int] | None = None) -> LinearForecaster:
    """The forecaster of a series, fitted to its training part, its settings chosen on its validation part."""
    choices = choices or lookbacks(split.series.season, split.train, horizon)
    at = origins(split.train, split.validation, horizon)
    actual = futures(split.values, at, horizon)
    best: tuple[float, _Ridge, np.ndarray] | None = None
    for lookback in choices:
        ridge = _ridge(split.values[: split.train], lookback, horizon)
        x = histories(split.values, at, lookback)
        now = x[:, -1:]
        errors = np.empty((len(STRENGTHS), len(at)))
        for number, strength in enumerate(STRENGTHS):
            weights, offset = ridge.at(strength)
            errors[number] = np.square((x - now) @ weights + offset + now - actual).mean(1)
        least = float(errors.mean(1).min())
        if best is None or least < best[0]:
            best = least, ridge, errors
    assert best is not None
    _, ridge, errors = best
    strength = STRENGTHS[simplest_within_one_error(errors)]
    step_s = split.series.step.total_seconds()
    return LinearForecaster(ridge.lookback, strength, step_s).with_map(*ridge.at(strength))
