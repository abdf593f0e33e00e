"""The Numenta score of changepoints against values worked out by hand from the publisher's definition."""

from __future__ import annotations

import numpy as np
import pytest

from gauntlet.tasks.multivariate.changepoint import edges, nab_score

SECONDS = np.arange(300.0)


def at(*moments: int) -> np.ndarray:
    flags = np.zeros(300, dtype=bool)
    flags[list(moments)] = True
    return flags


@pytest.mark.parametrize("profile", ["standard", "low_fp", "low_fn"])
def test_perfect_is_100_and_silence_is_0(profile: str) -> None:
    """By the normalisation."""
    assert nab_score([(SECONDS, at(50, 150), at(50, 150))], profile) == pytest.approx(100.0)
    assert nab_score([(SECONDS, at(50, 150), at())], profile) == 0.0


def test_a_false_alarm_costs_its_price() -> None:
    """One hit at once and one prediction elsewhere: (1 - 0.11 + 1) / 2; half weight for the miss of low_fn: / 3."""
    runs = [(SECONDS, at(50), at(50, 200))]
    assert nab_score(runs, "standard") == pytest.approx(100 * (0.89 + 1) / 2)
    assert nab_score(runs, "low_fp") == pytest.approx(100 * (0.78 + 1) / 2)
    assert nab_score(runs, "low_fn") == pytest.approx(100 * (0.89 + 2) / 3)


def test_a_late_hit_earns_less_down_to_the_price_of_a_false_alarm() -> None:
    """At the middle of the window half way between 1 and -0.11, at its end -0.11; the second hit in a window is free."""
    middle = nab_score([(SECONDS, at(100), at(115, 118))])
    assert middle == pytest.approx(100 * ((1 - 0.11) / 2 + 1) / 2, abs=0.2)
    assert nab_score([(SECONDS, at(100), at(130))]) == pytest.approx(100 * (-0.11 + 1) / 2)
    assert nab_score([(SECONDS, at(100), at(131))]) == pytest.approx(100 * (-0.11 - 1 + 1) / 2)


def test_overlapping_windows_are_cut_on_the_right_one() -> None:
    """A prediction in the first window only leaves the second one missed."""
    assert nab_score([(SECONDS, at(100, 110), at(100))]) == pytest.approx(100 * (1 - 1 + 2) / 4)


def test_edges_are_beginnings_and_ends() -> None:
    """Of an alarm's state."""
    flagged = np.array([0, 0, 1, 1, 0, 1], bool)
    assert edges(flagged).tolist() == [False, False, True, False, True, True]
    assert edges(np.array([True, True])).tolist() == [True, False]
