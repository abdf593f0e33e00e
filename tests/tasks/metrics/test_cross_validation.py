"""Every row is judged once per repeat, by a model that never saw it."""

from typing import Self

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import Pipeline

from gauntlet.datasets.errors import BadInput
from gauntlet.tasks.metrics.cross_validation import MIN_POSITIVES, Folds, cross_validate, stratified_folds


class Spy(ClassifierMixin, BaseEstimator):
    """Notes which rows (column `row`) were in training and which were asked for; answers with the row's number."""

    seen: list[tuple[set[int], set[int]]] = []  # noqa: RUF012 - shared by all clones on purpose

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Self:
        self.train_, self.labels_ = set(X["row"]), dict(zip(X["row"], y, strict=True))
        self.threshold_, self.cheapest_threshold_ = 0.5, 0.25
        self.classes_ = np.array([0, 1])
        return self

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        type(self).seen.append((self.train_, set(X["row"])))
        out_of_fold = X["row"].to_numpy() / 1000
        return np.column_stack([1 - out_of_fold, out_of_fold])


def labels(rows: int = 203, failures: int = 31, seed: int = 0) -> np.ndarray:
    y = np.zeros(rows, dtype=int)
    y[np.random.default_rng(seed).choice(rows, failures, replace=False)] = 1
    return y


@pytest.fixture
def spied() -> tuple[np.ndarray, Folds, object]:
    """Labels, folds and what cross-validation handed back; the spy's notes are in `Spy.seen`."""
    Spy.seen.clear()
    y = labels()
    folds = stratified_folds(y, 7)
    rows = pd.DataFrame({"row": np.arange(len(y))}, index=np.arange(len(y))[::-1])  # an index that means nothing
    return y, folds, cross_validate(Pipeline([("spy", Spy())]), rows, y, folds)


def test_no_model_is_asked_for_a_row_that_it_saw(spied: tuple) -> None:
    """Ten models; each one's training rows and test rows are disjoint and together all rows."""
    y, _, _ = spied
    assert len(Spy.seen) == 10
    for train, test in Spy.seen:
        assert not train & test
        assert train | test == set(range(len(y)))


def test_every_row_is_asked_for_once_per_repeat(spied: tuple) -> None:
    """The five test sets of a repeat are a partition of the rows."""
    y, _, _ = spied
    for repeat in (Spy.seen[:5], Spy.seen[5:]):
        assert sorted(row for _, test in repeat for row in test) == list(range(len(y)))


def test_answers_stand_at_their_own_row(spied: tuple) -> None:
    """Row 123's answer is at place 123 in every repeat, decided by its own model's two thresholds."""
    y, _, out_of_fold = spied
    own = np.arange(len(y)) / 1000
    for repeat in range(2):
        np.testing.assert_array_equal(out_of_fold.probability[repeat], own)
        np.testing.assert_array_equal(out_of_fold.flagged[repeat], own >= 0.5)
        np.testing.assert_array_equal(out_of_fold.flagged_by_cost[repeat], own >= 0.25)


@pytest.mark.parametrize("failures", [15, 31, 101])
def test_folds_hold_equal_shares(failures: int) -> None:
    """Failures per fold differ by one at most, and so do rows."""
    y = labels(failures=failures)
    folds = stratified_folds(y, 3)
    for repeat in folds.of_row:
        for counts in (np.bincount(repeat[y == 1], minlength=5), np.bincount(repeat[y == 0], minlength=5)):
            assert np.ptp(counts) <= 1


def test_repeats_are_dealt_anew_and_equal_seeds_equally() -> None:
    """Two repeats differ, two calls do not, another seed does."""
    y = labels()
    one, two, other = stratified_folds(y, 7), stratified_folds(y, 7), stratified_folds(y, 8)
    np.testing.assert_array_equal(one.of_row, two.of_row)
    assert (one.of_row[0] != one.of_row[1]).mean() > 0.5
    assert (one.of_row[0] != other.of_row[0]).mean() > 0.5
    assert (one.repeats, one.folds) == (2, 5)


@pytest.mark.parametrize("y", [labels(failures=14), 1 - labels(failures=14), labels(failures=0), np.ones(50, int)])
def test_too_few_of_a_class_are_refused(y: np.ndarray) -> None:
    """Fewer than 15 rows of a class cannot be dealt; the message says how many there are and how many it takes."""
    rarest = min(y.sum(), len(y) - y.sum())
    with pytest.raises(BadInput, match=rf"{rarest} rows of the rarer class; expected at least {MIN_POSITIVES}"):
        stratified_folds(y, 7)


def test_the_pipeline_itself_stays_unfitted() -> None:
    """Only clones are fitted."""
    y = labels()
    unfitted = Pipeline([("spy", Spy())])
    cross_validate(unfitted, pd.DataFrame({"row": np.arange(len(y))}), y, stratified_folds(y, 1, repeats=1))
    assert not hasattr(unfitted[-1], "threshold_")


def test_a_models_view_of_the_labels_is_its_training_rows(spied: tuple) -> None:
    """Labels of test rows never reach a fit: labels come with the training rows and match them."""
    y, folds, _ = spied
    for _, train, test in folds:
        fitted = Spy().fit(pd.DataFrame({"row": train}), y[train])
        assert not fitted.labels_.keys() & set(test)
        assert all(fitted.labels_[row] == y[row] for row in train)
