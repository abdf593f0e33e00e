"""Detectors of a run's beginning: against scipy, blind to the future, and set by beginnings alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import mahalanobis
from sklearn.covariance import LedoitWolf

from gauntlet.tasks.models.run_detector import RunDetector, trailing_mean
from gauntlet.tasks.multivariate.runs import RunAnswer, rates, run_row
from gauntlet.tasks.multivariate.setting import learn, steady_sensors

KINDS = ("mahalanobis", "pca", "residual", "mset")


def run(seed: int, rows: int = 900, step: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, 4)) @ np.array([[1, 0.6, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0.3], [0, 0, 0, 1]])
    values[600:, 1] += step
    return pd.DataFrame(values * [1, 10, 0.1, 5] + [0, 100, 1, 50], columns=list("abcd"))


def test_the_mean_is_that_of_pandas() -> None:
    """Up to `window` rows, the row itself the last."""
    rows = run(0)
    expected = rows.rolling(10, min_periods=1).mean().to_numpy()
    np.testing.assert_allclose(trailing_mean(rows.to_numpy(), 10), expected, rtol=1e-9)


def test_the_distance_is_that_of_scipy() -> None:
    """Row by row, from the same shrunk covariance."""
    rows = run(1)
    one = RunDetector("mahalanobis", list("abcd"), window=1, margin=1.0).fit(rows.iloc[:400])
    z = (rows.iloc[:400] - rows.iloc[:400].mean()) / rows.iloc[:400].std(ddof=0)
    fitted = z.iloc[1:]
    fitted = (fitted - fitted.mean()) / fitted.std(ddof=0)
    inverse = LedoitWolf().fit(fitted.to_numpy()).precision_
    expected = np.array([mahalanobis(row, np.zeros(4), inverse) for row in fitted.to_numpy()])
    np.testing.assert_allclose(one.decision_function(rows.iloc[:400])[1:], expected / expected.max(), rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_score_never_looks_ahead(kind: str) -> None:
    """Whatever comes later, the scores up to now are the same to the digit."""
    rows = run(2, step=3.0 * 10)
    one = RunDetector(kind, list("abcd"), 10, 1.2).fit(rows.iloc[:400])
    changed = rows.copy()
    changed.iloc[500:] = 1e3
    np.testing.assert_allclose(one.decision_function(changed)[:500], one.decision_function(rows)[:500], rtol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_is_seen_and_named(kind: str) -> None:
    """Two standard deviations in one sensor for 300 rows: most are flagged, few before; the sensor has most to say."""
    rows = run(3, step=20.0)
    one = RunDetector(kind, list("abcd"), 15, 1.2).fit(rows.iloc[:400])
    flagged = one.predict(rows)
    assert flagged[630:].mean() > 0.9
    assert flagged[400:600].mean() < 0.1
    assert one.contributions(rows)[630:].to_numpy().mean(0).argmax() == 1


def test_a_drifting_sensor_is_left_out() -> None:
    """It stands in every beginning a standard deviation further in the second half."""
    beginnings = []
    for seed in range(5):
        rows = run(seed).iloc[:400].copy()
        rows["c"] += np.linspace(0, 0.4, 400)
        beginnings.append(rows)
    assert steady_sensors(beginnings) == ("a", "b", "d")


@pytest.mark.parametrize("kind", KINDS)
def test_the_margin_keeps_the_budget_on_new_runs(kind: str) -> None:
    """Runs of the same process that took no part: no more false alarms than the stated tenth, with room for chance."""
    setting = learn(kind, [run(seed).iloc[:400] for seed in range(8)], list("abcd"))
    fresh = [run(seed) for seed in range(100, 112)]
    said = [setting.detector().fit(rows.iloc[:400]).predict(rows)[400:].mean() for rows in fresh]
    assert np.mean(said) <= 0.12


def test_pooled_rates_are_those_of_the_closed_form() -> None:
    """TP 30, FP 10, FN 20, TN 40."""
    found = rates(np.array([30.0, 10.0, 20.0, 40.0]))
    assert found["f1"] == pytest.approx(2 * 30 / (2 * 30 + 10 + 20))
    assert (found["far"], found["mar"]) == (pytest.approx(0.2), pytest.approx(0.4))


def test_every_row_called_an_anomaly_has_its_own_f1() -> None:
    """2 p / (1 + p) at a share p of anomalies, over runs of unlike length."""
    answers = []
    for n in (100, 300):
        y = np.arange(n) < n // 2
        answers.append(RunAnswer(str(n), y, np.ones(n), np.ones(n, bool)))
    row = run_row("all", answers, seed=1)
    assert row.metrics["f1"] == pytest.approx(2 / 3)
    assert (row.metrics["far"], row.metrics["mar"]) == (1.0, 0.0)
