"""Figures of a classifier of rare failures, with bootstrap intervals, all resamples at once.

A metric is a function of row weights: weights of one give the estimate, multinomial weights the bootstrap. The same
resamples serve every candidate, so that differences are paired.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gauntlet.tasks.metrics import bootstrap
from gauntlet.tasks.metrics.cross_validation import OutOfFold
from gauntlet.tasks.metrics.prices import Prices
from gauntlet.tasks.result import Row

COST_PER_ROWS = 1_000
RESAMPLES = 500


@dataclass(frozen=True)
class Judged:
    """Labels (rows,) and, per repeat, probabilities, decisions and decisions by cost (repeats, rows)."""

    y: np.ndarray
    probability: np.ndarray
    flagged: np.ndarray
    flagged_by_cost: np.ndarray


def judged(y: np.ndarray, held_out: OutOfFold) -> Judged:
    """Out-of-fold predictions beside their labels."""
    return Judged(y, held_out.probability, held_out.flagged, held_out.flagged_by_cost)


def constant_answer(y: np.ndarray, flags: np.ndarray) -> Judged:
    """A baseline that answers yes or no: its decision is also its score."""
    flags = np.atleast_2d(flags).astype(bool)
    return Judged(y, flags.astype(np.float64), flags, flags)


def bootstrap_weights(rows: int, seed: int, resamples: int = RESAMPLES) -> np.ndarray:
    """How often each row is in each resample, (resamples, rows) float32: half the memory, and whole numbers are exact."""
    return bootstrap.weights(rows, resamples, seed).astype(np.float32)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.zeros_like(above, dtype=np.float64), where=below > 0)


def confusion(y: np.ndarray, flagged: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, ...]:
    """Weighted (true alarms, false alarms, misses, true silences), each (resamples,)."""
    cells = np.stack([flagged & (y == 1), flagged & (y == 0), ~flagged & (y == 1), ~flagged & (y == 0)])
    return tuple(np.asarray(weights @ cell.astype(weights.dtype), dtype=np.float64) for cell in cells)


def _decision_metrics(y: np.ndarray, flagged: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    tp, fp, fn, tn = confusion(y, flagged, weights)
    return {
        "accuracy": _ratio(tp + tn, tp + fp + fn + tn),
        "precision": _ratio(tp, tp + fp),
        "recall": _ratio(tp, tp + fn),
        "f1": _ratio(2 * tp, 2 * tp + fp + fn),
        "mcc": _ratio(tp * tn - fp * fn, np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))),
    }


def ranking_metrics(y: np.ndarray, score: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    """PR-AUC (average precision: sum of precision times recall gained) and ROC-AUC, ties handled, each (resamples,)."""
    order = np.argsort(-score, kind="stable")
    last = np.flatnonzero(np.r_[np.diff(score[order]) != 0, True])
    resampled = weights[:, order]
    # Counts are whole numbers, which float32 holds exactly below 2^24.
    true = np.cumsum(resampled * y[order].astype(weights.dtype), axis=1)[:, last]
    alarms = np.cumsum(resampled, axis=1)[:, last]
    false = alarms - true
    gained = np.diff(true, prepend=0, axis=1)
    average = _ratio((gained * _ratio(true, alarms)).sum(1), true[:, -1])
    areas = (np.diff(false, prepend=0, axis=1) * (true - gained / 2)).sum(1)
    return {"pr_auc": average, "roc_auc": _ratio(areas, true[:, -1] * false[:, -1])}


def _metrics(answer: Judged, repeat: int, weights: np.ndarray, prices: Prices) -> dict[str, np.ndarray]:
    y, score = answer.y, answer.probability[repeat]
    _, false_alarms, misses, _ = confusion(y, answer.flagged_by_cost[repeat], weights)
    rows = weights.sum(1, dtype=np.float64)
    return {
        **_decision_metrics(y, answer.flagged[repeat], weights),
        **ranking_metrics(y, score, weights),
        "brier": weights @ ((score - y) ** 2).astype(weights.dtype) / rows,
        "cost": (misses * prices.miss + false_alarms * prices.false_alarm) / rows * COST_PER_ROWS,
    }


def figures(answer: Judged, weights: np.ndarray, prices: Prices) -> dict[str, np.ndarray]:
    """Every metric, mean over repeats, for each set of row weights (resamples, rows): each (resamples,)."""
    per_repeat = [_metrics(answer, repeat, weights, prices) for repeat in range(len(answer.probability))]
    return {name: np.mean([metrics[name] for metrics in per_repeat], axis=0) for name in per_repeat[0]}


def table_row(name: str, answer: Judged, weights: np.ndarray, prices: Prices) -> Row:
    """One line of the results table: estimates (mean over repeats) and 95 % percentile intervals over the resamples."""
    estimate = figures(answer, np.ones((1, len(answer.y)), np.float64), prices)
    intervals = bootstrap.percentile_intervals(figures(answer, weights, prices))
    return Row(name, {metric: float(value[0]) for metric, value in estimate.items()}, intervals)


def recall_by_mode(modes: Mapping[str, np.ndarray], flagged: np.ndarray) -> dict[str, tuple[int, float]]:
    """For each failure mode (rows,) of 0 and 1: how many rows have it, and the share of them that was flagged."""
    return {
        mode: (int(rows.sum()), float(flagged[:, rows == 1].mean()) if rows.any() else float("nan"))
        for mode, rows in modes.items()
    }
