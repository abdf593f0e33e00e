"""Detectors of plain matrices: their closed forms, scikit-learn's own checks, and parts that add up."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import IsolationForest
from sklearn.utils.estimator_checks import parametrize_with_checks

from gauntlet.tasks.models.base import Detector
from gauntlet.tasks.models.level_rise import LevelRise
from gauntlet.tasks.models.mahalanobis import shares, squared_distance
from gauntlet.tasks.models.novelty import Novelty
from gauntlet.tasks.models.relative_level import JointRise
from gauntlet.tasks.models.robust_mahalanobis import RobustMahalanobis
from gauntlet.tasks.models.sound_scaling import LogScaler

DETECTORS = [
    LevelRise(),
    LevelRise(axes=2),
    JointRise(),
    RobustMahalanobis(),
    Novelty(IsolationForest(n_estimators=5, random_state=1)),
]


@parametrize_with_checks(
    [LevelRise(), JointRise(), RobustMahalanobis(), Novelty(IsolationForest(n_estimators=5, random_state=1))]
)
def test_as_scikit_learn_asks(estimator: Detector, check: object) -> None:
    """Every check that scikit-learn has for an estimator of matrices."""
    check(estimator)


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda one: repr(one)[:24])
def test_the_farther_the_worse_and_parts_add_up(detector: Detector) -> None:
    """A row that moves away scores more, is past the threshold in the end, and its reasons bear its columns' names."""
    rng = np.random.default_rng(1)
    healthy = pd.DataFrame(rng.normal(size=(300, 4)), columns=list("abcd"))
    away = pd.DataFrame(np.arange(0, 40, 4)[:, None] * np.ones(4), columns=list("abcd"), index=range(5, 15))
    fitted = detector.fit(healthy)
    score = fitted.decision_function(away)
    assert (np.diff(score) >= 0).all()
    assert score[-1] > score[0]
    assert fitted.predict(away).tolist() == (score > fitted.threshold_).astype(int).tolist()
    parts = fitted.contributions(away)
    assert list(parts.columns) == ["typical", *"abcd"]
    assert list(parts.index) == list(away.index)
    np.testing.assert_allclose(parts.sum(axis=1), score, rtol=1e-9, atol=1e-9)


def test_rise_in_closed_form() -> None:
    """Median 0, deviation 1: rows score their greatest rise, averaged over two axes; a fall scores below zero."""
    healthy = np.array([-1.0, 1.0] * 50)[:, None].repeat(4, axis=1)
    rows = np.array([[6.0, 0.0, 2.0, 2.0], [4.0, 6.0, 0.0, 0.0], [-9.0, -9.0, -9.0, -9.0]]) * 1.4826
    both, alone = LevelRise(axes=2).fit(healthy), LevelRise().fit(healthy)
    assert both.decision_function(rows) == pytest.approx([3.0, 5.0, -9.0])
    assert alone.decision_function(rows) == pytest.approx([6.0, 6.0, -9.0])
    assert both.contributions(rows).to_numpy()[1].tolist() == pytest.approx([0, 2, 3, 0, 0])


def test_joint_rise_in_closed_form() -> None:
    """Three deviations of the level and one beside the neighbours: (3 + 1) / sqrt(2)."""
    healthy = np.array([-1.0, 1.0] * 50)[:, None].repeat(2, axis=1)
    fitted = JointRise().fit(healthy)
    assert fitted.decision_function(np.array([[3.0, 1.0]]) * 1.4826) == pytest.approx([4 / np.sqrt(2)])


def test_the_mahalanobis_distance_by_its_definition() -> None:
    """Of a known precision: z' P z, and shares by z_i (P z)_i; at the centre they are equal."""
    precision = np.array([[2.0, 1.0], [1.0, 3.0]])
    assert squared_distance(np.array([[1.0, 2.0]]), precision) == pytest.approx([18.0])
    np.testing.assert_allclose(shares(np.array([[1.0, 2.0], [0.0, 0.0]]), precision), [[4 / 18, 14 / 18], [0.5, 0.5]])


def test_robust_mahalanobis_of_independent_features() -> None:
    """Standard normal rows: the root mean square of a row, to the accuracy of 20,000 rows."""
    fitted = RobustMahalanobis().fit(np.random.default_rng(3).normal(size=(20_000, 3)))
    assert fitted.decision_function(np.array([[3.0, 0.0, 0.0], [2.0, 2.0, 2.0]])) == pytest.approx(
        [np.sqrt(3), 2.0], rel=0.03
    )


@parametrize_with_checks([LogScaler()])
def test_the_scaler_as_scikit_learn_asks(estimator: LogScaler, check: object) -> None:
    """The same of the transformer of sound."""
    check(estimator)
