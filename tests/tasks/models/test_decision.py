"""Calibration and thresholds come from rows that the scoring model did not see, and from training rows only."""

import numpy as np
import pandas as pd
import pytest
import skops.io
from lightgbm import LGBMClassifier
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from gauntlet.datasets import ai4i
from gauntlet.datasets.simulate.ai4i import draw
from gauntlet.tasks.metrics.prices import Prices
from gauntlet.tasks.models.decision import DecisionClassifier, held_out_scores, score_of
from gauntlet.tasks.registry.trust import deserialise
from gauntlet.tasks.tabular.gauntlets import AI4I, Candidate
from gauntlet.tasks.tabular.train import pipeline


def noise(rows: int, seed: int, positives: float = 0.3) -> tuple[pd.DataFrame, np.ndarray]:
    """Features that say nothing about the labels."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(rng.normal(size=(rows, 4)), columns=list("abcd")), (rng.random(rows) < positives).astype(int)


def signal(rows: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Failures with probability 1 / (1 + exp(1 - 2 a))."""
    X, _ = noise(rows, seed)
    rng = np.random.default_rng(seed + 1)
    return X, (rng.random(rows) < 1 / (1 + np.exp(1 - 2 * X["a"].to_numpy()))).astype(int)


MEMORIES = {
    "neighbour": KNeighborsClassifier(1),
    "forest": RandomForestClassifier(60, oob_score=True, random_state=0, n_jobs=1),
}


@pytest.mark.parametrize("kind", MEMORIES)
def test_what_is_learned_by_heart_does_not_show(kind: str) -> None:
    """1-NN and a full forest know all their labels by heart, yet on noise the held-out scores are no better than chance."""
    aucs, by_heart = [], []
    for seed in range(8):
        X, y = noise(200, seed)
        scores, fitted = held_out_scores(MEMORIES[kind], X, y, 3, seed)
        aucs.append(roc_auc_score(y, scores))
        by_heart.append(roc_auc_score(y, score_of(fitted, X)))
    assert min(by_heart) > 0.99
    assert 0.42 < np.mean(aucs) < 0.58


class _Spy(LogisticRegression):
    """Notes, over all clones, the rows (index) of each fit and of each question asked of it."""

    notes: list[tuple[set[int], set[int]]] = []  # noqa: RUF012 - shared on purpose

    def fit(self, X: pd.DataFrame, y: np.ndarray, sample_weight: np.ndarray | None = None) -> "_Spy":
        self.rows_ = set(X.index)
        return super().fit(X, y, sample_weight)

    def decision_function(self, X: pd.DataFrame) -> np.ndarray:
        type(self).notes.append((self.rows_, set(X.index)))
        return super().decision_function(X)


def test_no_inner_model_scores_a_row_that_it_saw() -> None:
    """Three inner models, asked for disjoint thirds, each of which it did not train on; all rows are in the last fit."""
    X, y = signal(120, 5)
    _Spy.notes.clear()
    _, fitted = held_out_scores(_Spy(), X, y, 3, 0)
    assert sorted(row for _, asked in _Spy.notes for row in asked) == list(range(120))
    assert all(not trained & asked for trained, asked in _Spy.notes)
    assert fitted.rows_ == set(range(120))


def test_out_of_bag_scores_are_the_forests_own() -> None:
    """One fit of the forest, and its out-of-bag share of votes as log-odds."""
    X, y = signal(300, 1)
    forest = RandomForestClassifier(80, oob_score=True, random_state=3, n_jobs=1)
    scores, fitted = held_out_scores(forest, X, y, 3, 0)
    alone = clone(forest).fit(X, y)
    votes = np.clip(alone.oob_decision_function_[:, 1], 1e-3, 1 - 1e-3)
    np.testing.assert_allclose(1 / (1 + np.exp(-scores)), votes, rtol=1e-12)
    np.testing.assert_array_equal(fitted.predict_proba(X), alone.predict_proba(X))


class _Counting(LogisticRegression):
    """Remembers, over all clones, how many rows each fit got."""

    fits: list[int] = []  # noqa: RUF012 - shared on purpose

    def fit(self, X: pd.DataFrame, y: np.ndarray, sample_weight: np.ndarray | None = None) -> "_Counting":
        type(self).fits.append(len(X))
        return super().fit(X, y, sample_weight)


def test_three_inner_fits_and_a_last_one_on_all_rows() -> None:
    """Inner models get two thirds of the rows each, the last one all."""
    X, y = signal(300, 2)
    _Counting.fits.clear()
    DecisionClassifier(_Counting()).fit(X, y)
    assert _Counting.fits == [200, 200, 200, 300]


def test_without_information_the_probability_is_the_base_rate() -> None:
    """Labels permuted: calibration on rows that the model knows would be sure of itself, this is not."""
    X, y = noise(600, 9)
    probability = (
        DecisionClassifier(KNeighborsClassifier(1)).fit(X, np.random.default_rng(0).permutation(y)).predict_proba(X)
    )
    assert np.abs(probability[:, 1] - y.mean()).max() < 0.1


@pytest.mark.parametrize("estimator", [SVC(random_state=0), LogisticRegression(), MEMORIES["forest"]])
def test_probabilities_follow_the_score(estimator: object) -> None:
    """Calibration keeps the order of the rows and makes two columns that sum to one."""
    X, y = signal(400, 4)
    fitted = DecisionClassifier(estimator).fit(X, y)
    new, _ = signal(200, 5)
    probability, score = fitted.predict_proba(new), score_of(fitted.estimator_, new)
    assert (np.diff(probability[np.argsort(score, kind="stable"), 1]) >= 0).all()
    np.testing.assert_allclose(probability.sum(1), 1)
    assert probability.min() >= 0
    assert probability.max() <= 1


def test_probabilities_are_true_of_new_rows() -> None:
    """Where a fifth of the rows is said to fail, a fifth fails: stated and observed shares differ by less than 4 sigma."""
    X, y = signal(1_500, 6)
    new, truth = signal(4_000, 700)
    probability = DecisionClassifier(SVC(random_state=0)).fit(X, y).predict_proba(new)[:, 1]
    for low in np.arange(0, 1, 0.2):
        inside = (probability >= low) & (probability < low + 0.2)
        sigma = np.sqrt(0.25 / inside.sum())
        assert abs(probability[inside].mean() - truth[inside].mean()) < 4 * sigma + 0.03


def test_predict_uses_the_f1_threshold() -> None:
    """An alarm where the probability reaches `threshold_`, else none."""
    X, y = signal(300, 8)
    fitted = DecisionClassifier(LogisticRegression()).fit(X, y)
    np.testing.assert_array_equal(fitted.predict(X), fitted.predict_proba(X)[:, 1] >= fitted.threshold_)
    assert 0 < fitted.cheapest_threshold_ < fitted.threshold_ < 1  # a miss costs twenty false alarms


def test_dearer_misses_lower_the_threshold_and_leave_the_f1_one_alone() -> None:
    """Prices move the cost threshold only."""
    X, y = signal(400, 10)
    fits = [DecisionClassifier(LogisticRegression(), miss, 25.0).fit(X, y) for miss in (30.0, 100.0, 1_000.0)]
    cheapest = [fit.cheapest_threshold_ for fit in fits]
    assert cheapest == sorted(cheapest, reverse=True)
    assert cheapest[0] > cheapest[-1]
    assert len({fit.threshold_ for fit in fits}) == 1


def test_scikit_learn_can_clone_it() -> None:
    """Parameters in, the same parameters out, nothing fitted; nested ones can be set."""
    one = DecisionClassifier(SVC(C=3.0), price_of_miss=7.0, seed=11)
    two = clone(one)
    assert two is not one
    assert two.get_params(deep=False).keys() == one.get_params(deep=False).keys()
    assert (two.estimator.C, two.price_of_miss, two.seed) == (3.0, 7.0, 11)
    assert not hasattr(clone(one.fit(*signal(100, 1))), "threshold_")
    assert one.set_params(estimator__C=5.0).estimator.C == 5.0


def test_fitting_leaves_the_given_estimator_alone() -> None:
    """The parameter stays unfitted; the fitted copy is `estimator_`."""
    given = LogisticRegression()
    DecisionClassifier(given).fit(*signal(100, 1))
    assert not hasattr(given, "coef_")


def test_labels_may_be_booleans_or_a_series_with_an_index_of_its_own() -> None:
    """The same rows and labels in other clothes give the same thresholds."""
    X, y = signal(200, 3)
    plain = DecisionClassifier(LogisticRegression()).fit(X, y)
    shifted = X.set_axis(np.arange(500, 700), axis=0)
    for dressed in (y.astype(bool), pd.Series(y, index=shifted.index)):
        other = DecisionClassifier(LogisticRegression()).fit(shifted, dressed)
        assert (other.threshold_, other.cheapest_threshold_) == (plain.threshold_, plain.cheapest_threshold_)


TABLE = draw(7, 900)
RAW, LABELS = TABLE[list(ai4i.SPEC.features)], TABLE[ai4i.SPEC.target].to_numpy()


@pytest.mark.parametrize("candidate", AI4I.candidates, ids=lambda one: one.name)
def test_a_candidate_comes_back_from_skops_to_the_digit(candidate: Candidate) -> None:
    """Saved and loaded under our own list of types, every probability and threshold is equal; fitted twice too."""
    fitted = pipeline(candidate, Prices(500.0, 25.0), 7).fit(RAW, LABELS)
    back = deserialise(skops.io.dumps(fitted))
    probability = fitted.predict_proba(RAW)
    np.testing.assert_array_equal(back.predict_proba(RAW), probability)
    np.testing.assert_array_equal(back.predict(RAW), fitted.predict(RAW))
    assert (back[-1].threshold_, back[-1].cheapest_threshold_) == (
        fitted[-1].threshold_,
        fitted[-1].cheapest_threshold_,
    )
    np.testing.assert_array_equal(
        pipeline(candidate, Prices(500.0, 25.0), 7).fit(RAW, LABELS).predict_proba(RAW), probability
    )
    # Columns go by name: another order or one more must not move a digit.
    dressed = RAW[RAW.columns[::-1]].assign(**{"Product ID": "M14860"})
    np.testing.assert_array_equal(fitted.predict_proba(dressed), probability)


def test_separable_rows_raise_no_warning() -> None:
    """A leaked column parts the classes entirely; calibration still converges, and the thresholds part them too."""
    X = RAW.assign(HDF=LABELS.astype(float)).drop(columns="Type")
    for estimator in (SVC(), LGBMClassifier(n_estimators=20, n_jobs=1, verbose=-1)):
        scaled = (X / X.abs().max()).set_axis(list("abcdef"), axis=1)
        fitted = DecisionClassifier(estimator).fit(scaled, LABELS)
        assert 0 < fitted.threshold_ < 1
