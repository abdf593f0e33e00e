"""What a sensor does wrong: it is stuck, its unit jumped, or it alone left the company of its neighbours."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gauntlet.tasks.drift.faults import Fault
from gauntlet.tasks.drift.statistics import is_number, ks

# Gains and scales that come off by exactly this much. Powers of ten are prefixes; 9.81 is g, 25.4 mm/s in/s, 60 min/s.
FACTORS = (10.0, 100.0, 1000.0, 1e6, 9.80665, 25.4, 60.0, 3600.0, 6.894757, 4.448222, 0.45359237)
Undo = Callable[[np.ndarray], np.ndarray]


def _by(factor: float) -> Undo:
    return lambda x: x * factor


CONVERSIONS: Mapping[str, Undo] = {
    **{f"multiplied by {factor:g}": _by(1 / factor) for factor in FACTORS},
    **{f"divided by {factor:g}": _by(factor) for factor in FACTORS},
    "Celsius given as Fahrenheit": lambda x: (x - 32) / 1.8,
    "Fahrenheit given as Celsius": lambda x: x * 1.8 + 32,
    "Celsius given as kelvin": lambda x: x - 273.15,
    "kelvin given as Celsius": lambda x: x + 273.15,
    "kelvin given as Fahrenheit": lambda x: (x - 32) / 1.8 + 273.15,
    "Fahrenheit given as kelvin": lambda x: (x - 273.15) * 1.8 + 32,
}


@dataclass(frozen=True)
class SensorLimits:
    """`stuck`: share of the window that one value held in a row takes. `far`: of the reference's range, outside of it.
    `same`: greatest KS distance to the reference once a wrong unit is undone. `jumped`: share of far rows that a jump
    needs; `between`: greatest share of rows that are the reference's neither as they are nor undone. `explained`: share
    of a channel's variance that its neighbours give in the reference, from which on they vouch for it; `left`:
    deviations of the rest by which it has left them.
    """

    stuck: float = 0.5
    far: float = 0.5
    same: float = 0.35
    between: float = 0.1
    jumped: float = 0.05
    explained: float = 0.8
    left: float = 8.0


def sensor_faults(
    reference: pd.DataFrame,
    window: pd.DataFrame,
    *,
    neighbours: Sequence[Sequence[str]] = (),
    limits: SensorLimits | None = None,
) -> tuple[Fault, ...]:
    """What is wrong with sensors: kinds "stuck", "unit_jump" and "neighbours", features in the reference's order.

    Args:
        neighbours: groups of columns that measure nearly the same.
    """
    limits = limits or SensorLimits()
    names = [
        str(name) for name in reference if name in window and is_number(reference[name]) and is_number(window[name])
    ]
    old = {name: _finite(reference[name]) for name in names}
    new = {name: _finite(window[name]) for name in names}
    names = [name for name in names if len(old[name]) >= 8 and len(new[name]) >= 8]
    found = [fault for name in names for fault in _stuck(name, old[name], new[name], limits)]
    found += [fault for name in names for fault in _unit_jump(name, old[name], new[name], limits)]
    at_fault = {fault.column for fault in found}
    for group in neighbours:
        members = [name for name in group if name in names and name not in at_fault]
        found += _left_neighbours(reference[members], window[members], limits)
    return tuple(found)


def _finite(column: pd.Series) -> np.ndarray:
    values = column.to_numpy(np.float64)
    return values[np.isfinite(values)]


def longest_run(values: np.ndarray) -> int:
    """Rows in a row with the same value, the most of them."""
    if not len(values):
        return 0
    breaks = np.flatnonzero(np.diff(values) != 0)
    edges = np.concatenate([[-1], breaks, [len(values) - 1]])
    return int(np.diff(edges).max())


def _stuck(name: str, old: np.ndarray, new: np.ndarray, limits: SensorLimits) -> Iterator[Fault]:
    """One value held for half of the window and three times longer than ever in the reference."""
    run, usual = longest_run(new), longest_run(old)
    if run >= limits.stuck * len(new) and run > 3 * usual:
        share = f"{run} of {len(new)} rows"
        yield Fault("stuck", name, f"{name!r} stands still for {share}; in the reference never for more than {usual}.")


def _unit_jump(name: str, old: np.ndarray, new: np.ndarray, limits: SensorLimits) -> Iterator[Fault]:
    """Rows far outside the reference that are its very distribution again once a wrong unit is undone."""
    low, high = np.quantile(old, (0.001, 0.999))
    if low == high:
        return
    far = new[(new < low - limits.far * (high - low)) | (new > high + limits.far * (high - low))]
    if len(far) < max(8, limits.jumped * len(new)):
        return
    undo_log = name.startswith("log_")  # the sensor's unit, not that of its logarithm
    old, new, far = (np.exp(part) if undo_log else part for part in (old, new, far))
    distances = {said: ks(old, undo(far)) for said, undo in CONVERSIONS.items()}
    said = min(distances, key=lambda key: distances[key])
    # A level that grows passes every factor, with rows on the way there; a jump has none.
    right, wrong = _inside(old, new), _inside(old, CONVERSIONS[said](new))
    if distances[said] <= limits.same and (right | wrong).mean() >= 1 - limits.between:
        rows = f"{len(far)} of {len(new)} rows"
        detail = f"{name!r} looks {said} in {rows}: undone, they are the reference's again (KS {distances[said]:.2f})."
        yield Fault("unit_jump", name, detail)


def _inside(old: np.ndarray, values: np.ndarray) -> np.ndarray:
    low, high = np.quantile(old, (0.001, 0.999))
    return np.asarray((values >= low) & (values <= high))


def _left_neighbours(old: pd.DataFrame, new: pd.DataFrame, limits: SensorLimits) -> list[Fault]:
    """The one channel that its neighbours no longer explain, where they did, and they still explain each other."""
    old, new = old.dropna(), new.dropna()
    if old.shape[1] < 3 or len(old) < 10 * old.shape[1] or len(new) < 8:
        return []
    a, b = old.to_numpy(np.float64), new.to_numpy(np.float64)
    moved = {}
    for i, name in enumerate(old):
        # Each other channel alone, and the median of what they say: one liar among them does not count.
        says = [(np.polyfit(a[:, j], a[:, i], 1), j) for j in range(a.shape[1]) if j != i and a[:, j].std() > 0]
        if len(says) < 2:
            return []
        expected = [np.median([np.polyval(line, part[:, j]) for line, j in says], axis=0) for part in (a, b)]
        rest = a[:, i] - expected[0]
        if 1 - rest.var() / max(a[:, i].var(), 1e-300) < limits.explained:
            return []
        moved[str(name)] = float(np.median(b[:, i] - expected[1])) / max(float(rest.std()), 1e-300)
    gone = [name for name, by in moved.items() if abs(by) > limits.left]
    if len(gone) != 1:
        return []
    by = f"{moved[gone[0]]:+.1f} deviations"
    return [Fault("neighbours", gone[0], f"{gone[0]!r} left its neighbours by {by}; they still agree with each other.")]
