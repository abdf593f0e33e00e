"""A label that is a few thresholds on the features, put in words."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gauntlet.tasks.audit.candidates import Candidates, Column, Target, fingerprints
from gauntlet.tasks.audit.evidence import stands_apart
from gauntlet.tasks.audit.findings import Finding

if TYPE_CHECKING:
    from sklearn.tree import DecisionTreeClassifier

DEPTHS = (1, 2, 3)
FOLDS = 5
FIT_F1 = 0.99
HELD_OUT_F1 = 0.998
# Held out, the rows beside a threshold may fall on its other side. In a small table that costs much F1, so a tree that
# is exact on all rows is given so many errors for each threshold; sensors that overlap need a bushier tree than that.
EXACT_F1 = 0.95
ERRORS_PER_THRESHOLD = 2
MOST_THRESHOLDS = 3
# Below this, several strong sensors are parted by two or three thresholds without any rule behind the label.
FEWEST_RARE_FOR_ONE, FEWEST_RARE_FOR_SEVERAL, FEWEST_ROWS_FOR_SEVERAL = 10, 40, 300
FEWEST_VALUES = 20
LARGEST = float(np.finfo(np.float32).max)

Bounds = dict[int, tuple[float, float]]


def shallow_rule(table: Candidates) -> Iterator[Finding]:
    """At most one finding: the shallowest tree that gives the label, if one of at most three thresholds in a row does.

    The published rules of AI4I reach an F1 of 0.917, a strong sensor (AUC 0.98) about 0.93.
    """
    target = table.target
    columns = [part for column in table.columns for part in _numbers(column)]
    if target.rare is None or target.rare_rows < FEWEST_RARE_FOR_ONE or not columns:
        return
    X = np.clip(np.stack([column.values for column in columns], axis=1), -LARGEST, LARGEST)
    deepest = _tree(X, target, DEPTHS[-1])
    if _f1(deepest.predict(X), target) < FIT_F1:
        return  # no fold can do better than a tree that has seen every row: clean tables cost one fit
    fold = _folds(X, target)
    for depth in DEPTHS:
        tree = _tree(X, target, depth)
        if _f1(tree.predict(X), target) < FIT_F1 or _parts_states(tree, X):
            continue
        held_out = _cross_validated(X, target, depth, fold)
        if _is_rule(tree, np.array_equal(tree.predict(X), target.rare), held_out, target):
            detail = f"{target.condition} where {in_words(tree, columns)} (F1 {_f1(held_out, target):.3f} held out)"
            yield Finding("shallow_rule", target.name, detail)
            return


def _is_rule(tree: DecisionTreeClassifier, exact: bool, held_out: np.ndarray, target: Target) -> bool:
    """Whether the tree says what the label is, not only what goes with it."""
    f1, thresholds = _f1(held_out, target), _thresholds(tree, 0)
    if thresholds > 1 and (target.rare_rows < FEWEST_RARE_FOR_SEVERAL or len(held_out) < FEWEST_ROWS_FOR_SEVERAL):
        return False
    errors = int(np.count_nonzero(held_out != target.rare))
    few = exact and thresholds <= MOST_THRESHOLDS and errors <= ERRORS_PER_THRESHOLD * thresholds
    return bool(f1 >= HELD_OUT_F1 or (few and f1 >= EXACT_F1))


def _numbers(column: Column) -> list[Column]:
    """What a tree can split on: a number as it is, a category as one flag for each level."""
    if column.kind in ("text", "time") or column.distinct < 2:
        return []
    if column.kind != "category":
        return [column]
    return [
        replace(column, name=f"{column.name} is {level}", values=(column.values == code).astype(np.float64))
        for code, level in enumerate(column.levels)
    ]


def _tree(X: np.ndarray, target: Target, depth: int, rows: Any = slice(None)) -> DecisionTreeClassifier:
    from sklearn.tree import DecisionTreeClassifier  # a second, which whoever only reads results need not wait

    assert target.rare is not None
    tree = DecisionTreeClassifier(max_depth=depth, random_state=0)
    return tree.fit(X[rows], target.rare[rows], sample_weight=target.weight[rows])


def _f1(predicted: np.ndarray, target: Target) -> float:
    assert target.rare is not None
    hits = target.weight[predicted & target.rare].sum()
    return float(2 * hits / (target.weight[predicted].sum() + target.weight[target.rare].sum()))


def _folds(X: np.ndarray, target: Target) -> np.ndarray:
    """The fold of each row, (rows,), both classes in each; by content, so that shuffling the table changes nothing."""
    assert target.rare is not None
    order = np.argsort(fingerprints(pd.DataFrame(X)), kind="stable")
    fold = np.empty(len(X), np.int64)
    for rows in (order[target.rare[order]], order[~target.rare[order]]):
        fold[rows] = np.arange(len(rows)) % FOLDS
    return fold


def _cross_validated(X: np.ndarray, target: Target, depth: int, fold: np.ndarray) -> np.ndarray:
    """The answer for each row, (rows,) bool, by a tree that has not seen it."""
    predicted = np.zeros(len(X), bool)
    for k in range(FOLDS):
        predicted[fold == k] = _tree(X, target, depth, fold != k).predict(X[fold == k])
    return predicted


def in_words(tree: DecisionTreeClassifier, columns: list[Column]) -> str:
    """The paths of a tree that end in the rarer class: `Torque > 60.0 or Wear <= 3.5 and Speed > 20.0`."""
    paths = [_conditions(bounds, columns) for bounds in _rare_paths(tree, 0, {}) if bounds]
    return " or ".join(paths) if paths else "always"


def _rare_paths(tree: DecisionTreeClassifier, node: int, bounds: Bounds) -> list[Bounds]:
    """Bounds (low, high] for each feature of each path to the rarer class; a split that decides nothing is skipped."""
    nodes = tree.tree_
    answers = _answers(tree, node)
    if len(answers) == 1:
        return [bounds] if answers == {1} else []
    feature, threshold = int(nodes.feature[node]), float(nodes.threshold[node])
    low, high = bounds.get(feature, (-math.inf, math.inf))
    below = _rare_paths(tree, int(nodes.children_left[node]), {**bounds, feature: (low, min(high, threshold))})
    above = _rare_paths(tree, int(nodes.children_right[node]), {**bounds, feature: (max(low, threshold), high)})
    return below + above


def _answers(tree: DecisionTreeClassifier, node: int) -> set[int]:
    nodes = tree.tree_
    if nodes.children_left[node] < 0:
        return {int(np.argmax(nodes.value[node, 0]))}
    return _answers(tree, int(nodes.children_left[node])) | _answers(tree, int(nodes.children_right[node]))


def _thresholds(tree: DecisionTreeClassifier, node: int) -> int:
    """How many splits decide something."""
    if len(_answers(tree, node)) == 1:
        return 0
    left, right = int(tree.tree_.children_left[node]), int(tree.tree_.children_right[node])
    return 1 + _thresholds(tree, left) + _thresholds(tree, right)


def _parts_states(tree: DecisionTreeClassifier, X: np.ndarray) -> bool:
    """Whether a split lies in empty space: it tells two states of a machine apart, and no rule had to put it there."""
    nodes, reached = tree.tree_, tree.decision_path(X).toarray().astype(bool)
    for node in range(nodes.node_count):
        if len(_answers(tree, node)) > 1:
            values = X[reached[:, node], nodes.feature[node]]
            if len(np.unique(values)) > FEWEST_VALUES and stands_apart(values, float(nodes.threshold[node])):
                return True
    return False


def _conditions(bounds: Bounds, columns: list[Column]) -> str:
    parts = []
    for feature, (low, high) in bounds.items():
        column = columns[feature]
        if column.kind == "category":
            parts.append(column.name if low >= 0 else column.name.replace(" is ", " is not "))
            continue
        parts += [f"{column.name} > {roundest(column.values, low)}"] if low > -math.inf else []
        parts += [f"{column.name} <= {roundest(column.values, high)}"] if high < math.inf else []
    return " and ".join(parts)


def roundest(values: np.ndarray, threshold: float) -> float:
    """The number with the fewest digits that parts the values as the threshold does."""
    below, above = values[values <= threshold], values[values > threshold]
    if not len(below) or not len(above):
        return threshold
    low, high = float(below.max()), float(above.min())
    for digits in range(-6, 12):
        for candidate in (round(threshold, digits), round(low, digits)):
            if low <= candidate < high:
                return candidate
    return threshold
