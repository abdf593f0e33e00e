"""Remaining life from other bearings' lives: how long such bearings last, and how loud they are how long before the end.

Bayes' rule with remaining life R unknown. Prior: the log of life is normal with mean and deviation as unknown as a
handful of bearings leave them, so its prediction is Student's (Gelman et al., Bayesian Data Analysis, 3rd ed., 3.2);
lives of other conditions are scaled by their rated lives (ISO 281), and R > 0 truncates it at the age. Likelihood: the
present log level, Student's about the others' levels at the same R. No parameter is fitted to a score. The point
estimate is the answer of greatest expected PHM score, which is well below the median because late answers cost more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from gauntlet.datasets.errors import BadInput
from gauntlet.tasks.vibration.remaining_life.score import phm_score

RECENT = 6  # snapshots whose median is the present level, as many as must agree before an alarm is raised
_LEAST_DEVIATION = 0.01  # of a natural log: lives and levels that agree to 1 % by chance do not make the model certain
_QUANTILES = np.linspace(0.01, 0.8, 80)


@dataclass(frozen=True)
class History:
    """One bearing run to failure: seconds to its end, and to its alarm (None if it never alarmed).

    `rated`: its rated life, in any unit that all histories share (`rated_life`).
    """

    unit: str
    life_s: float
    alarm_s: float | None
    rated: float = 1.0


@dataclass(frozen=True, eq=False)
class ObservedLife:
    """A run to failure as the estimator may see it: `seconds` and `rms` up to any moment, alarm raised at `alarm_s`."""

    history: History
    seconds: np.ndarray
    rms: np.ndarray
    interval_s: float


@dataclass(frozen=True)
class Estimate:
    """Remaining life in seconds, with the 80 % interval."""

    estimate_s: float
    low_s: float
    high_s: float


@dataclass(frozen=True, eq=False)
class LifeModel:
    """Student's prediction of log life at rated life 1 and of the log level at each remaining life.

    `life`: (centre, scale), `freedom` degrees of it. `remaining_s`: the grid of R; `level`: the centre on it, or None
    where no signal was seen; `level_scale`: one for the whole grid, pooled, since a deviation of three may be 0.
    """

    life: tuple[float, float]
    freedom: int
    remaining_s: np.ndarray
    level: np.ndarray | None
    level_scale: float

    def at(self, age_s: float, rms: np.ndarray | None = None, rated: float = 1.0) -> Estimate:
        """The estimate at an age, given the rms of the snapshots until then (the last six count) and the rated life."""
        left = self.remaining_s
        centre, scale = self.life
        ends = (np.log((age_s + left) / rated) - centre) / scale
        weight = student.pdf(ends, self.freedom) * left / (age_s + left)  # per unit of log R, as the grid is spaced
        if self.level is not None and rms is not None and len(rms):
            present = float(np.median(_log_level(rms)[-RECENT:]))
            weight = weight * student.pdf((present - self.level) / self.level_scale, self.freedom)
        share = np.cumsum(weight) / weight.sum()
        answers = np.interp(_QUANTILES, share, left)
        expected = (phm_score(left[None, :], answers[:, None]) * weight).sum(axis=1)
        low, high = np.interp([0.1, 0.9], share, left)
        return Estimate(float(answers[np.argmax(expected)]), float(low), float(high))


def fit(lives: Sequence[ObservedLife | History], interval_s: float) -> LifeModel:
    """The model of other bearings' lives; histories without a signal teach how long, not how loud.

    Raises:
        BadInput: fewer than two lives, of which no spread can be told.
    """
    histories = [life.history if isinstance(life, ObservedLife) else life for life in lives]
    if len(histories) < 2:
        expected = "at least 2 bearings run to failure"
        raise BadInput(
            None, "remaining life", saw=str(len(histories)), expected=expected, do="give more runs to failure"
        )
    logs = np.log([max(h.life_s, interval_s) / h.rated for h in histories])
    longest = float(np.exp(logs.max()) * max(h.rated for h in histories))
    remaining = np.geomspace(interval_s, 20 * max(longest, interval_s), 1500)
    observed = [life for life in lives if isinstance(life, ObservedLife)]
    level, scale = None, 0.0
    if len(observed) >= 2:
        heard = np.array([_level_at(life, remaining) for life in observed])
        level = heard.mean(axis=0)
        scale = _predictive(float(np.sqrt(heard.var(axis=0, ddof=1).mean())), len(observed))
    spread = _predictive(float(logs.std(ddof=1)), len(logs))
    return LifeModel((float(logs.mean()), spread), len(logs) - 1, remaining, level, scale)


def _predictive(deviation: float, n: int) -> float:
    """The scale of one more draw, about a mean that is known from n."""
    return max(deviation, _LEAST_DEVIATION) * float(np.sqrt(1 + 1 / n))


def _level_at(life: ObservedLife, remaining_s: np.ndarray) -> np.ndarray:
    """The smoothed log level of a finished life, `remaining_s` before its end; before its beginning, the first."""
    logs = _log_level(life.rms)
    smooth = np.array([np.median(logs[max(0, i - RECENT + 1) : i + 1]) for i in range(len(logs))])
    return np.interp(life.history.life_s - remaining_s, life.seconds, smooth)


def _log_level(rms: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(np.asarray(rms, float), 1e-12))
