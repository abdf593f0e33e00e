"""The published score, and remaining lives whose distribution is known."""

import numpy as np
import pytest

from gauntlet.datasets.errors import BadInput
from gauntlet.tasks.vibration.remaining_life.leave_one_out import after_alarm, leave_one_out
from gauntlet.tasks.vibration.remaining_life.life import History, ObservedLife, fit
from gauntlet.tasks.vibration.remaining_life.naive import extrapolated_rms, mean_life, optimal_life
from gauntlet.tasks.vibration.remaining_life.rated_life import BALL, rated_life
from gauntlet.tasks.vibration.remaining_life.score import phm_score


def _lives(n, seed, deviation, signal=True):
    """Log-normal lives in two conditions, the second rated a third; loud in the last 600 s in proportion to it."""
    rng = np.random.default_rng(seed)
    lives = []
    for i in range(n):
        rated = (1.0, 1 / 3)[i % 2]
        life = float(rated * np.exp(9 + deviation * rng.standard_normal()))
        t = np.arange(0, life, 10.0)
        rms = np.exp(0.1 * rng.standard_normal(len(t)) + (2 * np.exp((t - life) / 200) if signal else 0.0))
        lives.append(ObservedLife(History(str(i), life, max(life - 400, 0.0), rated), t, rms, 10.0))
    return lives


def test_score_by_the_challenge_s_own_points():
    """Er = -5 % (late) and +20 % (early) each halve it; a hit is 1."""
    assert phm_score(np.array(100.0), np.array([100.0, 105.0, 80.0, 110.0])) == pytest.approx([1, 0.5, 0.5, 0.25])


def test_rated_life_by_the_standard():
    """Twice the load on balls is an eighth of the life, twice the speed half; FEMTO's third condition by hand."""
    assert rated_life(30, 8000) == pytest.approx(rated_life(30, 4000) / 8)
    assert rated_life(60, 4000) == pytest.approx(rated_life(30, 4000) / 2)
    assert rated_life(25, 5000, BALL) / rated_life(30, 4000, BALL) == pytest.approx(30 / 25 * 0.8**3)


def test_interval_covers_what_it_says():
    """Log-normal lives of known spread: 80 % of the truths lie in the interval, at any age reached."""
    rng = np.random.default_rng(1)
    model = fit([History("", float(x), None) for x in np.exp(9 + 0.4 * rng.standard_normal(3000))], 10.0)
    life = np.exp(9 + 0.4 * rng.standard_normal(4000))
    for age in (0.0, 6000.0, 10_000.0):
        left = life[life > age] - age
        guess = model.at(age)
        assert np.mean((left >= guess.low_s) & (left <= guess.high_s)) == pytest.approx(0.8, abs=0.03)


@pytest.mark.slow
def test_three_lives_are_as_unsure_as_student_says():
    """Taught by three of unknown spread, 80 % of fourth lives lie in the interval: not a normal's 58 %."""
    rng = np.random.default_rng(2)
    inside = []
    for _ in range(600):
        *taught, own = np.exp(9 + 0.4 * rng.standard_normal(4))
        guess = fit([History("", float(x), None) for x in taught], 10.0).at(0.0)
        inside.append(guess.low_s <= own <= guess.high_s)
    assert np.mean(inside) == pytest.approx(0.8, abs=0.05)


def test_rated_life_carries_over_to_another_condition():
    """Histories at rated 1 tell of a bearing at rated a half that it lasts half as long."""
    model = fit([History("", x, None) for x in (8e3, 9e3, 10e3)], 10.0)
    whole, half = model.at(0.0), model.at(0.0, rated=0.5)
    assert half.low_s == pytest.approx(whole.low_s / 2, rel=0.02)
    assert half.high_s == pytest.approx(whole.high_s / 2, rel=0.02)


def test_estimate_is_the_answer_of_greatest_expected_score():
    """Below the median, and no other answer does better over lives drawn from the same distribution."""
    rng = np.random.default_rng(3)
    guess = fit([History("", float(x), None) for x in np.exp(9 + 0.3 * rng.standard_normal(3000))], 10.0).at(0.0)
    lives = np.exp(9 + 0.3 * rng.standard_normal(20_000))
    mean_score = {answer: phm_score(lives, np.array(answer * guess.estimate_s)).mean() for answer in (0.8, 1.0, 1.25)}
    assert max(mean_score, key=mean_score.__getitem__) == 1.0
    assert guess.estimate_s < np.median(lives)


def test_the_signal_tells_what_age_cannot():
    """Lives differ five-fold, the last minutes are loud: heard loud, the estimate is short at an early age."""
    lives = _lives(6, 4, 0.8)
    model = fit(lives, 10.0)
    near = next(life for life in lives if life.history.rated == 1)
    seen = near.seconds <= near.history.life_s - 100
    loud = model.at(1000.0, near.rms[seen])
    assert loud.high_s < 1000 < model.at(1000.0, near.rms[:100]).high_s


def test_no_future():
    """What comes after the moment asked about changes nothing."""
    lives = _lives(4, 5, 0.4)
    own = lives[0]
    changed = own.seconds > 0.6 * own.history.life_s
    other = ObservedLife(own.history, own.seconds, np.where(changed, 99.0, own.rms), 10.0)
    points = [leave_one_out([first, *lives[1:]], (0.6,)).points[0] for first in (own, other)]
    assert points[0] == points[1]


def test_naive_baselines_in_closed_form():
    """Mean life less age; the shortest life decides where late costs most; a straight line meets its level on time."""
    assert mean_life([100.0, 200.0], 50.0, 10.0) == 100.0
    assert optimal_life([1000.0, 1000.0], 400.0, 10.0) == 600.0
    assert optimal_life([1000.0, 1400.0], 0.0, 10.0) == pytest.approx(1000.0)
    t = np.arange(100.0)
    assert extrapolated_rms(t, 1 + 0.01 * t, 3.0, 1.0) == pytest.approx(200 - 99)


@pytest.mark.slow
def test_leave_one_out_beats_the_naive_where_lives_are_as_assumed():
    """Two conditions, lives scattered by a quarter: better than mean life and the line, interval as stated."""
    lives = _lives(12, 6, 0.25)
    for report in (leave_one_out(lives), after_alarm(lives)):
        assert report.model > max(report.mean_life, report.optimal_life, report.extrapolated)
    assert len(leave_one_out(lives).points) == 12 * 14


def test_too_few_to_learn_from():
    """Two bearings leave one to learn from, and one life has no spread."""
    with pytest.raises(BadInput, match="3 or more"):
        leave_one_out(_lives(2, 7, 0.3))
    with pytest.raises(BadInput, match="at least 2"):
        fit([History("", 100.0, None)], 10.0)
