"""AUC and pAUC are scikit-learn's, their intervals hold the truth as often as they say."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score, roc_auc_score

from gauntlet.tasks.sound.detection import (
    CellScores,
    area_interval,
    areas,
    decision_metrics,
    figures,
    mean_row,
    resample_weights,
)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("sizes", [(200, 50), (3, 2), (40, 400)])
def test_areas_equal_scikit_learns(sizes, ties):
    """With and without equal scores, few clips and many; max_fpr 0.1 is McClish's standardised area."""
    rng = np.random.default_rng(sum(sizes))
    abnormal = np.repeat([False, True], sizes)
    scores = rng.standard_normal(len(abnormal)) + abnormal
    scores = np.round(scores, 1) if ties else scores
    ours = areas(abnormal, scores, np.ones((1, len(scores))))
    assert ours["auc"][0] == pytest.approx(roc_auc_score(abnormal, scores), abs=1e-12)
    assert ours["pauc"][0] == pytest.approx(roc_auc_score(abnormal, scores, max_fpr=0.1), abs=1e-12)


def test_weights_are_resamples():
    """The weighted areas of a resample are the areas of the clips drawn, repeated as often as they were drawn."""
    rng = np.random.default_rng(0)
    abnormal = np.repeat([False, True], (60, 30))
    scores = np.round(rng.standard_normal(90) + abnormal, 1)
    weights = resample_weights("6dB/fan/id_00", abnormal, seed=3, resamples=20)
    assert (weights[:, abnormal].sum(1) == 30).all()
    assert (weights[:, ~abnormal].sum(1) == 60).all()
    ours = areas(abnormal, scores, weights)
    for k in range(20):
        drawn = np.repeat(np.arange(90), weights[k].astype(int))
        assert ours["auc"][k] == pytest.approx(roc_auc_score(abnormal[drawn], scores[drawn]), abs=1e-12)
        assert ours["pauc"][k] == pytest.approx(roc_auc_score(abnormal[drawn], scores[drawn], max_fpr=0.1), abs=1e-12)


def test_noise_levels_of_one_machine_are_drawn_alike():
    """They are the same recordings; another machine is drawn for itself."""
    abnormal = np.repeat([False, True], (9, 9))
    one, other = (resample_weights(cell, abnormal, 7) for cell in ("6dB/fan/id_00", "-6dB/fan/id_00"))
    np.testing.assert_array_equal(one, other)
    assert (resample_weights("6dB/fan/id_02", abnormal, 7) != one).any()


def test_intervals_cover_the_true_area():
    """Two normal populations one deviation apart have AUC = Phi(1 / sqrt 2) = 0.760; 95 % of intervals hold it."""
    truth, rng = norm.cdf(1 / np.sqrt(2)), np.random.default_rng(1)
    abnormal = np.repeat([False, True], (80, 80))
    held = 0
    for trial in range(120):
        scores = rng.standard_normal(160) + abnormal
        low, high = figures(CellScores(f"6dB/fan/id_{trial}", abnormal, scores, scores > 2), trial).intervals["auc"]
        held += low <= truth <= high
    assert 0.89 <= held / 120 <= 0.99


def test_far_mar_and_decisions():
    """Counted by hand and by scikit-learn."""
    abnormal = np.array([0, 0, 0, 0, 1, 1, 1], bool)
    alarmed = np.array([1, 0, 0, 0, 1, 1, 0], bool)
    found = figures(CellScores("6dB/fan/id_00", abnormal, alarmed.astype(float), alarmed), 7)
    assert (found.metrics["far"], found.metrics["mar"]) == (0.25, pytest.approx(1 / 3))
    assert decision_metrics(abnormal, alarmed) == pytest.approx(
        {
            "accuracy": accuracy_score(abnormal, alarmed),
            "precision": precision_score(abnormal, alarmed),
            "recall": recall_score(abnormal, alarmed),
            "f1": f1_score(abnormal, alarmed),
        }
    )
    assert decision_metrics(abnormal, np.zeros(7, bool))["f1"] == 0.0


def test_two_clips_told_apart_prove_little():
    """A bootstrap would say [1, 1]; four clips leave an AUC below a half possible, four hundred do not."""
    for clips, low, high in ((2, 0.2, 0.6), (200, 0.97, 1.0)):
        abnormal = np.repeat([False, True], clips)
        one = figures(CellScores("dcase/slider/id_00", abnormal, abnormal.astype(float), abnormal), 7)
        assert one.metrics["auc"] == 1.0
        assert low < one.intervals["auc"][0] < high
        assert one.intervals["auc"][1] == 1.0
        assert "pauc" not in one.intervals
        assert mean_row("one cell", [one]).intervals["auc"] == pytest.approx(one.intervals["auc"])


def test_the_limits_are_where_newcombes_equation_says():
    """At each limit the area lies 1.96 of that limit's own deviations away; symmetric under swapping the classes."""
    for area, normal, abnormal in ((0.9, 30, 20), (0.6, 8, 50)):
        low, high = area_interval(area, normal, abnormal)
        for limit in (low, high):
            balance = (normal + abnormal) / 2 - 1
            variance = limit * (1 - limit) * (1 + balance * ((1 - limit) / (2 - limit) + limit / (1 + limit)))
            assert abs(area - limit) == pytest.approx(1.959964 * np.sqrt(variance / (normal * abnormal)), abs=1e-6)
        assert area_interval(1 - area, abnormal, normal) == pytest.approx((1 - high, 1 - low), abs=1e-6)


def test_intervals_cover_also_with_ten_clips_and_a_large_area():
    """AUC = Phi(2.5 / sqrt 2) = 0.961 of ten clips each: 95 % hold it, where the normal approximation fails."""
    truth, rng = norm.cdf(2.5 / np.sqrt(2)), np.random.default_rng(2)
    abnormal = np.repeat([False, True], 10)
    held = 0
    for _ in range(300):
        area = roc_auc_score(abnormal, rng.standard_normal(20) + 2.5 * abnormal)
        low, high = area_interval(area, 10, 10)
        held += low <= truth <= high
    assert held / 300 >= 0.92


def test_a_mean_over_cells_and_its_interval():
    """The mean of two cells; its interval holds it, also where both are perfect."""
    abnormal = np.repeat([False, True], 20)
    perfect = figures(CellScores("6dB/fan/id_00", abnormal, abnormal.astype(float), abnormal), 7)
    useless = figures(CellScores("6dB/fan/id_02", abnormal, np.zeros(40), np.zeros(40, bool)), 7)
    row = mean_row("two", [perfect, useless])
    assert row.metrics["auc"] == pytest.approx(0.75)
    assert row.metrics["mar"] == pytest.approx(0.5)
    low, high = row.intervals["auc"]
    parts = [one.intervals["auc"] for one in (perfect, useless)]
    assert 0.75 - low == pytest.approx(np.hypot(1.0 - parts[0][0], 0.5 - parts[1][0]) / 2)
    assert high - 0.75 == pytest.approx((parts[1][1] - 0.5) / 2)


def test_noise_levels_do_not_make_a_mean_surer():
    """The same machine three times is as unsure as once; three machines are surer."""
    rng = np.random.default_rng(0)
    abnormal = np.repeat([False, True], 50)
    scores = rng.standard_normal(100) + abnormal

    def width(cells):
        low, high = mean_row("x", [figures(CellScores(c, abnormal, scores, scores > 1), 7) for c in cells]).intervals[
            "auc"
        ]
        return high - low

    once = width(["6dB/fan/id_00"])
    assert width([f"{snr}/fan/id_00" for snr in ("6dB", "0dB", "-6dB")]) == pytest.approx(once)
    assert width([f"6dB/fan/id_{k}" for k in range(3)]) == pytest.approx(once / np.sqrt(3))
