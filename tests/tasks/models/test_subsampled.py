"""A classifier that learns from a part of its rows keeps the detectors' contract, whatever is inside."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
import pytest
import skops.io
from lightgbm import LGBMClassifier
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from gauntlet.tasks.models.base import START, DetectorPipeline
from gauntlet.tasks.models.expected_behaviour import ExpectedBehaviour
from gauntlet.tasks.models.pump_features import PumpFeatures
from gauntlet.tasks.models.subsampled import SubsampledClassifier
from gauntlet.tasks.registry.trust import deserialise

ESTIMATORS = {
    "residual": ExpectedBehaviour(),
    "svc": make_pipeline(StandardScaler(), SVC(random_state=0)),
    "randomforest": RandomForestClassifier(20, random_state=0, n_jobs=1),
    "lightgbm": LGBMClassifier(n_estimators=20, n_jobs=1, deterministic=True, force_row_wise=True, verbose=-1),
}


def minutes(rows: int = 1500) -> tuple[pd.DataFrame, np.ndarray]:
    """Four sensors that follow one load, with gaps in one; the last 200 minutes one of them leaves the others."""
    rng = np.random.default_rng(8)
    load = np.sin(np.arange(rows) / 70)
    values = pd.DataFrame({f"s{k}": 50 + load + 0.3 * rng.normal(size=rows) for k in range(4)})
    values.loc[300:500, "s1"] = np.nan
    values.loc[rows - 200 :, "s2"] += 4
    return values, np.arange(rows) >= rows - 200


@pytest.fixture(scope="module", params=ESTIMATORS)
def fitted(request: pytest.FixtureRequest) -> tuple[str, DetectorPipeline, pd.DataFrame]:
    """The pipeline of a candidate as the pump gauntlet registers it, and raw minutes."""
    values, failing = minutes()
    fill_gaps = request.param in ("svc", "randomforest")
    features = PumpFeatures(["mean15", "mean60", "sd60"])
    decision = SubsampledClassifier(ESTIMATORS[request.param], most_rows=400, fill_gaps=fill_gaps)
    model = DetectorPipeline([("features", features), ("decision", decision)])
    return request.param, model.fit(values, failing), values


def test_the_score_is_a_share_and_an_alarm_is_past_the_threshold(fitted: tuple[str, Any, pd.DataFrame]) -> None:
    """0 to 1, the second column of the probabilities; failing rows on the high side."""
    _, model, values = fitted
    score = model.decision_function(values)
    np.testing.assert_array_equal(score, model.predict_proba(values)[:, 1])
    assert score.min() >= 0
    assert score.max() <= 1
    assert np.median(score[-100:]) > np.quantile(score[:1200], 0.95)
    np.testing.assert_array_equal(model.predict(values), (score > model.threshold_).astype(int))
    assert model.threshold_ == 0.5


def test_the_parts_add_up_and_the_sensor_that_left_the_others_has_the_largest(
    fitted: tuple[str, Any, pd.DataFrame],
) -> None:
    """By what the other sensors do not explain, or by replacement."""
    name, model, values = fitted
    parts = model.contributions(values).tail(60)
    np.testing.assert_allclose(parts.sum(axis=1), model.decision_function(values)[-60:], atol=1e-9)
    moved = parts.drop(columns=START).mean()
    assert moved.idxmax().startswith("s2 ")
    if name == "residual":
        np.testing.assert_allclose(parts[START], 0.5)  # where a median healthy row is


def test_what_is_stored_answers_the_same(fitted: tuple[str, Any, pd.DataFrame]) -> None:
    """With the threshold that was chosen after the fit, and the same reasons."""
    _, model, values = fitted
    before, model[-1].threshold_ = model[-1].threshold_, 0.7
    try:
        stored = deserialise(skops.io.dumps(model))
    finally:
        model[-1].threshold_ = before
    assert stored.threshold_ == 0.7
    np.testing.assert_array_equal(stored.decision_function(values), model.decision_function(values))
    rows = values.head(90)
    pd.testing.assert_frame_equal(stored.contributions(rows), model.contributions(rows))


class _Rows(ClassifierMixin, BaseEstimator):
    """Remembers the rows that it was fitted on."""

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Self:
        self.seen_, self.labels_ = X, y
        return self


@pytest.mark.parametrize(("failing", "expected"), [(4, (4, 16)), (300, (10, 10)), (0, (0, 20))])
def test_so_many_rows_evenly_spaced_with_the_rarer_class_up_to_half(failing: int, expected: tuple[int, int]) -> None:
    """Of 1,000 rows 20, first and last of each class among them, in the order of time."""
    X = pd.DataFrame({"a": np.arange(1000.0), "b": 0.0})
    y = (np.arange(1000) >= 1000 - failing).astype(int)
    inside = SubsampledClassifier(_Rows(), ["a"], most_rows=20).fit(X, y).estimator_
    rows = inside.seen_["a"].to_numpy()
    assert list(inside.seen_.columns) == ["a"]
    assert (int((inside.labels_ == 1).sum()), int((inside.labels_ == 0).sum())) == expected
    for label in np.unique(inside.labels_):
        own, chosen = np.flatnonzero(y == label), rows[inside.labels_ == label]
        assert (chosen[0], chosen[-1]) == (own[0], own[-1])
        assert np.ptp(np.diff(chosen)) <= 1
    assert (np.diff(rows) > 0).all()


def test_fewer_rows_are_all_taken() -> None:
    """Nothing to leave out."""
    X = pd.DataFrame({"a": np.arange(12.0)})
    assert len(SubsampledClassifier(_Rows(), most_rows=20).fit(X, np.arange(12) > 9).estimator_.seen_) == 12


def test_gaps_are_filled_by_what_was_learnt() -> None:
    """The median of the training rows, 0 for a sensor that had none; the estimator given is left unfitted."""
    X = pd.DataFrame({"a": [1.0, 2.0, np.nan, 4.0], "empty": np.nan})
    given = _Rows()
    model = SubsampledClassifier(given, fill_gaps=True).fit(X, np.array([0, 0, 1, 1]))
    assert model.estimator_.seen_.to_numpy().tolist() == [[1, 0], [2, 0], [2, 0], [4, 0]]
    assert model._chosen(pd.DataFrame({"a": [np.nan], "empty": [7.0]})).to_numpy().tolist() == [[2, 7]]
    assert not hasattr(given, "seen_")
