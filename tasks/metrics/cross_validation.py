"""Repeated stratified cross-validation: every row is judged by models that never saw it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold

from gauntlet.datasets.errors import BadInput

MIN_POSITIVES = 15


@dataclass(frozen=True)
class Folds:
    """Which fold tests each row, per repeat: `of_row` is (repeats, rows) of 0 … folds - 1."""

    of_row: np.ndarray
    folds: int

    @property
    def repeats(self) -> int:
        """How often the rows are split anew."""
        return int(self.of_row.shape[0])

    def __iter__(self) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        for repeat in range(self.repeats):
            for fold in range(self.folds):
                test = self.of_row[repeat] == fold
                yield repeat, np.flatnonzero(~test), np.flatnonzero(test)


@dataclass(frozen=True)
class OutOfFold:
    """Predictions of rows by models that did not see them; each array is (repeats, rows).

    `flagged` uses the threshold with the largest F1 of each training part, `flagged_by_cost` the one with the smallest cost.
    """

    probability: np.ndarray
    flagged: np.ndarray
    flagged_by_cost: np.ndarray


def stratified_folds(y: np.ndarray, seed: int, repeats: int = 2, folds: int = 5) -> Folds:
    """Folds that hold the classes in equal shares, shuffled `repeats` times.

    Raises:
        BadInput: fewer than 15 rows of a class: five folds with three inner ones cannot hold it.
    """
    rarest = int(min(y.sum(), len(y) - y.sum()))
    if rarest < MIN_POSITIVES:
        raise BadInput(
            None,
            f"{rarest} rows of the rarer class",
            expected=f"at least {MIN_POSITIVES} for {folds}-fold cross-validation",
            do="add data with failures; a model of so few cannot be judged",
        )
    of_row = np.empty((repeats, len(y)), dtype=np.int8)
    for repeat in range(repeats):
        splitter = StratifiedKFold(folds, shuffle=True, random_state=seed + repeat)
        for fold, (_, test) in enumerate(splitter.split(np.zeros(len(y)), y)):
            of_row[repeat, test] = fold
    return Folds(of_row, folds)


def cross_validate(pipeline: Any, X: pd.DataFrame, y: np.ndarray, folds: Folds) -> OutOfFold:
    """Held-out probabilities and decisions for every row and repeat; the pipeline is cloned, never fitted itself."""
    shape = (folds.repeats, len(y))
    probability, flagged, flagged_by_cost = np.empty(shape), np.zeros(shape, bool), np.zeros(shape, bool)
    for repeat, train, test in folds:
        fitted = clone(pipeline).fit(X.iloc[train], y[train])
        held_out = fitted.predict_proba(X.iloc[test])[:, 1]
        probability[repeat, test] = held_out
        flagged[repeat, test] = held_out > fitted[-1].threshold_
        flagged_by_cost[repeat, test] = held_out > fitted[-1].cheapest_threshold_
    return OutOfFold(probability, flagged, flagged_by_cost)
