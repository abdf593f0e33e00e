"""Figures of a detector on one machine: AUC, partial AUC and what its threshold catches, with 95 % intervals.

AUC: the score interval of Newcombe (Statistics in Medicine 25, 2006, method 5), which stays wide where few clips happen
to be told apart without a fault, and where a bootstrap would say [1, 1]. Rates: Wilson's. Partial AUC: normal and
abnormal clips resampled, each class for itself (stratified bootstrap, Efron and Tibshirani 1993), none where no resample
differs. A mean over cells: the distances to the limits of its parts add like deviations (Zou and Donner, Statistics in
Medicine 27, 2008), and those of one machine's noise levels, which are the same recordings, simply add.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import brentq
from scipy.stats import binomtest

from gauntlet.tasks.metrics.bootstrap import percentile_interval, weights
from gauntlet.tasks.result import Row

METRICS = ("auc", "pauc", "far", "mar")
RESAMPLES = 300
Z = 1.959964
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
    """The figures of one cell, how many clips they come from, and resamples of the partial AUC."""

    cell: str
    metrics: Mapping[str, float]
    normal: int
    abnormal: int
    partial: np.ndarray = field(repr=False)

    @property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """95 % intervals, which hold the estimate."""
        intervals = {
            "auc": area_interval(self.metrics["auc"], self.normal, self.abnormal),
            "far": _rate_interval(self.metrics["far"], self.normal),
            "mar": _rate_interval(self.metrics["mar"], self.abnormal),
        }
        return intervals | _bootstrap_interval("pauc", self.metrics["pauc"], self.partial)


def area_interval(area: float, normal: int, abnormal: int) -> tuple[float, float]:
    """The 95 % interval of an AUC from so many clips (Newcombe 2006, method 5)."""
    balance = (normal + abnormal) / 2 - 1

    def outside(truth: float) -> float:
        shape = 1 + balance * ((1 - truth) / (2 - truth) + truth / (1 + truth))
        return abs(area - truth) - Z * float(np.sqrt(truth * (1 - truth) * shape / (normal * abnormal)))

    edge = 1e-9
    low = brentq(outside, edge, min(area, 1 - edge)) if area > 2 * edge else 0.0
    high = brentq(outside, max(area, edge), 1 - edge) if area < 1 - 2 * edge else 1.0
    return float(low), float(high)


def _rate_interval(rate: float, clips: int) -> tuple[float, float]:
    interval = binomtest(round(rate * clips), clips).proportion_ci(method="wilson")
    return min(float(interval.low), rate), max(float(interval.high), rate)


def _bootstrap_interval(name: str, estimate: float, resampled: np.ndarray) -> dict[str, tuple[float, float]]:
    low, high = percentile_interval(resampled)
    return {name: (min(low, estimate), max(high, estimate))} if high > low else {}


def resample_weights(cell: str, abnormal: np.ndarray, seed: int, resamples: int = RESAMPLES) -> np.ndarray:
    """How often each clip is drawn in each resample, (resamples, clips); equal for a machine's noise levels."""
    machine = cell.split("/", 1)[1]
    return weights(len(abnormal), resamples, [seed, zlib.crc32(machine.encode())], abnormal).astype(np.float64)


def areas(abnormal: np.ndarray, scores: np.ndarray, counts: np.ndarray) -> dict[str, np.ndarray]:
    """AUC, and the AUC up to a false alarm rate of 0.1 standardised so that chance is 0.5 (McClish 1989).

    Trapezoids between distinct scores, as scikit-learn's `roc_auc_score` with and without `max_fpr`; each (resamples,).
    """
    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.r_[np.diff(scores[order]) != 0, True])
    ordered = counts[:, order]
    true = np.cumsum(ordered * abnormal[order], axis=1)[:, last]
    false = np.cumsum(ordered * ~abnormal[order], axis=1)[:, last]
    start = np.zeros((len(counts), 1))
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


def figures(cell: CellScores, seed: int) -> CellFigures:
    """AUC, pAUC, and the rates of false alarms (far) and misses (mar) at the threshold set in training."""
    estimate = areas(cell.abnormal, cell.scores, np.ones((1, len(cell.scores))))
    metrics = {
        "auc": float(estimate["auc"][0]),
        "pauc": float(estimate["pauc"][0]),
        "far": float(cell.alarmed[~cell.abnormal].mean()),
        "mar": float((~cell.alarmed[cell.abnormal]).mean()),
    }
    partial = areas(cell.abnormal, cell.scores, resample_weights(cell.cell, cell.abnormal, seed))["pauc"]
    abnormal = int(cell.abnormal.sum())
    return CellFigures(cell.cell, metrics, len(cell.abnormal) - abnormal, abnormal, partial)


def mean_row(name: str, cells: Sequence[CellFigures]) -> Row:
    """One line of the results table: the mean over cells, with the interval of that mean."""
    estimate = {metric: float(np.mean([cell.metrics[metric] for cell in cells])) for metric in METRICS}
    intervals = {metric: _mean_interval(metric, estimate[metric], cells) for metric in ("auc", "far", "mar")}
    partial = _bootstrap_interval("pauc", estimate["pauc"], np.mean([cell.partial for cell in cells], axis=0))
    return Row(name, estimate, intervals | partial)


def _mean_interval(metric: str, mean: float, cells: Sequence[CellFigures]) -> tuple[float, float]:
    """Independent machines, and noise levels of one machine that rise and fall together."""
    below: dict[str, float] = {}
    above: dict[str, float] = {}
    for cell in cells:
        machine, (low, high) = cell.cell.split("/", 1)[1], cell.intervals[metric]
        below[machine] = below.get(machine, 0.0) + cell.metrics[metric] - low
        above[machine] = above.get(machine, 0.0) + high - cell.metrics[metric]
    down, up = (float(np.sqrt(sum(part**2 for part in side.values()))) / len(cells) for side in (below, above))
    return mean - down, mean + up


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
