"""Every sort of model answers with a frame of the same columns, whatever its class is called."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gauntlet.tasks.models.answer import MEANING, answer, threshold_of
from gauntlet.tasks.models.base import Detector
from gauntlet.tasks.models.decision import DecisionClassifier
from gauntlet.tasks.models.forecasters.simple import SeasonalNaive

ROWS = pd.DataFrame({"a": np.arange(40.0), "b": np.arange(40.0)[::-1] ** 2}, index=np.arange(100, 140))


class Level(Detector):
    """The column `a`, and an alarm past 30."""

    threshold_ = 30.0

    def decision_function(self, X: pd.DataFrame) -> np.ndarray:
        return X["a"].to_numpy()


def classifier() -> Any:
    """Calibrated, its threshold learnt."""
    from sklearn.linear_model import LogisticRegression

    y = (ROWS["a"] > 25).to_numpy().astype(int)
    return (
        make_pipeline(StandardScaler(), DecisionClassifier(LogisticRegression()))
        .set_output(transform="pandas")
        .fit(ROWS, y)
    )


def test_a_detector_gives_score_alarm_and_threshold() -> None:
    """Higher is more abnormal; the rows keep their index."""
    found = answer(Level(), ROWS)
    assert list(found.columns) == ["score", "alarm", "threshold"]
    assert found.index.equals(ROWS.index)
    assert (found["alarm"] == (found["score"] > found["threshold"])).all()
    assert found["alarm"].sum() == 9


def test_a_classifiers_score_is_its_probability() -> None:
    """And its threshold that of the pipeline's last step."""
    model = classifier()
    found = answer(model, ROWS)
    assert np.array_equal(found["score"], model.predict_proba(ROWS)[:, 1])
    assert np.array_equal(found["alarm"], model.predict(ROWS))
    assert set(found["threshold"]) == {model[-1].threshold_} == {threshold_of(model)}


def test_a_scaler_gives_its_features_by_name() -> None:
    """As a frame, whatever `transform` hands back."""
    scaler = StandardScaler().fit(ROWS)
    assert answer(scaler, ROWS).equals(pd.DataFrame(scaler.transform(ROWS), index=ROWS.index, columns=["a", "b"]))


def test_a_forecaster_gives_bounds_around_its_forecast() -> None:
    """80 % inside of 95 %."""
    model = SeasonalNaive(season=2).with_scale(10.0, 2.0, {80: np.array([1.0, 1.5]), 95: np.array([2.0, 3.0])})
    rows = pd.DataFrame({"origin": "2026-01-01", "step": [1, 2], "history": [[9.0, 11.0]] * 2})
    found = answer(model, rows)
    assert found["forecast"].tolist() == [9.0, 11.0]
    order = ["lower_95", "lower_80", "forecast", "upper_80", "upper_95"]
    assert (found[order].diff(axis=1).iloc[:, 1:] > 0).all().all()
    assert set(found.columns) <= set(MEANING)


def test_the_rows_of_a_series_are_answered_by_what_follows() -> None:
    """As if origin, step and history had been written down; a column of names beside them has no say."""
    model = SeasonalNaive(season=2).with_scale(0.0, 1.0, {80: np.ones(3), 95: 2 * np.ones(3)})
    times = pd.date_range("2026-01-01", periods=4, freq="h", name="date")
    found = answer(model, pd.DataFrame({"sensor": "s", "date": times, "OT": [1.0, 2.0, 3.0, 4.0]}))
    assert found["forecast"].tolist() == [3.0, 4.0, 3.0]
    assert list(found.index) == list(pd.date_range("2026-01-01 04:00", periods=3, freq="h"))
    rows = pd.DataFrame({"origin": str(times[-1]), "step": [1, 2, 3], "history": [[3.0, 4.0]] * 3})
    assert np.array_equal(found, answer(model, rows))


@pytest.mark.parametrize("columns", [["date"], ["OT"], ["date", "OT", "more"]])
def test_rows_that_are_no_series_are_refused(columns: list[str]) -> None:
    """Which column is meant is not guessed."""
    model = SeasonalNaive(season=2).with_scale(0.0, 1.0, {80: np.ones(3), 95: np.ones(3)})
    rows = pd.DataFrame({"date": pd.date_range("2026-01-01", periods=4), "OT": 1.0, "more": 2.0})[columns]
    with pytest.raises(ValueError, match="one column of times and one of numbers"):
        answer(model, rows)


def test_what_neither_predicts_nor_transforms_is_refused() -> None:
    """In a line."""
    with pytest.raises(TypeError, match="BaseEstimator neither predicts nor transforms"):
        answer(BaseEstimator(), ROWS)
