"""Rows of one part that stand in another: the same row, the same values, or a copy with a little noise on it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from gauntlet.datasets.errors import BadInput
from gauntlet.tasks.audit.candidates import fingerprints
from gauntlet.tasks.audit.protocol import Part

# A column with fewer values says little about a row: only finer ones count as evidence that a row is the same one.
FINE_VALUES = 20
CHANCE_MATCHES = 0.01
COMMON_VALUE = 0.05
FEWEST_ROWS = 20
PROBES = 300
TRAIN_ROWS = 50_000
NEAR = 0.05
FEWEST_DIMENSIONS = 2.0


def same_ids(part: Part, other: Part) -> np.ndarray | None:
    """Which rows of `part` stand in `other` by id, (rows,) bool; None where ids are missing."""
    if part.ids is None or other.ids is None:
        return None
    return np.isin(np.asarray(part.ids), np.asarray(other.ids))


def same_values(part: Part, other: Part) -> np.ndarray | None:
    """Which rows of `part` have all their values in common with a row of `other`, (rows,) bool; None without features.

    Rows that may agree by chance do not count: coarse columns say nothing, and neither does a row of nothing but common
    values (a machine that stands still).
    """
    if part.features is None or other.features is None:
        return None
    ours, theirs = frames(part, other)
    same = np.isin(fingerprints(ours), fingerprints(theirs))
    if same.any():
        same[same] = _telling(ours[same], pd.concat([ours, theirs], ignore_index=True), len(theirs))
    return same


def frames(part: Part, other: Part) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The features of both parts as float64 under the same column names; a text becomes a number of its own.

    Raises:
        BadInput: the parts have other columns.
    """
    ours, theirs = _frame(part.features), _frame(other.features)
    if set(ours.columns) != set(theirs.columns):
        raise BadInput(None, f"{len(ours.columns)} features in one part", expected=f"the other's {len(theirs.columns)}")
    return ours, theirs[list(ours.columns)]


def _frame(features: Any) -> pd.DataFrame:
    table = pd.DataFrame(features).rename(columns=str).reset_index(drop=True)
    texts = [name for name in table.columns if table[name].dtype.kind not in "biuf"]
    if texts:
        table = table.assign(**{name: _text_codes(table[name]) for name in texts})
    return table.astype(np.float64) + 0.0  # minus zero is zero


def _text_codes(texts: pd.Series) -> np.ndarray:
    return np.asarray(pd.util.hash_array(texts.astype(str).to_numpy(object)) >> 12, dtype=np.float64)


def _telling(rows: pd.DataFrame, both: pd.DataFrame, others: int) -> np.ndarray:
    """Rows that less than `CHANCE_MATCHES` of `others` random rows would equal, were the columns of `both` independent."""
    log_expected, rarest = np.full(len(rows), np.log(max(others, 1))), np.ones(len(rows))
    for name in rows.columns:
        share = both[name].value_counts(normalize=True)
        if len(share) <= FINE_VALUES:
            continue
        of_row = rows[name].map(share).fillna(1.0).to_numpy()
        log_expected += np.log(of_row)
        rarest = np.minimum(rarest, of_row)
    return (log_expected < np.log(CHANCE_MATCHES)) & (rarest <= COMMON_VALUE)


def near_copies(test: Part, train: Part) -> tuple[int, int] | None:
    """(copies, rows looked at): test rows whose nearest training row is far nearer than the fifth nearest.

    In k dimensions that is a chance of about 4 · 0.05^k for an honest row, so fewer than two dimensions (participation
    ratio of the covariance) or three fine columns prove nothing: None. A sample of 300 test rows is looked at.
    """
    if test.features is None or train.features is None:
        return None
    near, far = (
        _some(part.dropna(), count) for part, count in zip(frames(test, train), (PROBES, TRAIN_ROWS), strict=True)
    )
    fine = [name for name in far.columns if far[name].nunique() > FINE_VALUES]
    if len(fine) < 3 or len(near) < FEWEST_ROWS or len(far) < FEWEST_ROWS:
        return None
    scale = far[fine].std().to_numpy()
    seen = [part[fine].to_numpy() / scale for part in (near, far)]
    if _dimensions(seen[1]) < FEWEST_DIMENSIONS:
        return None
    from scipy.spatial.distance import cdist

    nearest = np.partition(cdist(*seen), 4, axis=1)[:, :5]
    first, fifth = nearest.min(axis=1), nearest.max(axis=1)
    return int(np.count_nonzero((first > 0) & (first < NEAR * fifth))), len(first)


def _some(rows: pd.DataFrame, count: int) -> pd.DataFrame:
    """At most `count` rows, drawn by their content."""
    return rows.iloc[np.argsort(fingerprints(rows), kind="stable")[:count]]


def _dimensions(rows: np.ndarray) -> float:
    eigenvalues = np.linalg.eigvalsh(np.cov(rows, rowvar=False))
    return float(eigenvalues.sum() ** 2 / (eigenvalues**2).sum())
