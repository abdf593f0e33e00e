"""Figures of warnings: failures warned of, hours ahead, false alarms per week, average precision, money.

Intervals come from resampling whole episodes: minutes of one failure are no independent evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from gauntlet.tasks.alarms.warnings import Episode, Warned, judge
from gauntlet.tasks.metrics.prices import Prices
from gauntlet.tasks.result import Row

RESAMPLES = 200
DAYS = 30


@dataclass(frozen=True)
class Warnings:
    """What a candidate warned of in every episode: scores (n,), truth (n,) bool, the verdict at the limit chosen elsewhere."""

    name: str
    episodes: tuple[Episode, ...]
    scores: tuple[np.ndarray, ...]
    soon: tuple[np.ndarray, ...]
    limits: tuple[float, ...]
    judged: tuple[Warned, ...]


def judged_warnings(
    name: str, episodes: Sequence[Episode], scores: Sequence[np.ndarray], soon: Sequence[np.ndarray],
    limits: Sequence[float], horizon_h: float,
) -> Warnings:  # fmt: skip
    """The scores judged, each episode at its own limit."""
    judged = tuple(judge(e, s, limit, horizon_h) for e, s, limit in zip(episodes, scores, limits, strict=True))
    return Warnings(name, tuple(episodes), tuple(scores), tuple(soon), tuple(limits), judged)


def warning_row(warnings: Warnings, least_h: float, prices: Prices, seed: int) -> Row:
    """One line of the results table. recall: failures warned of `least_h` ahead; precision: right warnings of all;
    cost: misses and false alarms at their prices per 30 days of running; pr_auc, roc_auc: decisions within the horizon.
    """
    everything = np.arange(len(warnings.episodes))
    estimate = _figures(warnings, everything, least_h, prices)
    rng = np.random.default_rng(seed)
    drawn = [_figures(warnings, rng.choice(everything, len(everything)), least_h, prices) for _ in range(RESAMPLES)]
    intervals = {}
    for metric, value in estimate.items():
        values = [one[metric] for one in drawn if metric in one]
        if values:
            low, high = np.percentile(values, [2.5, 97.5])
            intervals[metric] = (min(float(low), value), max(float(high), value))
    return Row(warnings.name, estimate, intervals)


def _figures(warnings: Warnings, chosen: np.ndarray, least_h: float, prices: Prices) -> dict[str, float]:
    failed = [warnings.judged[k] for k in chosen if warnings.episodes[k].failure is not None]
    false = sum(warnings.judged[k].false_alarms for k in chosen)
    right = sum(one.lead_h is not None and one.lead_h >= least_h for one in failed)
    days = sum(_days(warnings.episodes[k]) for k in chosen)
    found = {
        "precision": right / (right + false) if right + false else 0.0,
        "recall": right / len(failed) if failed else 0.0,
        "cost": ((len(failed) - right) * prices.miss + false * prices.false_alarm) / days * DAYS,
    }
    y = np.concatenate([warnings.soon[k] for k in chosen])
    score = np.concatenate([warnings.scores[k] for k in chosen])
    if 0 < y.sum() < len(y):
        found |= {"pr_auc": float(average_precision_score(y, score)), "roc_auc": float(roc_auc_score(y, score))}
    return found


def _days(episode: Episode) -> float:
    return float(episode.seconds[-1] - episode.seconds[0]) / 86_400


def cost_over_limit(
    warnings: Warnings, horizon_h: float, least_h: float, prices: Prices, points: int = 60
) -> tuple[np.ndarray, np.ndarray]:
    """(share of decisions past the limit, cost per 30 days at it): the curve that no single limit can hide behind."""
    shares = np.geomspace(0.0003, 0.6, points)
    pooled = np.concatenate(warnings.scores)
    costs = []
    for limit in np.quantile(pooled, 1 - shares):
        limits = [float(limit)] * len(warnings.episodes)
        at = judged_warnings(warnings.name, warnings.episodes, warnings.scores, warnings.soon, limits, horizon_h)
        costs.append(_figures_cost(at, least_h, prices))
    return shares, np.array(costs)


def _figures_cost(warnings: Warnings, least_h: float, prices: Prices) -> float:
    missed = sum(
        e.failure is not None and (w.lead_h is None or w.lead_h < least_h)
        for e, w in zip(warnings.episodes, warnings.judged, strict=True)
    )
    false = sum(one.false_alarms for one in warnings.judged)
    return (missed * prices.miss + false * prices.false_alarm) / sum(map(_days, warnings.episodes)) * DAYS
