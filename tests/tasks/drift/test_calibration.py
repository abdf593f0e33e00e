"""The fast PSI and KS are Evidently's to the digit, and the thresholds on them keep the stated rate."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from gauntlet.datasets.errors import BadInput
from gauntlet.tasks.drift.calibration import calibrate, rows_per_independent_one
from gauntlet.tasks.drift.history import Persistence, sustained
from gauntlet.tasks.drift.order import serial_order
from gauntlet.tasks.drift.statistics import ROWS, ks, psi, sample_rows


def evidently_psi(reference, window, kind):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from evidently.legacy.calculations.stattests import psi_stat_test
        from evidently.legacy.core import ColumnType
    kind = ColumnType.Categorical if kind else ColumnType.Numerical
    return psi_stat_test(pd.Series(reference), pd.Series(window), kind, 0.1).drift_score


@pytest.mark.slow
@pytest.mark.parametrize(("rows", "others"), [(30, 21), (1000, 36), (9_999, 9_999), (9_999, 1000), (700, 4096)])
@pytest.mark.parametrize("draw", ["normal", "rounded", "tailed", "few"])
def test_psi_is_evidentlys(rows, others, draw):
    """Bins, edges that readings lie on, empty bins, few values."""
    rng = np.random.default_rng(rows)
    one, two = rng.normal(size=rows), rng.normal(0.3, 1.2, size=others)
    if draw == "rounded":
        one, two = one.round(1), two.round(1)
    if draw == "tailed":
        one, two = np.exp(2 * one), np.exp(2 * two)
    if draw == "few":
        one, two = one.round(0), two.round(0)
    assert psi(one, two) == pytest.approx(evidently_psi(one, two, False), rel=1e-12)
    assert ks(one, two) == pytest.approx(stats.ks_2samp(one, two, method="asymp").statistic, abs=1e-12)


def test_psi_of_categories_is_evidentlys_and_the_textbooks():
    """Shares of a half and a half against a quarter and three: (0.25 ln 2 - 0.25 ln (2/3)), worked out by hand."""
    one, two = np.array(["a", "b"] * 500), np.array(["a", "b", "b", "b"] * 100)
    truth = 0.25 * np.log(0.5 / 0.25) - 0.25 * np.log(0.5 / 0.75)
    assert psi(one, two, categories=True) == pytest.approx(truth)
    assert evidently_psi(one, two, True) == pytest.approx(truth)


def test_the_sample_is_the_same_every_time_and_in_order():
    """And nothing is drawn where nothing needs to be."""
    picked = sample_rows(50_000, 7)
    assert len(picked) == ROWS < 10_000
    assert (np.diff(picked) > 0).all()
    assert (picked == sample_rows(50_000, 7)).all()
    assert (picked != sample_rows(50_000, 8)).any()
    assert (sample_rows(10, 7) == np.arange(10)).all()


def _moved(reference, window, limits):
    pairs = {name: (reference[name].to_numpy(), window[name].to_numpy()) for name in reference}
    return {n for n, (a, b) in pairs.items() if psi(a, b) >= limits.psi[n] or ks(a, b) >= limits.ks[n]}


def test_many_independent_features_keep_the_rate():
    """Thirty features, 200 undrifted windows: at most 5 % show one; the usual PSI > 0.2 would be shown by nearly all."""
    rng = np.random.default_rng(1)
    reference = pd.DataFrame(rng.normal(size=(2000, 30))).rename(columns=str)
    limits = calibrate(reference, 36)
    fired = fixed = 0
    for _ in range(200):
        window = pd.DataFrame(rng.normal(size=(36, 30))).rename(columns=str)
        fired += bool(_moved(reference, window, limits))
        fixed += any(psi(reference[n].to_numpy(), window[n].to_numpy()) > 0.2 for n in reference)
    assert fired <= 0.05 * 200
    assert fixed > 0.9 * 200


def _wandering(rng, rows, features=4, memory=0.97):
    noise = rng.normal(size=(rows + 500, features))
    for i in range(1, len(noise)):
        noise[i] += memory * noise[i - 1]
    return pd.DataFrame(noise[500:]).rename(columns=str)


def test_slowly_wandering_features_keep_the_rate():
    """Neighbours correlated by 0.97: windows of the same process stay under the stated rate, i.i.d. thresholds do not."""
    rng = np.random.default_rng(2)
    reference = _wandering(rng, 6000)
    blocks, rows = (calibrate(reference, 100, order=order) for order in ("blocks", "rows"))
    windows = [_wandering(rng, 100) for _ in range(200)]
    assert sum(bool(_moved(reference, window, blocks)) for window in windows) <= 0.05 * 200
    assert sum(bool(_moved(reference, window, rows)) for window in windows) > 0.9 * 200


def test_a_shift_of_one_feature_is_seen():
    """Half a standard deviation at n = 1,000, in one of six, at least 95 % of the time."""
    rng = np.random.default_rng(3)
    reference = pd.DataFrame(rng.normal(size=(5000, 6))).rename(columns=str)
    limits = calibrate(reference, 1000)
    seen = 0
    for i in range(100):
        window = pd.DataFrame(rng.normal(size=(1000, 6))).rename(columns=str)
        window[str(i % 6)] += 0.5
        seen += str(i % 6) in _moved(reference, window, limits)
    assert seen >= 95


def test_the_order_of_rows_is_told():
    """A shuffled window of an ordered reference, an ordered one of a shuffled reference, and both ordered."""
    rng = np.random.default_rng(4)
    whole = _wandering(rng, 5000)
    reference, window = whole[:4000], whole[4000:4500]
    shuffled = whole.sample(frac=1, random_state=1)
    assert serial_order(reference, window) == "blocks"
    assert serial_order(reference, shuffled[:500]) == "rows"
    assert serial_order(shuffled[:4000], window) == "held"
    assert serial_order(shuffled[:4000], shuffled[4000:]) == "rows"
    assert serial_order(reference, window[:5]) == "blocks"


@pytest.mark.slow
def test_an_ordered_window_of_a_shuffled_reference_keeps_the_rate():
    """Its rows say the same again and again: (1 + 0.97) / (1 - 0.97) = 66 rows are one."""
    rng = np.random.default_rng(5)
    reference = _wandering(rng, 6000).sample(frac=1, random_state=1)
    windows = [_wandering(rng, 400) for _ in range(100)]
    held = rows_per_independent_one(windows[0])
    assert 25 < np.median(list(held.values())) < 80
    fired = 0
    for window in windows:
        limits = calibrate(reference, 400, order="held", held=rows_per_independent_one(window), resamples=200)
        fired += bool(_moved(reference, window, limits))
    assert fired <= 0.10 * 100  # one window tells its own correlation only roughly


def test_same_seed_same_thresholds_and_bad_calls_are_refused():
    """To the digit."""
    reference = pd.DataFrame(np.random.default_rng(6).normal(size=(200, 2))).rename(columns=str)
    assert calibrate(reference, 30, seed=1) == calibrate(reference, 30, seed=1)
    assert calibrate(reference, 30, seed=1) != calibrate(reference, 30, seed=2)
    for call in ({"window_rows": 0}, {"window_rows": 10, "level": 0.0}):
        with pytest.raises(BadInput, match="cannot be calibrated"):
            calibrate(reference, **call)
    with pytest.raises(BadInput, match="at least 20"):
        calibrate(reference[:10], 5)


def test_missing_values_constants_and_categories_can_be_calibrated():
    """Each column by what it has."""
    rng = np.random.default_rng(7)
    reference = pd.DataFrame({"x": rng.normal(size=500), "still": 1.0, "type": rng.choice(["L", "M"], 500)})
    reference.loc[::3, "x"] = np.nan
    limits = calibrate(reference, 50)
    assert set(limits.psi) == {"x", "still", "type"}
    assert set(limits.ks) == {"x", "still"}
    assert all(np.isfinite([*limits.psi.values(), *limits.ks.values()]))
    assert psi(np.ones(500), np.zeros(50)) > limits.psi["still"]


def test_two_of_three_and_the_latest():
    """The rule, and the closed form of its false alarms against a simulation."""
    assert sustained([False, True, True])
    assert sustained([True, False, True])
    assert not sustained([True, True, False])
    assert not sustained([True, False, False, True])
    assert not sustained([])
    assert not sustained([True])
    rng = np.random.default_rng(8)
    chance = rng.random((40_000, 3)) < 0.05
    simulated = np.mean([sustained(list(row)) for row in chance])
    assert Persistence().false_alarm_rate(0.05) == pytest.approx(0.05 * (1 - 0.95**2))
    assert simulated == pytest.approx(Persistence().false_alarm_rate(0.05), abs=0.001)
    assert Persistence(1, 1).false_alarm_rate(0.05) == pytest.approx(0.05)
    with pytest.raises(ValueError, match="4 of the last 3"):
        Persistence(4, 3)
