"""Detectors of one machine find what theory says can be found, and say what moved their scores."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2, ncx2
from sklearn.metrics import roc_auc_score

from gauntlet.tasks.models.base import START
from gauntlet.tasks.models.sound_detectors import IsolationForestDetector, ScaledDistance, with_chosen_settings
from gauntlet.tasks.models.sound_distances import SHRINKAGES, Mahalanobis, MixtureLikelihood, NearestClip
from gauntlet.tasks.models.sound_scaling import LogScaler
from gauntlet.tasks.sound.detectors import Loudness

ALL = {
    "mixture": MixtureLikelihood,
    "mahalanobis": Mahalanobis,
    "nearest": NearestClip,
    "isolated": IsolationForestDetector,
    "scaled": ScaledDistance,
    "loudness": Loudness,
}


def _correlated(n, seed, d=12, shift=0.0):
    """Clips whose features share one strong factor, shifted against it: small on each feature, large together."""
    rng = np.random.default_rng(seed)
    common = rng.standard_normal((n, 1))
    rows = 0.95 * common + 0.3 * rng.standard_normal((n, d))
    rows[:, ::2] += shift
    rows[:, 1::2] -= shift
    return rows


def test_mahalanobis_reaches_the_area_of_the_optimal_test():
    """A known shift in a known covariance: the distances are chi-squared, central and not; AUC to 0.02 of theory."""
    normal, judged, damaged = _correlated(3_000, 0), _correlated(3_000, 1), _correlated(3_000, 2, shift=0.35)
    detector = Mahalanobis().fit(normal)
    scores = [detector.decision_function(rows) for rows in (judged, damaged)]
    d = normal.shape[1]
    covariance = 0.95**2 * np.ones((d, d)) + 0.09 * np.eye(d)
    delta = np.tile([0.35, -0.35], d // 2)
    centrality = delta @ np.linalg.solve(covariance, delta)
    grid = np.linspace(0, 150, 20_001)
    area = np.trapezoid(chi2.cdf(grid, d) * ncx2.pdf(grid, d, centrality), grid)
    assert roc_auc_score(np.repeat([0, 1], 3_000), np.concatenate(scores)) == pytest.approx(area, abs=0.02)
    assert np.mean(scores[0]) == pytest.approx(d, rel=0.05)
    each_alone = ScaledDistance().fit(normal)
    alone = roc_auc_score(
        np.repeat([0, 1], 3_000), np.r_[each_alone.decision_function(judged), each_alone.decision_function(damaged)]
    )
    assert alone < area - 0.2


def test_shrinkage_grows_as_clips_run_short():
    """Many clips of few features need little; fewer clips than features need much."""
    many = Mahalanobis().fit(_correlated(2_000, 0)).shrinkage_
    few = Mahalanobis().fit(_correlated(20, 0, d=60)).shrinkage_
    assert many <= 0.01 < few
    assert {many, few} <= set(SHRINKAGES)


def test_long_tails_are_logged_and_others_are_not():
    """Log-normal yes, normal no, a column that passes through zero no."""
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.lognormal(0, 1, 500), rng.normal(50, 1, 500), rng.normal(0, 1, 500)])
    fitted = LogScaler().fit(X)
    assert fitted.logged_.tolist()[0] is True
    assert fitted.logged_.tolist()[2] is False
    z = fitted.transform(X)
    np.testing.assert_allclose(z.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(z.std(0), 1)
    assert np.isfinite(fitted.transform(np.array([[-5.0, 50.0, 0.0]]))).all()


def test_a_constant_column_says_nothing():
    """Neither in training nor when it moves afterwards."""
    X = np.column_stack([np.ones(50), np.random.default_rng(0).standard_normal(50)])
    for make in (Mahalanobis, ScaledDistance, NearestClip, MixtureLikelihood):
        fitted = make().fit(X)
        moved = np.column_stack([np.full(50, 7.0), X[:, 1]])
        np.testing.assert_allclose(fitted.decision_function(X), fitted.decision_function(moved))


def test_two_states_are_two_components():
    """A machine with two speeds: what lies between them is abnormal to the mixture, and the middle to a single mean."""
    rng = np.random.default_rng(0)
    speeds = np.where(rng.random(600) < 0.5, -4.0, 4.0)[:, None]
    normal = speeds * np.array([1.0, 1.0, 0.5]) + 0.3 * rng.standard_normal((600, 3))
    between = 0.3 * rng.standard_normal((60, 3))
    mixture, single = MixtureLikelihood().fit(normal[:500]), Mahalanobis().fit(normal[:500])
    assert mixture.components_ >= 2
    labels = np.repeat([0, 1], (100, 60))
    assert (
        roc_auc_score(labels, np.r_[mixture.decision_function(normal[500:]), mixture.decision_function(between)]) > 0.99
    )
    assert roc_auc_score(labels, np.r_[single.decision_function(normal[500:]), single.decision_function(between)]) < 0.6


def test_contributions_sum_to_the_distance():
    """Of the squared Mahalanobis distance, feature by feature; a moved feature has the largest share."""
    normal = _correlated(800, 0)
    fitted = Mahalanobis().fit(normal)
    clip = normal[:1].copy()
    clip[0, 5] += 3.0
    added = fitted.contributions(clip).iloc[0]
    assert added.sum() == pytest.approx(fitted.decision_function(clip)[0])
    assert added.drop(START).idxmax() == "5"


@pytest.mark.parametrize("neighbours", [1, 3])
@pytest.mark.parametrize("kind", ALL)
def test_contributions_of_every_detector_add_up_to_its_score(kind, neighbours):
    """By the features' names, clips near and far; of no other detector's score."""
    names = [f"f{k}" for k in range(12)]
    normal = pd.DataFrame(_correlated(200, 0), columns=names)
    clips = pd.concat([normal.head(20), pd.DataFrame(_correlated(20, 1, shift=2.0), columns=names)])
    make = (lambda: NearestClip(neighbours=neighbours)) if kind == "nearest" else ALL[kind]
    fitted = make().fit(normal)
    parts = fitted.contributions(clips)
    assert list(parts) == [START, *names]
    np.testing.assert_allclose(parts.sum(axis=1), fitted.decision_function(clips), rtol=1e-9, atol=1e-8)


@pytest.mark.parametrize("kind", ["mixture", "mahalanobis", "nearest", "scaled"])
def test_the_feature_that_moved_has_the_largest_part(kind):
    """Of a machine with two states; a forest of sixteen trees between them cannot say it of every clip."""
    rng = np.random.default_rng(3)
    state = np.where(rng.random(400) < 0.5, -3.0, 3.0)[:, None]
    normal = _correlated(400, 0) + state
    clips = normal[:10].copy()
    clips[:, 7] += 12.0
    assert (ALL[kind]().fit(normal).contributions(clips).drop(columns=START).idxmax(axis=1) == "7").all()


def test_the_threshold_is_passed_by_the_wanted_share():
    """Of 99 scores 5 % may be passed by new ones: the 95th is the threshold, and the largest where clips are few."""
    scores = np.random.default_rng(0).permutation(np.arange(1.0, 100.0))
    detector = ScaledDistance().fit(_correlated(50, 0)).calibrate(scores, 0.05)
    assert detector.threshold_ == 95.0
    assert detector.spread_ == pytest.approx(scores.std())
    assert detector.calibrate(np.arange(5.0), 0.05).threshold_ == 4.0
    far = _correlated(4, 0) + 100.0
    assert detector.predict(far).tolist() == [1, 1, 1, 1]
    assert detector.calibrate(detector.decision_function(far[:1]), 0.05).predict(far[:1]).tolist() == [0]


def test_nearest_is_the_distance_to_the_nearest():
    """Zero on a training clip, and the brute-force distance elsewhere."""
    normal, asked = _correlated(100, 0), _correlated(7, 1)
    fitted = NearestClip().fit(normal)
    np.testing.assert_allclose(fitted.decision_function(normal), 0, atol=1e-8)
    known, there = fitted.whiten(normal), fitted.whiten(asked)
    brute = ((there[:, None] - known[None]) ** 2).sum(2).min(1)
    np.testing.assert_allclose(fitted.decision_function(asked), brute, rtol=1e-8)


@pytest.mark.parametrize("kind", ALL)
def test_chosen_settings_are_repeated(kind):
    """So that a held-out block has no choice of its own, and equal data give equal scores."""
    X = _correlated(200, 0)
    fitted = ALL[kind]().fit(X)
    again = with_chosen_settings(fitted).fit(X)
    np.testing.assert_array_equal(fitted.decision_function(X), again.decision_function(X))
