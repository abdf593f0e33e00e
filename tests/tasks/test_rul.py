"""The published score, and remaining lives whose distribution is known."""

import numpy as np
import pytest

from tasks.rul.leave_one_out import ObservedLife, after_alarm, leave_one_out
from tasks.rul.life import History, extrapolated_rms, fit, mean_life
from tasks.rul.score import phm_score


def test_score_by_the_challenge_s_own_points():
    """Er = -5 % (late) and +20 % (early) each halve it; a hit is 1."""
    assert phm_score(np.array(100.0), np.array([100.0, 105.0, 80.0, 110.0])) == pytest.approx([1, 0.5, 0.5, 0.25])


def test_interval_covers_what_it_says():
    """Log-normal lives of known spread: 80 % of the truths lie in the interval, at any age reached."""
    rng = np.random.default_rng(1)
    model = fit([History("", float(x), None) for x in np.exp(9 + 0.4 * rng.standard_normal(3000))], 10.0)
    life = np.exp(9 + 0.4 * rng.standard_normal(4000))
    for age in (0.0, 6000.0, 10_000.0):
        left = life[life > age] - age
        guess = model.at(age, None)
        assert np.mean((left >= guess.low_s) & (left <= guess.high_s)) == pytest.approx(0.8, abs=0.03)


def test_estimate_is_early_on_purpose():
    """Late answers cost more, so the estimate of greatest expected score is below the median."""
    guess = fit([History("", x, x - 300.0) for x in (5e3, 7e3, 9e3)], 10.0).at(6000.0, 20.0)
    assert guess.low_s <= guess.estimate_s < 300.0


def test_naive_baselines_in_closed_form():
    """Mean life less age; a straight line meets its level on time."""
    assert mean_life([History("", 100.0, None), History("", 200.0, None)], 50.0, 10.0) == 100.0
    t = np.arange(100.0)
    assert extrapolated_rms(t, 1 + 0.01 * t, 3.0, 1.0) == pytest.approx(200 - 99)


def test_leave_one_out_beats_the_naive_where_alarms_inform():
    """Lives differ five-fold, but all end about 600 s after their alarm."""
    rng = np.random.default_rng(2)
    lives = []
    for i, life in enumerate(rng.uniform(3000, 15_000, 8)):
        t = np.arange(0, life, 10.0)
        rms = 1 + np.exp((t - life) / 150)
        lives.append(ObservedLife(History(str(i), life, life - 600 + rng.normal(0, 30)), t, rms, 10.0))
    report = after_alarm(lives)
    assert report.model > max(report.mean_life, report.extrapolated)
    assert len(leave_one_out(lives).points) == 8 * 14
