"""What was evaluated: labels of one class, alarm rates that were put in, tables of unequal horizons, other models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from gauntlet.datasets.errors import BadInput
from gauntlet.tasks.audit.findings import Finding
from gauntlet.tasks.audit.protocol import Horizons, Part, Protocol, Replay

FEWEST_FLAGGABLE = 20
SIGMAS = 2.0
RELATIVE = 0.25
# Matthews correlation above which flags say something about faults, so that their rate is no mere echo.
SKILL = 0.2
SEEN = 0.95
CHANGES = 0.5
RELATIVE_DIFFERENCE, ABSOLUTE_DIFFERENCE = 1e-4, 1e-6
# A decision within rounding of its threshold may fall either way on another machine.
MISMATCHES = 1e-3


def no_fault_evaluated(protocol: Protocol) -> Iterator[Finding]:
    """A finding when the test labels are all alike."""
    if protocol.test is None or protocol.test.labels is None:
        return
    labels = np.asarray(protocol.test.labels).astype(bool)
    if not labels.any():
        yield Finding("no_fault_evaluated", "", f"none of {len(labels):,} evaluated rows is a fault")
    elif labels.all():
        yield Finding("no_fault_evaluated", "", f"all {len(labels):,} evaluated rows are faults, none is healthy")


def parameter_echoed(protocol: Protocol) -> Iterator[Finding]:
    """A finding for each parameter that the flagged share equals within its sampling error, without skill behind it."""
    if protocol.flagged is None or len(protocol.flagged.rows) < FEWEST_FLAGGABLE:
        return
    flags = np.asarray(protocol.flagged.rows).astype(bool)
    if _skill(flags, protocol.test) >= SKILL:
        return
    trained = len(protocol.train) if protocol.train is not None else 0
    for name, value in protocol.flagged.parameters.items():
        spread = np.sqrt(value * (1 - value) * (1 / len(flags) + (1 / trained if trained else 0)))
        tolerance = max(min(SIGMAS * spread, RELATIVE * value), 1 / len(flags))
        if abs(flags.mean() - value) <= tolerance and 0 < value < 1:
            rate = f"{flags.sum():,} of {len(flags):,} rows flagged ({flags.mean():.2%})"
            yield Finding("parameter_echoed", name, f"{rate} is {name}={value:g} coming back")


def _skill(flags: np.ndarray, test: Part | None) -> float:
    """Matthews correlation of flags and labels; 0 without labels of both classes."""
    if test is None or test.labels is None:
        return 0.0
    labels = np.asarray(test.labels).astype(bool)
    if len(labels) != len(flags):
        raise BadInput(None, f"{len(flags):,} flags", expected=f"{len(labels):,}, one for each test label")
    if labels.all() or not labels.any() or flags.all() or not flags.any():
        return 0.0
    return float(np.corrcoef(labels, flags)[0, 1])


def horizon_mismatch(protocol: Protocol) -> Iterator[Finding]:
    """A finding for each row of the table that forecasts another distance than the candidates, or sees the answer."""
    table = protocol.horizons
    if table is None or not table.candidates:
        return
    steps = max(table.candidates.values())
    longest = next(name for name, value in table.candidates.items() if value == steps)
    for name, value in {**table.candidates, **table.baselines}.items():
        if value != steps:
            yield Finding("horizon_mismatch", name, f"{value} steps ahead, {longest} forecasts {steps}")
        elif lag := _lag_of_seen_values(table, name, steps):
            detail = f"is the actual value {lag} step{'s' * (lag > 1)} earlier, which {steps} steps ahead is not known"
            yield Finding("horizon_mismatch", name, detail)


def _lag_of_seen_values(table: Horizons, name: str, steps: int) -> int:
    """The lag below the horizon at which a forecast repeats the actual values of its own block; 0 for none."""
    if table.actual is None or name not in table.forecasts:
        return 0
    actual, forecast = (np.atleast_2d(np.asarray(a, np.float64)) for a in (table.actual, table.forecasts[name]))
    if actual.shape != forecast.shape:
        raise BadInput(None, f"{name} has shape {forecast.shape}", expected=f"{actual.shape}, as the actual values")
    if actual.shape[1] < 2 or (np.diff(actual) != 0).mean() < CHANGES:
        return 0
    lags = range(1, min(steps, actual.shape[1] - 1))
    same = (lag for lag in lags if np.isclose(forecast[:, lag:], actual[:, :-lag], rtol=1e-9, atol=0).mean() >= SEEN)
    return next(same, 0)


def preprocessing_outside(protocol: Protocol) -> Iterator[Finding]:
    """A finding for each registered model that does not give the evaluated predictions from raw rows."""
    for replay in protocol.replays:
        if replay.refused:
            complaint = " ".join(replay.refused.split())
            yield Finding("preprocessing_outside", replay.model, f"refuses raw rows: {complaint}")
        elif replay.replayed is not None and (detail := _difference(replay)):
            yield Finding("preprocessing_outside", replay.model, detail)


def _difference(replay: Replay) -> str:
    evaluated, replayed = np.asarray(replay.evaluated), np.asarray(replay.replayed)
    if len(evaluated) != len(replayed):
        raise BadInput(None, f"{len(replayed):,} replayed predictions", expected=f"{len(evaluated):,}, as evaluated")
    differ = _unlike(evaluated, replayed)
    if not len(differ) or differ.mean() <= MISMATCHES:
        return ""
    return f"on raw rows, {differ.sum():,} of {len(differ):,} predictions differ from the evaluated ones"


def _unlike(one: Any, other: Any) -> np.ndarray:
    if pd.api.types.is_numeric_dtype(one) and pd.api.types.is_numeric_dtype(other):
        one, other = np.asarray(one, np.float64), np.asarray(other, np.float64)
        return ~np.isclose(one, other, rtol=RELATIVE_DIFFERENCE, atol=ABSOLUTE_DIFFERENCE, equal_nan=True)
    return np.asarray(one).astype(str) != np.asarray(other).astype(str)
