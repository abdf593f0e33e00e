"""Alarms judged by bearing lives: which failures were announced, how early, at how many false alarms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gauntlet.tasks.alarms.rule import WEEK_S
from gauntlet.tasks.metrics.bootstrap import draws, percentile_intervals
from gauntlet.tasks.result import Row

RESAMPLES = 500


@dataclass(frozen=True)
class Outcome:
    """One life that is known to its end. `hit`: the failure was announced; `false`: alarms that were none.

    `watched_s`: healthy running time; `lead_h`: of a hit, alarm to failure; `onset_error`: of a hit with a published
    onset, distance of the found one as a share of the life.
    """

    machine: str
    fails: bool
    hit: bool
    false: int
    watched_s: float
    lead_h: float | None = None
    onset_error: float | None = None


Measure = Callable[[np.ndarray], float]


def alarm_row(name: str, outcomes: Sequence[Outcome], seed: int) -> Row:
    """The line of the results table, with 95 % bootstrap intervals over lives for the shares.

    Without a single known life there is nothing to state: every figure is NaN.
    """
    table = np.array([[outcome.fails, outcome.hit, outcome.false] for outcome in outcomes], np.float64).reshape(-1, 3)
    metrics = {metric: measure(table) for metric, measure in _SHARES.items()}
    resamples = [table[places] for places in draws(len(table), RESAMPLES, seed)] if len(table) else []
    resampled = {metric: np.array([measure(resample) for resample in resamples]) for metric, measure in _SHARES.items()}
    return Row(name, {**metrics, **_operational(outcomes)}, percentile_intervals(resampled, metrics))


def _operational(outcomes: Sequence[Outcome]) -> Mapping[str, float]:
    weeks = sum(outcome.watched_s for outcome in outcomes) / WEEK_S
    leads = [outcome.lead_h for outcome in outcomes if outcome.lead_h is not None]
    errors = [outcome.onset_error for outcome in outcomes if outcome.onset_error is not None]
    figures = {
        "lead_time_h": float(np.median(leads)) if leads else None,
        "false_alarms_per_week": sum(outcome.false for outcome in outcomes) / weeks if weeks > 0 else None,
        "onset_error": float(np.median(errors)) if errors else None,
    }
    return {name: value for name, value in figures.items() if value is not None}


def _f1(table: np.ndarray) -> float:
    fails, hits, false = table.sum(0) if len(table) else (0, 0, 0)
    return float(2 * hits / (hits + fails + false)) if fails else float("nan")


def _precision(table: np.ndarray) -> float:
    _, hits, false = table.sum(0) if len(table) else (0, 0, 0)
    return float(hits / (hits + false)) if hits + false else 0.0 if len(table) else float("nan")


def _recall(table: np.ndarray) -> float:
    fails, hits, _ = table.sum(0) if len(table) else (0, 0, 0)
    return float(hits / fails) if fails else float("nan")


_SHARES: dict[str, Measure] = {"f1": _f1, "precision": _precision, "recall": _recall}
