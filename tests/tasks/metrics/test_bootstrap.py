"""Resamples of units and their percentile intervals, against closed forms and NumPy's own percentiles."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from gauntlet.tasks.metrics.bootstrap import draws, percentile_interval, percentile_intervals, weights


@pytest.mark.parametrize("seed", [7, [7, 123], np.random.SeedSequence(7)], ids=["number", "list", "sequence"])
def test_every_resample_holds_as_many_units_as_there_are(seed: object) -> None:
    """By places and by counts, the same again for the same seed."""
    places, counts = draws(12, 50, seed), weights(12, 50, seed)
    assert places.shape == counts.shape == (50, 12)
    assert (counts.sum(1) == 12).all()
    assert set(np.unique(places)) == set(range(12))
    np.testing.assert_array_equal(places, draws(12, 50, seed))
    np.testing.assert_array_equal(counts, weights(12, 50, seed))


@pytest.mark.parametrize("by", ["places", "counts"])
def test_a_unit_is_in_a_resample_as_often_as_the_binomial_says(by: str) -> None:
    """n draws with chance 1 / n each: shares of resamples that hold the first unit 0, 1, 2, 3 times."""
    resampled = (draws(8, 40_000, 1) == 0).sum(1) if by == "places" else weights(8, 40_000, 1)[:, 0]
    shares = [(resampled == times).mean() for times in range(4)]
    assert shares == pytest.approx(binom.pmf(range(4), 8, 1 / 8), abs=0.01)


def test_strata_keep_their_number_of_units() -> None:
    """Three failures among ten units are three in every resample, whatever their order."""
    strata = np.array([0, 1, 0, 0, 1, 0, 0, 0, 1, 0], bool)
    counts = weights(10, 200, 3, strata)
    assert (counts[:, strata].sum(1) == 3).all()
    assert (counts[:, ~strata].sum(1) == 7).all()
    assert len(np.unique(counts, axis=0)) > 100


def test_one_generator_goes_on_from_batch_to_batch() -> None:
    """Two batches are not the same resamples twice; together they are those of one generator asked once."""
    rng = np.random.default_rng(5)
    batches = [draws(6, 10, rng), draws(6, 10, rng)]
    assert (batches[0] != batches[1]).any()
    np.testing.assert_array_equal(np.concatenate(batches), draws(6, 20, 5))


def test_the_interval_is_numpys_percentiles_and_holds_the_estimate() -> None:
    """95 %; where an estimate lies outside, its side is widened to it."""
    values = np.random.default_rng(2).normal(size=501)
    low, high = np.percentile(values, [2.5, 97.5])
    assert percentile_interval(values) == (low, high)
    assert percentile_interval(values, 0.0) == (low, high)
    assert percentile_interval(values, low - 1) == (low - 1, high)
    assert percentile_interval(values, high + 1) == (low, high + 1)
    assert percentile_interval(values, beyond=0.0) == (values.min(), values.max())


def test_resamples_that_cannot_say_are_left_out() -> None:
    """A figure that some resamples lack has the interval of the others; one that all of them lack has none."""
    values = np.arange(41.0)
    resampled = {"recall": values, "pr_auc": np.r_[values, np.nan, np.nan], "roc_auc": np.full(3, np.nan)}
    assert percentile_intervals(resampled) == {"recall": (1.0, 39.0), "pr_auc": (1.0, 39.0)}
    assert percentile_intervals(resampled, {"recall": 0.0, "pr_auc": 20.0})["recall"] == (0.0, 39.0)


def test_the_interval_of_a_mean_holds_the_truth_as_often_as_it_says() -> None:
    """Means of 40 normal values: about 94 of 100 (a percentile interval of 40 units is a little narrow)."""
    rng = np.random.default_rng(9)
    held = 0
    for _ in range(400):
        values = rng.normal(size=40)
        low, high = percentile_interval(values[draws(40, 400, rng)].mean(1))
        held += low <= 0 <= high
    assert 0.90 < held / 400 < 0.975
