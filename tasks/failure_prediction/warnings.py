"""Figures of warnings: failures warned of, hours ahead, false alarms per week, average precision, money.

Intervals come from resampling whole episodes: minutes of one failure are no independent evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from gauntlet.tasks.alarms.warnings import Episode, Outcome, judge
from gauntlet.tasks.metrics.bootstrap import draws, percentile_intervals
from gauntlet.tasks.metrics.prices import Prices
from gauntlet.tasks.result import Row

RESAMPLES = 200
DAYS = 30


@dataclass(frozen=True, eq=False)
class JudgedWarnings:
    """The warnings of a candidate in every episode: scores (n,), whether a failure is within the horizon (n,) bool,
    thresholds chosen elsewhere, and outcomes at these."""

    name: str
    episodes: tuple[Episode, ...]
    scores: tuple[np.ndarray, ...]
    within_horizon: tuple[np.ndarray, ...]
    thresholds: tuple[float, ...]
    outcomes: tuple[Outcome, ...]

    def warned(self, place: int, least_h: float) -> bool:
        """True where the failure of the episode at this place was warned of `least_h` ahead."""
        lead_h = self.outcomes[place].lead_h
        return lead_h is not None and lead_h >= least_h


def judge_warnings(
    name: str,
    episodes: Sequence[Episode],
    scores: Sequence[np.ndarray],
    within_horizon: Sequence[np.ndarray],
    thresholds: Sequence[float],
    horizon_h: float,
) -> JudgedWarnings:
    """The scores judged, each episode at its own threshold."""
    outcomes = tuple(judge(e, s, limit, horizon_h) for e, s, limit in zip(episodes, scores, thresholds, strict=True))
    return JudgedWarnings(name, tuple(episodes), tuple(scores), tuple(within_horizon), tuple(thresholds), outcomes)


def warning_row(judged: JudgedWarnings, least_h: float, prices: Prices, seed: int) -> Row:
    """One line of the results table. recall: failures warned of `least_h` ahead; precision: right warnings of all;
    cost: misses and false alarms at their prices per 30 days of running; pr_auc, roc_auc: decisions within the horizon.
    """
    episodes = len(judged.episodes)
    estimate = _figures(judged, np.arange(episodes), least_h, prices)
    resamples = [_figures(judged, places, least_h, prices) for places in draws(episodes, RESAMPLES, seed)]
    resampled = {name: np.array([figures.get(name, np.nan) for figures in resamples]) for name in estimate}
    return Row(judged.name, estimate, percentile_intervals(resampled, estimate))


def _figures(judged: JudgedWarnings, places: np.ndarray, least_h: float, prices: Prices) -> dict[str, float]:
    failures, warned, false = _counts(judged, places, least_h)
    figures = {
        "precision": warned / (warned + false) if warned + false else 0.0,
        "recall": warned / failures if failures else 0.0,
        "cost": _cost(judged, places, least_h, prices),
    }
    y = np.concatenate([judged.within_horizon[place] for place in places])
    score = np.concatenate([judged.scores[place] for place in places])
    if 0 < y.sum() < len(y):
        figures |= {"pr_auc": float(average_precision_score(y, score)), "roc_auc": float(roc_auc_score(y, score))}
    return figures


def _counts(judged: JudgedWarnings, places: np.ndarray, least_h: float) -> tuple[int, int, int]:
    """(failures, those warned of in time, false alarms) of these episodes."""
    failing = [place for place in places if judged.episodes[place].failure is not None]
    false = sum(judged.outcomes[place].false_alarms for place in places)
    return len(failing), sum(judged.warned(place, least_h) for place in failing), false


def _cost(judged: JudgedWarnings, places: np.ndarray, least_h: float, prices: Prices) -> float:
    """Misses and false alarms at their prices, per 30 days of running."""
    failures, warned, false = _counts(judged, places, least_h)
    days = sum(_days(judged.episodes[place]) for place in places)
    return ((failures - warned) * prices.miss + false * prices.false_alarm) / days * DAYS


def _days(episode: Episode) -> float:
    return float(episode.seconds[-1] - episode.seconds[0]) / 86_400


def cost_over_threshold(
    judged: JudgedWarnings, horizon_h: float, least_h: float, prices: Prices, points: int = 60
) -> tuple[np.ndarray, np.ndarray]:
    """(share of decisions past the threshold, cost per 30 days at it): the curve that no single threshold can hide behind."""
    shares = np.geomspace(0.0003, 0.6, points)
    everything = np.arange(len(judged.episodes))
    costs = []
    for threshold in np.quantile(np.concatenate(judged.scores), 1 - shares):
        thresholds = [float(threshold)] * len(everything)
        again = judge_warnings(
            judged.name, judged.episodes, judged.scores, judged.within_horizon, thresholds, horizon_h
        )
        costs.append(_cost(again, everything, least_h, prices))
    return shares, np.array(costs)
