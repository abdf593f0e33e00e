"""One setting for all runs, learnt from their healthy beginnings alone: which sensors, which window, which margin.

A beginning is cut in two: what a detector fitted on its first half says of its second half are false alarms for sure.

sensors   those that stand still over a beginning: one that drifts without an anomaly says nothing about one
margin    the smallest that keeps false alarms on the second halves within the budget
window    the one that sees the smallest step in a sensor at that margin
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gauntlet.tasks.models.run_detector import Kind, RunDetector, trailing_mean

WINDOWS = (5, 10, 15, 20, 30, 45, 60)
BUDGET = 0.10
MOST_DRIFT = 0.5  # standard deviations between the halves of a beginning


@dataclass(frozen=True)
class Setting:
    """What was learnt: for one kind of detector. `smallest_step` in standard deviations of a sensor's raw reading."""

    kind: Kind
    sensors: tuple[str, ...]
    window: int
    margin: float
    smallest_step: float

    def detector(self) -> RunDetector:
        """The unfitted detector."""
        return RunDetector(self.kind, list(self.sensors), self.window, self.margin)


def drift(beginnings: Sequence[pd.DataFrame]) -> pd.Series:
    """How far the halves of a beginning lie apart, per sensor, in its standard deviations: median over runs."""
    apart = []
    for rows in beginnings:
        half = len(rows) // 2
        apart.append((rows.iloc[half:].mean() - rows.iloc[:half].mean()).abs() / rows.std(ddof=0))
    return pd.concat(apart, axis=1).median(axis=1)


def steady_sensors(beginnings: Sequence[pd.DataFrame], most: float = MOST_DRIFT) -> tuple[str, ...]:
    """The sensors that stand still over the beginnings; all of them where none does."""
    moved = drift(beginnings)
    return tuple(moved.index[moved <= most]) or tuple(moved.index)


def learn(kind: Kind, beginnings: Sequence[pd.DataFrame], sensors: Sequence[str], budget: float = BUDGET) -> Setting:
    """The setting with the smallest detectable step whose false alarms on held-out halves are within the budget."""
    tried = [_at(kind, beginnings, tuple(sensors), window, budget) for window in WINDOWS]
    return min(tried, key=lambda setting: setting.smallest_step)


def _at(
    kind: Kind, beginnings: Sequence[pd.DataFrame], sensors: tuple[str, ...], window: int, budget: float
) -> Setting:
    held_out, spread = [], []
    for rows in beginnings:
        half = len(rows) // 2
        probe = RunDetector(kind, list(sensors), window, margin=1.0).fit(rows.iloc[:half])
        held_out.append(probe.decision_function(rows)[half:])
        raw = rows[list(sensors)].to_numpy()
        spread.append(np.median(trailing_mean(raw, window)[window:].std(0) / raw.std(0)))
    margin = max(1.0, float(np.quantile(np.concatenate(held_out), 1 - budget)))
    return Setting(kind, sensors, window, margin, margin * float(np.median(spread)))
