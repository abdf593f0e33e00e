"""Figures over many labelled runs: counts are pooled over all rows; intervals come from resampling whole runs.

Rows of one run resemble each other, so that resampling rows would promise too much (Efron and Tibshirani 1993, ch. 8).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from gauntlet.tasks.metrics.bootstrap import percentile_interval, weights
from gauntlet.tasks.result import Row

RESAMPLES = 2_000


@dataclass(frozen=True)
class RunAnswer:
    """What was said of the test part of a run: truth (n,) bool, score (n,), flagged (n,) bool."""

    run: str
    anomaly: np.ndarray
    score: np.ndarray
    flagged: np.ndarray

    @property
    def counts(self) -> np.ndarray:
        """True alarms, false alarms, misses, true silences; (4,) float64."""
        y, said = self.anomaly, self.flagged
        return np.array([(said & y).sum(), (said & ~y).sum(), (~said & y).sum(), (~said & ~y).sum()], np.float64)

    @property
    def metrics(self) -> dict[str, float]:
        """F1, false and missed alarm rate of this run alone."""
        return {name: float(value) for name, value in rates(self.counts).items()}


def rates(counts: np.ndarray) -> dict[str, np.ndarray]:
    """F1 = 2 TP / (2 TP + FP + FN), FAR = FP / (FP + TN), MAR = FN / (FN + TP) of counts (..., 4); 0 for 0 / 0."""
    true, false, missed, silent = np.moveaxis(counts, -1, 0)

    def ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
        return np.divide(above, below, out=np.zeros_like(below), where=below > 0)

    return {
        "f1": ratio(2 * true, 2 * true + false + missed),
        "precision": ratio(true, true + false),
        "recall": ratio(true, true + missed),
        "far": ratio(false, false + silent),
        "mar": ratio(missed, missed + true),
    }


def run_row(name: str, answers: Sequence[RunAnswer], seed: int) -> Row:
    """One line of the results table; 95 % percentile intervals over resampled runs."""
    counts = np.stack([answer.counts for answer in answers])
    estimate, resampled = rates(counts.sum(0)), rates(weights(len(counts), RESAMPLES, seed) @ counts)
    y = np.concatenate([answer.anomaly for answer in answers])
    score = np.concatenate([answer.score for answer in answers])
    ranks = (
        {"pr_auc": average_precision_score(y, score), "roc_auc": roc_auc_score(y, score)}
        if 0 < y.sum() < len(y)
        else {}
    )
    return Row(
        name,
        {**{metric: float(value) for metric, value in estimate.items()}, **{k: float(v) for k, v in ranks.items()}},
        {metric: percentile_interval(values, float(estimate[metric])) for metric, values in resampled.items()},
    )
