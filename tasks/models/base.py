"""The one contract of whatever says that a machine is going wrong.

decision_function(rows)  ->  score, (n,): higher is more abnormal, everywhere
threshold_                   the score past which it alarms, learnt from training rows alone
predict(rows)            ->  1 where the score is past the threshold, else 0, (n,)
contributions(rows)      ->  n x parts, which add up to the score: what moved it, by name
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

Rows = pd.DataFrame | np.ndarray  # n x features
MOST_CELLS = 2_000_000  # of the table that is scored in one call
START = "typical"  # the part of the score that a typical row has, before anything about this row moves it


class Detector(BaseEstimator, ABC):
    """A detector: what inherits gives `decision_function` and sets `threshold_` when it is fitted.

    One that has parts of its own (a distance, a residual) gives `contributions` by itself. Others set `typical_`, one row
    as training rows usually are (`typical_row`), and get contributions by replacement.
    """

    threshold_: float
    typical_: Mapping[str, float]

    @abstractmethod
    def decision_function(self, X: pd.DataFrame) -> np.ndarray:
        """The score of each row, (n,): higher is more abnormal."""

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """1 where the score is past `threshold_`, else 0; (n,) int."""
        return (self.decision_function(X) > self.threshold_).astype(int)

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """What moved each score, n x (1 + features); a row adds up to its score."""
        return by_replacement(self.decision_function, X, self.typical_)


def parts_by_column(rows: Rows, parts: np.ndarray) -> pd.DataFrame:
    """Contributions (n x columns) under the names of the rows' columns, or their numbers; a typical row's score is 0."""
    if isinstance(rows, pd.DataFrame):
        frame = pd.DataFrame(parts, index=rows.index, columns=rows.columns)
    else:
        frame = pd.DataFrame(parts).rename(columns=str)
    frame.insert(0, START, 0.0)
    return frame


def typical_row(rows: pd.DataFrame) -> dict[str, float]:
    """The median of each column, by name: a dictionary, as no frame can be stored with a model."""
    return {str(name): float(value) for name, value in rows.median().items()}


def by_replacement(
    score: Callable[[pd.DataFrame], np.ndarray], rows: pd.DataFrame, typical: Mapping[str, float]
) -> pd.DataFrame:
    """Contributions of features to a score that has no parts: n x (1 + features), adding up exactly.

    From a typical row the features are set to those of the row one after the other, once in the order of the columns and
    once against it; a feature's part is the mean of how far it moved the score (two permutations of Shapley's sampling:
    Castro, Gómez and Tejada, Computers & Operations Research 36 (2009)).
    """
    columns = list(rows.columns)
    # The rows' own type: in another their scores would differ in the last digits.
    exact = np.result_type(np.float32, *rows.dtypes)
    values, start = rows.to_numpy(exact), np.array([typical[name] for name in columns], exact)
    there = np.arange(len(columns))
    at_once = max(1, MOST_CELLS // len(columns) ** 2)
    parts = np.zeros(values.shape)
    for begin in range(0, len(rows), at_once):
        here = slice(begin, begin + at_once)
        for order in (there, there[::-1]):
            parts[here, order] += np.diff(_along(score, values[here], start, order, columns), axis=1) / 2
    frame = pd.DataFrame(parts, index=rows.index, columns=columns)
    frame.insert(0, START, np.asarray(score(pd.DataFrame([start], columns=columns)), np.float64)[0])
    return frame


def _along(
    score: Callable[[pd.DataFrame], np.ndarray],
    values: np.ndarray,
    start: np.ndarray,
    order: np.ndarray,
    names: list[str],
) -> np.ndarray:
    """The scores on the way from the typical row to each row, n x (1 + features), asked for in one call."""
    is_set = np.argsort(order)[None, :] < np.arange(len(order) + 1)[:, None]  # (1 + features) x features
    mixed = np.where(is_set[None], values[:, None, :], start)
    scores = score(pd.DataFrame(mixed.reshape(-1, len(order)), columns=names))
    return np.asarray(scores, np.float64).reshape(len(values), -1)


def rescaled(parts: pd.DataFrame, curve: Callable[[np.ndarray], np.ndarray]) -> pd.DataFrame:
    """Contributions to a rising function of a score, of contributions to the score: their proportions stay."""
    start, total = parts[START].to_numpy(), parts.sum(axis=1).to_numpy()
    moved, gained = total - start, curve(total) - curve(start)
    factor = np.divide(gained, moved, out=np.zeros_like(gained), where=moved != 0)
    return parts.mul(factor, axis=0).assign(**{START: curve(start)})


class DetectorPipeline(Pipeline):
    """A pipeline whose last step keeps the contract, so that the whole does: raw rows in, score, alarm and reasons out."""

    @property
    def threshold_(self) -> float:
        """The last step's."""
        return float(self.steps[-1][1].threshold_)

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """The last step's, of the features that the steps before make."""
        return self.steps[-1][1].contributions(self[:-1].transform(X))
