"""The contract of detectors: one sign, one threshold, and contributions that add up to the score."""

from __future__ import annotations

from itertools import permutations
from typing import Any, Self

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler

from gauntlet.datasets import ai4i
from gauntlet.datasets.simulate.ai4i import draw
from gauntlet.tasks.metrics.prices import Prices
from gauntlet.tasks.models.base import START, Detector, DetectorPipeline, by_replacement, rescaled, typical_row
from gauntlet.tasks.models.process_features import ProcessFeatures
from gauntlet.tasks.registry.trust import deserialise
from gauntlet.tasks.tabular.gauntlets import AI4I, Candidate
from gauntlet.tasks.tabular.train import pipeline

RNG = np.random.default_rng(5)
ROWS = pd.DataFrame(RNG.normal(size=(40, 3)), columns=list("abc"))


class Level(Detector):
    """A score without parts of its own: a weighted sum and a product."""

    def __init__(self, product: float = 0.0) -> None:
        self.product = product

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:
        self.typical_ = typical_row(X)
        self.threshold_ = float(np.quantile(self.decision_function(X), 0.9))
        return self

    def decision_function(self, X: pd.DataFrame) -> np.ndarray:
        return np.asarray(2 * X["a"] - X["b"] + self.product * X["a"] * X["b"])


def test_the_part_of_a_feature_in_a_sum_is_its_own_distance_from_typical() -> None:
    """Each weight times that distance; what the score does not look at has no part."""
    parts = Level().fit(ROWS).contributions(ROWS)
    median = ROWS.median()
    assert list(parts.columns) == [START, "a", "b", "c"]
    np.testing.assert_allclose(parts[START], 2 * median["a"] - median["b"])
    np.testing.assert_allclose(parts["a"], 2 * (ROWS["a"] - median["a"]))
    np.testing.assert_allclose(parts["b"], -(ROWS["b"] - median["b"]))
    np.testing.assert_allclose(parts["c"], 0, atol=1e-12)


def test_two_orders_give_shapley_values_where_two_features_act_together() -> None:
    """By the definition: the mean, over all orders of the features, of what each adds when its turn comes."""
    detector = Level(product=1.5).fit(ROWS)
    row, typical = ROWS.iloc[[7]], detector.typical_
    expected = dict.fromkeys("abc", 0.0)
    for order in permutations("abc"):
        mixed = pd.DataFrame([typical])
        before = detector.decision_function(mixed)[0]
        for column in order:
            mixed[column] = row[column].to_numpy()
            expected[column] += (detector.decision_function(mixed)[0] - before) / 6
            before = detector.decision_function(mixed)[0]
    parts = detector.contributions(row)
    assert parts[list("abc")].iloc[0].to_dict() == pytest.approx(expected)


def test_one_feature_alone_and_rows_under_any_index() -> None:
    """Nothing is left out where there is nothing to replace but the last column."""
    rows = pd.DataFrame({"a": [1.0, 4.0]}, index=[30, 7])
    parts = by_replacement(lambda X: X["a"].to_numpy() ** 2, rows, {"a": 2.0})
    pd.testing.assert_frame_equal(parts, pd.DataFrame({START: [4.0, 4.0], "a": [-3.0, 12.0]}, index=[30, 7]))


def test_contributions_to_a_curve_of_a_score_keep_their_proportions() -> None:
    """They add up to the curve's value; a row that moved nothing has no part."""
    parts = pd.DataFrame({START: [1.0, 1.0], "a": [0.6, 0.0], "b": [0.2, 0.0]})
    curved = rescaled(parts, np.exp)
    np.testing.assert_allclose(curved[START], np.e)
    np.testing.assert_allclose(curved.sum(axis=1), np.exp([1.8, 1.0]))
    assert curved["a"][0] / curved["b"][0] == pytest.approx(3)
    assert curved.loc[1, ["a", "b"]].tolist() == [0, 0]


def test_a_detector_without_a_score_cannot_be_made() -> None:
    """The score is what a detector has to give."""
    with pytest.raises(TypeError, match="decision_function"):
        Detector()  # type: ignore[abstract]


def test_alarms_are_scores_past_the_threshold() -> None:
    """A score at the threshold is none."""
    detector = Level().fit(ROWS)
    score = detector.decision_function(ROWS)
    detector.threshold_ = float(score[3])
    np.testing.assert_array_equal(detector.predict(ROWS), (score > score[3]).astype(int))
    assert detector.predict(ROWS.iloc[[3]]) == 0


def test_a_pipeline_keeps_the_contract_of_its_last_step() -> None:
    """Score, threshold, alarms and reasons of raw rows; the reasons by the names of the features."""
    features = StandardScaler().set_output(transform="pandas")
    whole = DetectorPipeline([("features", features), ("level", Level())]).fit(ROWS)
    scaled = whole[:-1].transform(ROWS)
    assert whole.threshold_ == whole[-1].threshold_
    np.testing.assert_array_equal(whole.decision_function(ROWS), whole[-1].decision_function(scaled))
    np.testing.assert_array_equal(whole.predict(ROWS), whole[-1].predict(scaled))
    pd.testing.assert_frame_equal(whole.contributions(ROWS), whole[-1].contributions(scaled))


TABLE = draw(7, 600)
RAW, LABELS = TABLE[list(ai4i.SPEC.features)], TABLE[ai4i.SPEC.target].to_numpy()


@pytest.fixture(scope="module", params=AI4I.candidates, ids=lambda candidate: candidate.name)
def fitted(request: pytest.FixtureRequest) -> tuple[Candidate, Any]:
    return request.param, pipeline(request.param, Prices(500.0, 25.0), 7).fit(RAW, LABELS)


def test_the_parts_of_a_classifiers_score_add_up_to_the_probability(fitted: tuple[Candidate, Any]) -> None:
    """Of rows that failed as of others, by the names of its features; the largest part of a failure is no typical row's."""
    _, model = fitted
    rows = RAW.iloc[np.r_[np.flatnonzero(LABELS)[:10], :10]]
    parts, probability = model.contributions(rows), model.predict_proba(rows)[:, 1]
    np.testing.assert_array_equal(model.decision_function(rows), probability)
    np.testing.assert_allclose(parts.sum(axis=1), probability, atol=1e-12)
    assert list(parts.columns) == [START, *model[:-1].get_feature_names_out()]
    assert (parts[START] < model.threshold_).all()


def test_a_classifier_alarms_from_its_threshold_on(fitted: tuple[Candidate, Any]) -> None:
    """Probability and threshold are of one unit, and failures are on the high side of both."""
    _, model = fitted
    score = model.decision_function(RAW)
    np.testing.assert_array_equal(model.predict(RAW), (score >= model.threshold_).astype(int))
    assert score[LABELS == 1].mean() > score[LABELS == 0].mean()


def test_the_loop_takes_a_classifier_apart_and_makes_a_new_one(fitted: tuple[Candidate, Any]) -> None:
    """Features without the decision, the decision alone, and an unfitted copy that learns the same again."""
    candidate, model = fitted
    assert isinstance(model[0], ProcessFeatures)
    assert model[0].kind == candidate.features
    features = model[:-1].transform(RAW)
    np.testing.assert_array_equal(model[-1].predict_proba(features), model.predict_proba(RAW))
    assert not hasattr(model[:-1], "threshold_")
    again = clone(model)
    assert type(again) is DetectorPipeline
    assert not hasattr(again, "threshold_")
    np.testing.assert_array_equal(again.fit(RAW, LABELS).predict_proba(RAW), model.predict_proba(RAW))


def test_a_stored_classifier_gives_the_same_reasons(fitted: tuple[Candidate, Any]) -> None:
    """What is needed for them goes into the file."""
    _, model = fitted
    stored = deserialise(skops.io.dumps(model))
    assert type(stored) is DetectorPipeline
    assert stored.threshold_ == model.threshold_
    pd.testing.assert_frame_equal(stored.contributions(RAW.head(5)), model.contributions(RAW.head(5)))
