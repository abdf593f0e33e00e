"""Thresholds on PSI and KS at which undrifted windows of this size are called drifted no more often than stated.

A fixed cut-off knows neither the size of a window nor that neighbouring rows are alike: on healthy bearings PSI > 0.2
fires nine times in ten. Here windows are taken out of the reference itself, each against the rest (leave-block-out
form of the moving-block bootstrap, H. R. Künsch, Ann. Stat. 17 (1989)); the thresholds hold for all features at once,
by the greatest excess of any (P. H. Westfall & S. S. Young, Resampling-Based Multiple Testing, 1993).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gauntlet.datasets.errors import BadInput
from gauntlet.tasks.drift.order import PARTS, Order, neighbour_correlation, parts_differ
from gauntlet.tasks.drift.statistics import (
    FEW_VALUES,
    binned,
    bins_for,
    is_number,
    ks_sorted,
    psi_of_counts,
    sample_rows,
)

LEVEL = 0.05  # windows called drifted, of a hundred undrifted ones, at most
RESAMPLES = 500
LEAST_ROWS = 20
# One reference says too little of how far undrifted windows go from it: an unlucky one doubles the rate, so aim below.
AIM = 0.3


@dataclass(frozen=True)
class Calibration:
    """Thresholds per feature for windows of `window_rows` rows or more; a feature at or above one of its two has moved.

    `level`: stated share of undrifted windows in which any feature does. `resampled`: that share among the resamples.
    They allow for a steady movement within the reference to go on for `ahead` rows more. Categories have no KS.
    """

    psi: Mapping[str, float]
    ks: Mapping[str, float]
    window_rows: int
    level: float = LEVEL
    resampled: float = 0.0
    order: Order = "blocks"
    ahead: int = 0


def calibrate(
    reference: pd.DataFrame,
    window_rows: int,
    *,
    seed: int = 7,
    level: float = LEVEL,
    order: Order = "blocks",
    held: Mapping[str, float] | None = None,
    ahead: int | None = None,
    resamples: int = RESAMPLES,
) -> Calibration:
    """The thresholds for windows of a size, by resampling the reference.

    Args:
        reference: healthy rows, oldest first; each column is a feature.
        window_rows: rows of the windows to come.
        order: see `serial_order`. `held`: for "held", rows per independent one, by feature.
        ahead: rows after the reference for which a steady movement of a feature is let go on; twice the reference's.

    Raises:
        BadInput: fewer than 20 rows, a window without rows, or a level outside (0, 1).
    """
    if len(reference) < LEAST_ROWS or window_rows < 1 or not 0 < level < 1:
        saw = f"{len(reference)} reference rows, windows of {window_rows}, level {level}"
        expected = f"at least {LEAST_ROWS} and 1 rows, a level between 0 and 1"
        raise BadInput(None, "drift cannot be calibrated", saw=saw, expected=expected)
    ahead = 2 * len(reference) if ahead is None else ahead
    sampled = sample_rows(len(reference), seed)
    draws = list(_draws(len(reference), sampled, window_rows, order, resamples, seed))
    found = {
        str(name): _distances(
            column, draws, sampled, _movement(column, draws, order, ahead, seed + i), (held or {}).get(str(name), 1.0)
        )
        for i, (name, column) in enumerate(reference.items())
    }
    psi, ks = (np.stack([one[i] for one in found.values()], axis=1) for i in (0, 1))
    # The reference holds only so many windows apart from each other; a spread told by k is off by about 1/sqrt(2 k).
    apart = len(reference) / window_rows if order != "rows" else np.inf
    psi_limits, ks_limits, share = _limits(psi, ks, level, 1 + 1 / np.sqrt(apart))
    return Calibration(
        psi=dict(zip(found, psi_limits.tolist(), strict=True)),
        ks={name: limit for name, limit in zip(found, ks_limits.tolist(), strict=True) if np.isfinite(limit)},
        window_rows=window_rows,
        level=level,
        resampled=share,
        order=order,
        ahead=ahead,
    )


@dataclass(frozen=True, eq=False)
class _Draw:
    """One resampled window. `rows`: its positions in the reference; `kept`: which sampled rows it is held against.

    `start`: position of its first row; `later`: its time after the reference, as a share of the rows ahead.
    """

    rows: np.ndarray
    kept: np.ndarray
    start: int
    later: float


def _draws(total: int, sampled: np.ndarray, size: int, order: Order, resamples: int, seed: int) -> Iterator[_Draw]:
    rng = np.random.default_rng([seed, size])
    span = min(size, total // 2)
    for _ in range(resamples):
        later = float(rng.random())
        if order == "blocks":
            out = rng.integers(0, total - span + 1) + np.arange(span)
        else:
            out = np.sort(rng.choice(total, span, replace=False))
        rows = out
        if size > span:  # larger than half of the reference: pieces of one half, as often as needed
            piece = max(1, span // 8) if order == "blocks" else 1
            starts = rng.integers(0, span - piece + 1, -(-size // piece))
            rows = out[(starts[:, None] + np.arange(piece)).ravel()[:size]]
        kept = np.ones(total, bool)
        kept[out] = False
        yield _Draw(rows[sample_rows(len(rows), seed)], kept[sampled], int(out[0]), later)


def _movement(column: pd.Series, draws: Sequence[_Draw], order: Order, ahead: int, seed: int) -> np.ndarray:
    """How far every resampled window would have moved by its time after the reference, (resamples,) in the column's unit.

    A line through the means of ten parts; its slope is known as well as ten means tell it, so it is drawn anew each
    time (t distribution). None where rows have no order, or where the parts differ no more than independent rows would
    let them (analysis of variance at 1 %).
    """
    values = column.to_numpy(np.float64) if is_number(column) and order == "blocks" else np.empty(0)
    finite = values[np.isfinite(values)]
    if len(finite) < 3 * PARTS or not parts_differ(finite):
        return np.zeros(len(draws))
    means = np.array([part.mean() for part in np.array_split(finite, PARTS)])
    place = np.arange(PARTS) - (PARTS - 1) / 2
    slope = place @ means / (place @ place)
    rest = means - means.mean() - slope * place
    error = np.sqrt(rest @ rest / (PARTS - 2) / (place @ place))
    drawn = slope + error * np.random.default_rng([seed, PARTS]).standard_t(PARTS - 2, len(draws))
    times = np.array([len(values) - draw.start + draw.later * ahead for draw in draws])
    return np.asarray(drawn / (len(values) / PARTS) * times)


def _distances(
    column: pd.Series, draws: Sequence[_Draw], sampled: np.ndarray, movement: np.ndarray, held: float
) -> tuple[np.ndarray, np.ndarray]:
    """PSI and KS of every resampled window against the rest of the reference, each (resamples,); NaN where undefined."""
    values, finite, numbers = _values(column)
    present = sampled[finite[sampled]]
    by_value = not numbers or len(np.unique(values[present])) <= FEW_VALUES
    codes, places = np.unique(values, return_inverse=True) if by_value else (values, np.arange(0))
    order = present[np.argsort(values[present], kind="stable")]
    in_sample = np.searchsorted(sampled, order)
    ordered = values[order]
    bins = bins_for(len(sampled) + len(draws[0].rows))
    counts = np.zeros((2, len(draws), len(codes) if by_value else bins))
    distance = np.full(len(draws), np.nan)
    for i, draw in enumerate(draws):
        keep = draw.kept[in_sample]
        rows = draw.rows[finite[draw.rows]]
        rows = rows[:: max(1, round(held))] if held > 1 else rows
        if not len(rows) or not keep.any():
            continue
        if by_value:
            counts[:, i] = [np.bincount(places[part], minlength=len(codes)) for part in (order[keep], rows)]
            if not numbers:
                continue
        rest = ordered[keep]
        window = np.sort(values[rows] + movement[i])
        if not by_value:
            counts[:, i] = binned(rest, window, bins)
        distance[i] = ks_sorted(rest, window)
    full = counts.sum(axis=2).all(axis=0)
    index = np.full(len(draws), np.nan)
    index[full] = psi_of_counts(counts[0, full], counts[1, full])
    return index, distance


def _values(column: pd.Series) -> tuple[np.ndarray, np.ndarray, bool]:
    if is_number(column):
        values = column.to_numpy(np.float64)
        return values, np.isfinite(values), True
    codes, _ = pd.factorize(column)
    return codes.astype(np.float64), codes >= 0, False


def _limits(psi: np.ndarray, ks: np.ndarray, level: float, widened: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Thresholds of both statistics, (features,) each, and the share of resamples that pass any of them."""
    tables = [_in_spreads(psi), _in_spreads(ks)]
    per_draw = [np.max(np.where(np.isfinite(z), z, -np.inf), axis=1) for z, _, _ in tables]
    greatest = [np.sort(own) for own in per_draw]
    for allowed in range(round(level * AIM * len(psi)), -1, -1):
        # Both statistics are given the same share of false alarms, the most that together stay within the aim.
        cuts = [own[-1 - allowed] for own in greatest]
        share = float(np.mean((per_draw[0] > cuts[0]) | (per_draw[1] > cuts[1])))
        if share <= level * AIM:
            break
    limits = [middle + cut * widened * spread for cut, (_, middle, spread) in zip(cuts, tables, strict=True)]
    # A window that lies wholly outside the reference has moved, whatever the reference's own movement promised.
    return np.nextafter(limits[0], np.inf), np.minimum(np.nextafter(limits[1], np.inf), 1.0), share


def _in_spreads(distances: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distances in units of each feature's own spread, so that features can be compared; median and spread of each."""
    empty = ~np.isfinite(distances).any(axis=0)
    known = np.where(empty, 0.0, distances)
    middle = np.nanmedian(known, axis=0)
    spread = np.maximum(np.nanquantile(known, 0.9, axis=0) - middle, 1e-6)
    middle = np.where(empty, np.nan, middle)
    return (distances - middle) / spread, middle, spread


def rows_per_independent_one(window: pd.DataFrame) -> dict[str, float]:
    """By feature, (1 + r) / (1 - r) of the correlation r of neighbouring rows: how often each row says the same again."""
    numbers = [str(name) for name in window if is_number(window[name])]
    correlation = {name: neighbour_correlation(window[name].to_numpy(np.float64)) for name in numbers}
    return {name: max(1.0, (1 + r) / (1 - min(r, 0.999))) for name, r in correlation.items()}
