"""Detectors find what theory says can be found, set thresholds that hold, and survive being stored."""

import numpy as np
import pandas as pd
import pytest
import skops.io
from scipy.stats import chi2, ncx2
from sklearn.metrics import roc_auc_score

from gauntlet.datasets.errors import BadInput
from gauntlet.tasks.models.per_machine_sound import PerMachineSoundDetector
from gauntlet.tasks.models.sound_detectors import (
    SHRINKAGES,
    Isolated,
    Loudness,
    Mahalanobis,
    Mixture,
    Nearest,
    Scaled,
    Standardised,
    with_chosen_settings,
)
from gauntlet.tasks.registry.trust import deserialise, types_to_trust
from gauntlet.tasks.sound.train import forest, held_out, level_column

ALL = {
    "mixture": Mixture,
    "mahalanobis": Mahalanobis,
    "nearest": Nearest,
    "isolated": Isolated,
    "scaled": Scaled,
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
    each_alone = Scaled().fit(normal)
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
    fitted = Standardised().fit(X)
    assert fitted.logged_.tolist()[0] is True
    assert fitted.logged_.tolist()[2] is False
    z = fitted.standardise(X)
    np.testing.assert_allclose(z.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(z.std(0), 1)
    assert np.isfinite(fitted.standardise(np.array([[-5.0, 50.0, 0.0]]))).all()


def test_a_constant_column_says_nothing():
    """Neither in training nor when it moves afterwards."""
    X = np.column_stack([np.ones(50), np.random.default_rng(0).standard_normal(50)])
    for make in (Mahalanobis, Scaled, Nearest, Mixture):
        fitted = make().fit(X)
        moved = np.column_stack([np.full(50, 7.0), X[:, 1]])
        np.testing.assert_allclose(fitted.decision_function(X), fitted.decision_function(moved))


def test_two_states_are_two_components():
    """A machine with two speeds: what lies between them is abnormal to the mixture, and the middle to a single mean."""
    rng = np.random.default_rng(0)
    speeds = np.where(rng.random(600) < 0.5, -4.0, 4.0)[:, None]
    normal = speeds * np.array([1.0, 1.0, 0.5]) + 0.3 * rng.standard_normal((600, 3))
    between = 0.3 * rng.standard_normal((60, 3))
    mixture, single = Mixture().fit(normal[:500]), Mahalanobis().fit(normal[:500])
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
    added = fitted.distance_parts(clip)
    assert added.sum() == pytest.approx(fitted.decision_function(clip)[0])
    assert np.argmax(added) == 5


def test_nearest_is_the_distance_to_the_nearest():
    """Zero on a training clip, and the brute-force distance elsewhere."""
    normal, asked = _correlated(100, 0), _correlated(7, 1)
    fitted = Nearest().fit(normal)
    np.testing.assert_allclose(fitted.decision_function(normal), 0, atol=1e-8)
    known, there = fitted.whiten(normal), fitted.whiten(asked)
    brute = ((there[:, None] - known[None]) ** 2).sum(2).min(1)
    np.testing.assert_allclose(fitted.decision_function(asked), brute, rtol=1e-8)


@pytest.mark.parametrize("kind", ALL)
def test_settled_repeats_the_chosen_settings(kind):
    """So that a held-out block has no choice of its own, and equal data give equal scores."""
    X = _correlated(200, 0)
    fitted = ALL[kind]().fit(X)
    again = with_chosen_settings(fitted).fit(X)
    np.testing.assert_array_equal(fitted.decision_function(X), again.decision_function(X))


def _model(rate=0.05, n=400, seed=0, make=Mahalanobis):
    names = [f"f{k}" for k in range(12)]
    cells = ("6dB/fan/id_00", "0dB/fan/id_00")
    known = {cell: _correlated(n, seed + k) for k, cell in enumerate(cells)}
    detectors = {cell: make().fit(X) for cell, X in known.items()}
    held = {cell: held_out(detectors[cell], X, np.empty((0, 12))) for cell, X in known.items()}
    scores = {cell: one.scores for cell, one in held.items()}
    return PerMachineSoundDetector(rate).assemble(names, detectors, scores), names


@pytest.mark.parametrize("kind", ["mixture", "mahalanobis", "nearest", "scaled"])
def test_the_false_alarm_rate_holds_on_new_normal_clips(kind):
    """5 % were asked for: 3 to 7 % of 4,000 unseen clips alarm, though the detector was fitted on the same clips."""
    model, names = _model(make=ALL[kind])
    fresh = pd.DataFrame(_correlated(4_000, 99), columns=names).assign(cell="6dB/fan/id_00")
    assert model.predict(fresh).mean() == pytest.approx(0.05, abs=0.02)


def test_each_machine_is_asked_by_its_own_detector():
    """Rows in any order; probabilities and decisions agree; an unknown machine is named."""
    model, names = _model()
    frame = pd.DataFrame(_correlated(50, 5), columns=names)
    both = pd.concat([frame.assign(cell="6dB/fan/id_00"), frame.assign(cell="0dB/fan/id_00")])
    mixed = both.sample(frac=1, random_state=1)
    order = np.argsort(np.random.default_rng(0).random(len(both)))
    np.testing.assert_allclose(
        model.decision_function(both.iloc[order]), model.decision_function(both)[order], rtol=1e-9
    )
    assert (model.predict_proba(mixed)[:, 1] >= 0.5).astype(int).tolist() == model.predict(mixed).tolist()
    with pytest.raises(ValueError, match="6dB/tractor/id_00"):
        model.predict(frame.assign(cell="6dB/tractor/id_00"))


@pytest.mark.parametrize("kind", ["mixture", "mahalanobis", "nearest", "isolated", "scaled"])
def test_stored_and_loaded_it_says_the_same(kind):
    """Through skops with our own list of trusted types."""
    model, names = _model(n=80, make=ALL[kind])
    frame = pd.DataFrame(_correlated(30, 5), columns=names).assign(cell="6dB/fan/id_00")
    content = skops.io.dumps(model)
    assert types_to_trust(content)
    np.testing.assert_array_equal(deserialise(content).decision_function(frame), model.decision_function(frame))


def test_the_forest_is_stored_too_and_ignores_the_machines_name():
    """Pipeline with our own first step."""
    frame = pd.DataFrame(_correlated(80, 5), columns=[f"f{k}" for k in range(12)]).assign(cell="6dB/fan/id_00")
    fitted = forest(7).fit(frame, (np.arange(80) % 2))
    loaded = deserialise(skops.io.dumps(fitted))
    np.testing.assert_array_equal(loaded.predict_proba(frame.assign(cell="x")), fitted.predict_proba(frame))


def test_loudness_needs_a_level():
    """And uses nothing else: another column, nine deviations off, leaves the AUC at 0.5."""
    assert level_column(["a", "rms_mean"]) == 1
    with pytest.raises(BadInput, match="rms_mean"):
        level_column(["a", "b"])
    rng = np.random.default_rng(0)
    normal = rng.standard_normal((4_000, 2))
    fitted = Loudness(1).fit(normal)
    other = rng.standard_normal((4_000, 2)) + np.array([9.0, 0.0])
    labels = np.repeat([0, 1], 4_000)
    assert roc_auc_score(
        labels, np.r_[fitted.decision_function(normal), fitted.decision_function(other)]
    ) == pytest.approx(0.5, abs=0.02)
    assert fitted.decision_function(np.array([[0.0, 2.0]]))[0] == pytest.approx(2.0, abs=0.1)
