"""The chosen threshold is the best of all thresholds, found by trying every one."""

import numpy as np
import pytest

from gauntlet.tasks.models.operating_point import cheapest_threshold, f1_threshold

SEEDS = range(20)


def drawn(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels and scores in [0, 1]; odd seeds have many ties."""
    rng = np.random.default_rng(seed)
    y = (rng.random(40) < 0.25).astype(int)
    y[0] = 1
    score = np.clip(0.3 * y + rng.random(40) * 0.7, 0, 1)
    return y, score.round(1) if seed % 2 else score


def f1_at(y: np.ndarray, flagged: np.ndarray) -> float:
    hits = sum(1 for truth, alarm in zip(y, flagged, strict=True) if truth and alarm)
    return 2 * hits / (flagged.sum() + y.sum())


def cost_at(y: np.ndarray, flagged: np.ndarray, miss: float, false_alarm: float) -> float:
    pairs = list(zip(y.tolist(), flagged.tolist(), strict=True))
    return miss * pairs.count((1, False)) + false_alarm * pairs.count((0, True))


def every_policy(score: np.ndarray) -> list[np.ndarray]:
    """The alarms of every threshold that makes a difference, silence among them."""
    return [score > threshold for threshold in [-1.0, *np.unique(score)]]


@pytest.mark.parametrize("seed", SEEDS)
def test_no_threshold_has_a_larger_f1(seed: int) -> None:
    """The largest F1 over all thresholds is reached."""
    y, score = drawn(seed)
    best = max(f1_at(y, flagged) for flagged in every_policy(score))
    assert f1_at(y, score > f1_threshold(y, score)) == pytest.approx(best, abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("prices", [(500.0, 25.0), (1.0, 1.0), (1.0, 30.0), (1000.0, 0.1)])
def test_no_threshold_is_cheaper(seed: int, prices: tuple[float, float]) -> None:
    """The smallest cost over all thresholds is reached, at any prices."""
    y, score = drawn(seed)
    best = min(cost_at(y, flagged, *prices) for flagged in every_policy(score))
    assert cost_at(y, score > cheapest_threshold(y, score, *prices), *prices) == pytest.approx(best, abs=1e-9)


def test_silence_is_never_broken_where_it_is_cheapest() -> None:
    """Where a false alarm costs more than every miss, not even a certain score of 1 alarms."""
    y, score = np.array([1, 0, 0, 0]), np.array([0.2, 1.0, 0.9, 0.5])
    threshold = cheapest_threshold(y, score, 1.0, 100.0)
    assert threshold == 1.0
    assert not (score > threshold).any()


def test_silence_wins_a_draw() -> None:
    """An alarm that saves nothing is not given."""
    assert cheapest_threshold(np.array([1, 0]), np.array([0.5, 0.5]), 10.0, 10.0) == 1.0


def test_every_row_alarms_where_that_is_cheapest() -> None:
    """Where a miss costs more than all false alarms, the lowest failure still alarms, and so does what lies beside it."""
    y, score = np.array([0, 0, 0, 1]), np.array([0.9, 0.8, 0.7, 0.1])
    threshold = cheapest_threshold(y, score, 1e6, 1.0)
    assert 0 <= threshold < 0.1
    assert (score > threshold).all()


def test_a_threshold_lies_between_two_scores() -> None:
    """Halfway to the next lower score, so that the last digit of a score decides nothing."""
    y, score = np.array([1, 1, 0, 0]), np.array([0.9, 0.8, 0.4, 0.1])
    assert f1_threshold(y, score) == pytest.approx(0.6)
    assert cheapest_threshold(y, score, 500, 25) == pytest.approx(0.6)


def test_equal_scores_share_a_fate() -> None:
    """A tie across the classes cannot be cut through: all of it alarms or none."""
    y, score = np.array([1, 0, 1, 0]), np.array([0.5, 0.5, 0.5, 0.2])
    assert f1_threshold(y, score) == pytest.approx(0.35)


def test_neighbouring_floats_are_told_apart() -> None:
    """Between two scores with no float between them the threshold is the lower one, not the upper."""
    for upper in (0.5, np.nextafter(0.5, 0), np.nextafter(0.5, 1)):
        score = np.array([upper, np.nextafter(upper, 0)])
        assert (score > f1_threshold(np.array([1, 0]), score)).tolist() == [True, False]


def test_the_order_of_rows_has_no_say() -> None:
    """A permutation of the rows gives the same thresholds."""
    y, score = drawn(3)
    order = np.random.default_rng(0).permutation(len(y))
    assert f1_threshold(y, score) == f1_threshold(y[order], score[order])
    assert cheapest_threshold(y, score, 9, 2) == cheapest_threshold(y[order], score[order], 9, 2)
