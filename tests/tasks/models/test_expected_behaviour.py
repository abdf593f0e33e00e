"""A row's distance from how sensors go together: against the closed form, with gaps, and who spoke."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gauntlet.tasks.models.base import START
from gauntlet.tasks.models.expected_behaviour import ExpectedBehaviour


def rows(n: int = 4000, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    load = rng.normal(size=n)
    values = np.column_stack([load + 0.3 * rng.normal(size=n) for _ in range(4)])
    return pd.DataFrame(values, columns=[f"s{k} mean60" for k in range(4)]).assign(**{"s0 sd60": 1.0})


def test_distance_is_the_mahalanobis_distance_in_the_fitted_covariance() -> None:
    """log(d2 / 4), centred on its median."""
    X = rows()
    one = ExpectedBehaviour().fit(X, np.zeros(len(X)))
    z = (X.iloc[:, :4].to_numpy() - X.iloc[:, :4].to_numpy().mean(0)) / X.iloc[:, :4].to_numpy().std(0)
    expected = np.log(np.einsum("ij,jk,ik->i", z, np.linalg.inv(one.covariance_), z) / 4)
    np.testing.assert_allclose(one.decision_function(X), expected - np.median(expected), atol=1e-8)


def test_load_is_explained_and_a_single_sensor_is_not() -> None:
    """All four up by two is an ordinary load; one up by two while the others stay is not, and it is named."""
    X = rows()
    one = ExpectedBehaviour().fit(X, np.zeros(len(X)))
    together, alone = X.iloc[:1].copy() * 0, X.iloc[:1].copy() * 0
    together.iloc[0, :4] = 2.0
    alone.iloc[0, 2] = 2.0
    healthy = one.decision_function(X)
    assert one.decision_function(together)[0] < np.quantile(healthy, 0.9)
    assert one.decision_function(alone)[0] > healthy.max()
    assert one.shares(alone)[0].argmax() == 2
    assert one.contributions(alone).iloc[0].idxmax() == "s2 mean60"


def test_contributions_add_up_to_the_score() -> None:
    """From where a median healthy row is, 0, in the sensors' shares of the distance; gaps have no part."""
    X = rows(400)
    X.loc[5, "s1 mean60"] = np.nan
    detector = ExpectedBehaviour().fit(X, np.zeros(len(X)))
    parts = detector.contributions(X)
    np.testing.assert_allclose(parts.sum(axis=1), detector.decision_function(X), atol=1e-12)
    np.testing.assert_allclose(parts[START], 0, atol=1e-12)
    np.testing.assert_allclose(parts[detector.columns_], detector.shares(X) * detector.decision_function(X)[:, None])
    assert parts.loc[5, "s1 mean60"] == 0


def test_no_healthy_row_of_training_is_past_the_threshold() -> None:
    """And the highest one reaches it."""
    X = rows(400)
    detector = ExpectedBehaviour().fit(X, np.zeros(len(X)))
    assert detector.decision_function(X).max() == pytest.approx(detector.threshold_, abs=1e-12)
    wild = X.head(3).add(np.array([9.0, -9.0, 0.0, 0.0, 0.0]))
    assert detector.predict(wild).tolist() == [1, 1, 1]


def test_a_missing_sensor_is_left_out_and_not_taken_for_a_fault() -> None:
    """High load with one sensor missing: the score of the three that are there, in their own covariance."""
    X = rows()
    one = ExpectedBehaviour().fit(X, np.zeros(len(X)))
    gap = X.copy()
    gap["s1 mean60"] = np.nan
    whole, partly = one.decision_function(X), one.decision_function(gap)
    assert np.isfinite(partly).all()
    assert np.median(partly) == pytest.approx(np.median(whole), abs=0.25)
    assert np.corrcoef(whole, partly)[0, 1] > 0.7


def test_only_rows_called_healthy_are_learnt_from() -> None:
    """Wild rows marked 1 change nothing."""
    X = rows()
    wild = pd.concat([X, X.head(500) * 50], ignore_index=True)
    y = np.r_[np.zeros(len(X)), np.ones(500)]
    plain = ExpectedBehaviour().fit(X, np.zeros(len(X)))
    np.testing.assert_array_equal(ExpectedBehaviour().fit(wild, y).covariance_, plain.covariance_)
