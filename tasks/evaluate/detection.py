"""Figures of a detector on one machine: AUC, partial AUC and what its threshold catches, with bootstrap intervals.

Intervals: normal and abnormal clips are drawn anew with replacement, each class for itself (stratified bootstrap, Efron
and Tibshirani 1993), all resamples at once. The same recordings at three noise levels are drawn alike, so that a mean
over cells is not made to look surer than it is.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tasks.result import Row

RESAMPLES = 300
PARTIAL = 0.1  # the largest false alarm rate of the partial AUC, as in DCASE 2020 task 2


@dataclass(frozen=True, eq=False)
class CellScores:
    """One model on one cell: labels and scores of the judged clips, (clips,), and whether it alarmed."""

    cell: str
    abnormal: np.ndarray
    scores: np.ndarray
    alarmed: np.ndarray


@dataclass(frozen=True, eq=False)
class CellFigures:
    """The figures of one cell, and their resamples for intervals."""

    cell: str
    metrics: Mapping[str, float]
    resampled: Mapping[str, np.ndarray] = field(repr=False)

    @property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """95 % percentile intervals, which hold the estimate."""
        return {name: interval(self.metrics[name], values) for name, values in self.resampled.items()}


def interval(estimate: float, resampled: np.ndarray) -> tuple[float, float]:
    """The 95 % percentile interval, widened to hold the estimate where few clips put it outside."""
    low, high = np.percentile(resampled, [2.5, 97.5])
    return min(float(low), estimate), max(float(high), estimate)


def drawn_weights(cell: str, abnormal: np.ndarray, seed: int, resamples: int = RESAMPLES) -> np.ndarray:
    """How often each clip is drawn in each resample, (resamples, clips); equal for a machine's noise levels."""
    machine = cell.split("/", 1)[1]
    rng = np.random.default_rng([seed, zlib.crc32(machine.encode())])
    weights = np.zeros((resamples, len(abnormal)))
    for label in (False, True):
        place = np.flatnonzero(abnormal == label)
        weights[:, place] = rng.multinomial(len(place), np.full(len(place), 1 / len(place)), size=resamples)
    return weights


def areas(abnormal: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    """AUC, and the AUC up to a false alarm rate of 0.1 standardised so that chance is 0.5 (McClish 1989).

    Trapezoids between distinct scores, as scikit-learn's `roc_auc_score` with and without `max_fpr`; each (resamples,).
    """
    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.r_[np.diff(scores[order]) != 0, True])
    drawn = weights[:, order]
    true = np.cumsum(drawn * abnormal[order], axis=1)[:, last]
    false = np.cumsum(drawn * ~abnormal[order], axis=1)[:, last]
    start = np.zeros((len(weights), 1))
    y = np.concatenate([start, true / true[:, -1:]], axis=1)
    x = np.concatenate([start, false / false[:, -1:]], axis=1)
    wide = np.diff(x, axis=1)
    inside = np.clip(PARTIAL - x[:, :-1], 0.0, wide)
    share = np.divide(inside, wide, out=np.zeros_like(wide), where=wide > 0)
    partial = (inside * (y[:, :-1] + share * np.diff(y, axis=1) / 2)).sum(1)
    least, most = PARTIAL**2 / 2, PARTIAL
    return {
        "auc": (wide * (y[:, :-1] + y[:, 1:]) / 2).sum(1),
        "pauc": 0.5 * (1 + (partial - least) / (most - least)),
    }


def figures(one: CellScores, seed: int) -> CellFigures:
    """AUC, pAUC, and the rates of false alarms (far) and misses (mar) at the threshold set in training."""

    def metrics(weights: np.ndarray) -> dict[str, np.ndarray]:
        normal, abnormal = weights[:, ~one.abnormal], weights[:, one.abnormal]
        return {
            **areas(one.abnormal, one.scores, weights),
            "far": (normal * one.alarmed[~one.abnormal]).sum(1) / normal.sum(1),
            "mar": (abnormal * ~one.alarmed[one.abnormal]).sum(1) / abnormal.sum(1),
        }

    estimate = metrics(np.ones((1, len(one.scores))))
    resampled = metrics(drawn_weights(one.cell, one.abnormal, seed))
    return CellFigures(one.cell, {name: float(value[0]) for name, value in estimate.items()}, resampled)


def mean_row(name: str, cells: Sequence[CellFigures], metrics: Sequence[str] = ("auc", "pauc", "far", "mar")) -> Row:
    """One line of the results table: the mean over cells, with the interval of that mean."""
    estimate = {metric: float(np.mean([cell.metrics[metric] for cell in cells])) for metric in metrics}
    resampled = {metric: np.mean([cell.resampled[metric] for cell in cells], axis=0) for metric in metrics}
    return Row(name, estimate, {metric: interval(estimate[metric], resampled[metric]) for metric in metrics})


def decision_metrics(abnormal: np.ndarray, alarmed: np.ndarray) -> dict[str, float]:
    """Accuracy, and precision, recall and F1 of the abnormal class, which is what a weak detector hides behind it."""
    hits = int((abnormal & alarmed).sum())
    wrong, missed = int((~abnormal & alarmed).sum()), int((abnormal & ~alarmed).sum())
    return {
        "accuracy": float((abnormal == alarmed).mean()),
        "precision": hits / (hits + wrong) if hits + wrong else 0.0,
        "recall": hits / (hits + missed) if hits + missed else 0.0,
        "f1": 2 * hits / (2 * hits + wrong + missed) if hits + wrong + missed else 0.0,
    }
