"""How forecasts are judged: errors by hand, intervals by probability, one rule for every choice."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.records.series import Series
from gauntlet.tasks.forecasting.conformal import half_widths, tracked
from gauntlet.tasks.forecasting.scores import Truth, naive_error, score
from gauntlet.tasks.forecasting.selection import simplest_within_one_error, standard_error
from gauntlet.tasks.forecasting.windows import checked, futures, histories, origins, spaced, split


def series(values: np.ndarray) -> Series:
    return Series("s", pd.Timestamp("2026-01-01"), pd.Timedelta("1h"), values, np.ones(len(values), bool))


def truth(actual: list[list[float]], last: list[float], centre: float = 0.0, scale: float = 1.0) -> Truth:
    return Truth(np.array(actual), np.array(last), 2.0, centre, scale, mean_size=10.0)


def test_errors_by_hand() -> None:
    """Errors 1, -1, 3, 1: MAE 1.5, MSE 3, RMSE sqrt(3), MASE 1.5 / 2; on the way up or down, three of four right."""
    came = truth([[1.0, 2.0], [3.0, 4.0]], [0.5, 5.0], centre=10.0)
    found = score(np.array([[2.0, 1.0], [6.0, 5.0 - 1e-3]]), came, None)
    assert found.metrics["mae"] == pytest.approx((1 + 1 + 3 + 0.999) / 4)
    assert found.metrics["mse"] == pytest.approx((1 + 1 + 9 + 0.999**2) / 4)
    assert found.metrics["rmse"] == pytest.approx(np.sqrt((1 + 1 + 9 + 0.999**2) / 4))
    assert found.metrics["mase"] == pytest.approx(found.metrics["mae"] / 2)
    assert found.metrics["mape"] == pytest.approx((1 / 11 + 1 / 12 + 3 / 13 + 0.999 / 14) / 4)
    assert found.direction == 0.75


def test_a_forecast_of_no_move_has_no_direction() -> None:
    assert np.isnan(score(np.array([[1.0, 1.0]]), truth([[2.0, 3.0]], [1.0]), None).direction)


def test_mape_is_not_stated_near_zero() -> None:
    """One actual value at zero of four would make it infinite; a series far from zero has it."""
    ahead = np.zeros((1, 4))
    assert "mape" not in score(ahead, truth([[0.0, 9.0, 9.0, 9.0]], [9.0]), None).metrics
    assert "mape" in score(ahead, truth([[0.0, 9.0, 9.0, 9.0]], [9.0], centre=20.0), None).metrics


def test_points_without_a_reading_do_not_count() -> None:
    """NaN in what came: as if the point were not there."""
    with_gap = score(np.zeros((1, 3)), truth([[1.0, np.nan, 3.0]], [0.0]), None)
    assert with_gap.metrics["mae"] == 2.0


def test_the_scale_of_mase_is_the_seasonal_naive_error() -> None:
    assert naive_error(np.array([1.0, 5.0, 2.0, 7.0]), 2) == 1.5
    assert naive_error(np.array([1.0, 5.0, 2.0]), 24) == 3.5  # shorter than a season: of the last value


def test_half_widths_are_those_of_the_normal_distribution() -> None:
    """From 4,000 normal errors: 1.2816 and 1.9600 deviations, wider by the step's own deviation."""
    errors = np.random.default_rng(0).normal(size=(4_000, 2)) * [1.0, 3.0]
    half = half_widths(errors)
    assert half[80] == pytest.approx(norm.ppf(0.9) * np.array([1, 3]), rel=0.05)
    assert half[95] == pytest.approx(norm.ppf(0.975) * np.array([1, 3]), rel=0.05)


def test_intervals_of_few_errors_cover_what_they_promise() -> None:
    """Split conformal's own guarantee, over many draws of 8 origins of 48 steps: not below the nominal share."""
    draw = np.random.default_rng(1)
    inside = []
    for _ in range(200):
        half = half_widths(draw.normal(size=(8, 48)))
        inside.append((np.abs(draw.normal(size=(8, 48))) <= half[95]).mean())
    assert 0.945 <= np.mean(inside) <= 0.975


def test_tracked_intervals_follow_a_change_and_stay_where_there_is_none() -> None:
    """Errors that double: fixed widths cover Phi's 67 % (2 * Phi(1.96 / 2) - 1), tracked ones come back to 92-98 %."""
    draw = np.random.default_rng(2)
    first = {95: np.full(6, norm.ppf(0.975))}
    doubled = 2 * draw.normal(size=(1_500, 6))
    assert (np.abs(doubled) <= first[95]).mean() == pytest.approx(2 * norm.cdf(0.98) - 1, abs=0.02)
    for errors in (doubled, draw.normal(size=(1_500, 6))):
        half = tracked(errors, first)[95]
        assert half.shape == (1_501, 6)
        assert 0.92 <= (np.abs(errors) <= half[:-1]).mean() <= 0.98


def test_tracking_uses_no_outcome_before_it_is_known() -> None:
    """An outcome three steps ahead of origin 10 is known at origin 13: no width before that depends on it."""
    errors = np.random.default_rng(3).normal(size=(40, 3))
    other = errors.copy()
    other[10, 2] = 50.0
    first = {95: np.full(3, 1.96)}
    differs = (tracked(errors, first)[95] != tracked(other, first)[95]).any(1)
    assert np.flatnonzero(differs)[0] == 13
    assert not differs[:13].any()


def test_the_simplest_within_one_error_is_taken() -> None:
    """Complex first: the best is 1.0; 1.02 with a noisy difference is taken, 2.0 is not, whatever its noise."""
    rows = np.ones((3, 80))
    rows[1] += 0.02 + np.repeat(np.tile([0.3, -0.3], 4), 10)
    rows[2] += 1.0
    assert simplest_within_one_error(rows) == 1
    rows[1] = 1.02  # the same mean without noise is more than one standard error above
    assert simplest_within_one_error(rows) == 0


def test_the_standard_error_is_that_of_blocks() -> None:
    """Eight blocks with means 0 to 7: deviation sqrt(6), by sqrt(8)."""
    assert standard_error(np.repeat(np.arange(8.0), 5)) == pytest.approx(np.sqrt(6 / 8))


def test_origins_histories_and_futures_meet_without_overlap() -> None:
    values = np.arange(20.0)
    at = origins(10, 20, 4)
    assert at.tolist() == [10, 11, 12, 13, 14, 15, 16]
    assert histories(values, at, 3)[0].tolist() == [7, 8, 9]
    assert futures(values, at, 4)[-1].tolist() == [16, 17, 18, 19]
    assert histories(values, np.array([2]), 4).tolist() == [[0, 0, 0, 1]]  # before the beginning: the first value
    assert spaced(10, 20, 4, 3).tolist() == [10, 13, 16]
    assert np.array_equal(histories(values, np.array([5, 9]), 2), [[3, 4], [7, 8]])


def test_z_scores_are_those_of_the_training_part() -> None:
    """Mean and deviation of the first 60 % only, whatever comes later."""
    values = np.concatenate([np.tile([1.0, 3.0], 60), np.full(80, 50.0)])
    one = split(series(values), (10,))
    assert (one.train, one.validation, one.end) == (120, 160, 200)
    assert (one.centre, one.scale) == (2.0, 1.0)


@pytest.mark.parametrize("horizons", [(-3,), (0,), (1.5,), ()])
def test_a_horizon_is_a_positive_number_of_steps(horizons: tuple[float, ...]) -> None:
    with pytest.raises(BadInput, match=r"no forecast over a horizon of .*expected 1 step or more"):
        checked(horizons)  # type: ignore[arg-type]


def test_too_short_a_series_says_how_much_is_needed() -> None:
    """5 * (24 + 8) points for 24 steps; the same length does for a shorter horizon."""
    values = np.sin(np.arange(150.0))
    with pytest.raises(BadInput, match="too short for a horizon of 24, saw 150 points; expected at least 160"):
        split(series(values), (24,))
    assert split(series(values), (12,)).end == 150


def test_a_constant_training_part_is_named() -> None:
    values = np.concatenate([np.full(150, 5.0), np.sin(np.arange(100.0))])
    with pytest.raises(BadInput, match="series s is constant over its training part, saw 5"):
        split(series(values), (12,))
