"""Every figure of the results table against scikit-learn, closed forms, and simulations whose truth is known."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn import metrics

from gauntlet.tasks.metrics.classification import (
    Judged,
    bootstrap_weights,
    confusion,
    constant_answer,
    recall_by_mode,
    table_row,
)
from gauntlet.tasks.metrics.prices import Prices

PRICES = Prices(miss=300.0, false_alarm=20.0)
DECIMALS = {"continuous": None, "ties": 1, "two values": 0}


def drawn(seed: int, decimals: int | None = None, rows: int = 120) -> Judged:
    """One repeat of labels, scores and two decisions."""
    rng = np.random.default_rng(seed)
    y = (rng.random(rows) < 0.2).astype(int)
    y[:2] = 0, 1
    score = np.clip(rng.random(rows) * 0.7 + 0.3 * y, 0, 1)
    score = score if decimals is None else score.round(decimals)
    return Judged(y, score[None], score[None] >= 0.6, score[None] >= 0.4)


def by_scikit_learn(answer: Judged, rows: np.ndarray | slice = slice(None)) -> dict[str, float]:
    """The same figures of these rows, a row that is drawn twice being there twice."""
    y, score, flagged = answer.y[rows], answer.probability[0][rows], answer.flagged[0][rows]
    by_cost = answer.flagged_by_cost[0][rows]
    misses, false_alarms = sum(y > by_cost), sum(by_cost > y)
    return {
        "accuracy": metrics.accuracy_score(y, flagged),
        "precision": metrics.precision_score(y, flagged, zero_division=0),
        "recall": metrics.recall_score(y, flagged),
        "f1": metrics.f1_score(y, flagged),
        "mcc": metrics.matthews_corrcoef(y, flagged),
        "pr_auc": metrics.average_precision_score(y, score),
        "roc_auc": metrics.roc_auc_score(y, score),
        "brier": metrics.brier_score_loss(y, score),
        "cost": (misses * 300.0 + false_alarms * 20.0) / len(y) * 1_000,
    }


@pytest.mark.parametrize("decimals", DECIMALS.values(), ids=DECIMALS)
@pytest.mark.parametrize("seed", range(5))
def test_estimates_are_those_of_scikit_learn(seed: int, decimals: int | None) -> None:
    """Every metric, with and without ties in the score."""
    answer = drawn(seed, decimals)
    row = table_row("x", answer, bootstrap_weights(len(answer.y), 0, 2), PRICES)
    assert row.metrics == pytest.approx(by_scikit_learn(answer), abs=1e-12)
    assert row.intervals.keys() == row.metrics.keys()


@pytest.mark.parametrize("decimals", DECIMALS.values(), ids=DECIMALS)
def test_a_weight_of_two_is_a_row_that_is_there_twice(decimals: int | None) -> None:
    """The interval ends are the percentiles of scikit-learn's figures on physically repeated rows."""
    answer = drawn(11, decimals)
    weights = bootstrap_weights(len(answer.y), 5, 40)
    slow = [by_scikit_learn(answer, np.repeat(np.arange(len(answer.y)), one.astype(int))) for one in weights]
    row = table_row("x", answer, weights, PRICES)
    for metric in row.metrics:
        expected = np.percentile([one[metric] for one in slow], [2.5, 97.5])
        assert row.intervals[metric] == pytest.approx(expected, rel=1e-5, abs=1e-6), metric


def test_an_estimate_is_the_mean_over_repeats() -> None:
    """Two dealings of the rows count equally."""
    one, two = drawn(1), drawn(2)
    both = Judged(
        one.y,
        *(
            np.concatenate(pair)
            for pair in zip(vars(one).values(), vars(two).values(), strict=True)
            if pair[0].ndim > 1
        ),
    )
    again = Judged(one.y, two.probability, two.flagged, two.flagged_by_cost)
    weights = bootstrap_weights(len(one.y), 0, 2)
    rows = [table_row("x", answer, weights, PRICES).metrics for answer in (one, again, both)]
    for metric, value in rows[2].items():
        assert value == pytest.approx((rows[0][metric] + rows[1][metric]) / 2)


def test_resamples_hold_as_many_rows_as_there_are() -> None:
    """Every resample draws n rows; each row once on average, with the variance 1 - 1/n of a multinomial draw."""
    weights = bootstrap_weights(200, 3)
    assert (weights.sum(1) == 200).all()
    assert weights.mean() == 1
    assert weights.var() == pytest.approx(1 - 1 / 200, rel=0.03)
    np.testing.assert_array_equal(weights, bootstrap_weights(200, 3))
    assert not np.array_equal(weights, bootstrap_weights(200, 4))


def test_the_four_cells_add_up() -> None:
    """True alarms, false alarms, misses and true silences, by weight, are all rows."""
    answer = drawn(4)
    weights = bootstrap_weights(len(answer.y), 1, 10)
    cells = confusion(answer.y, answer.flagged[0], weights)
    np.testing.assert_array_equal(sum(cells), np.full(10, len(answer.y)))
    ((tn, fp), (fn, tp)) = metrics.confusion_matrix(answer.y, answer.flagged[0])
    ones = confusion(answer.y, answer.flagged[0], np.ones((1, len(answer.y))))
    assert [int(cell[0]) for cell in ones] == [tp, fp, fn, tn]


def test_silence_in_closed_form() -> None:
    """With a share p of failures: accuracy 1 - p, PR-AUC p, ROC-AUC 1/2, Brier p, cost p x price of a miss per row."""
    y = np.r_[np.ones(34, int), np.zeros(966, int)]
    row = table_row(
        "majority", constant_answer(y, np.zeros_like(y)), bootstrap_weights(1_000, 0, 10), Prices(500.0, 25.0)
    )
    assert row.metrics == pytest.approx(
        {
            "accuracy": 0.966,
            "precision": 0,
            "recall": 0,
            "f1": 0,
            "mcc": 0,
            "pr_auc": 0.034,
            "roc_auc": 0.5,
            "brier": 0.034,
            "cost": 34 * 500.0,
        }
    )


def test_an_oracle_in_closed_form() -> None:
    """30 hits, 4 misses, 1 false alarm: every figure by hand; PR-AUC has a step at the alarms and one at the rest."""
    y = np.r_[np.ones(34, int), np.zeros(966, int)]
    flagged = np.r_[np.ones(30, int), np.zeros(4, int), np.ones(1, int), np.zeros(965, int)]
    row = table_row("oracle", constant_answer(y, flagged), bootstrap_weights(1_000, 0, 10), Prices(500.0, 25.0))
    recall, false_rate = 30 / 34, 1 / 966
    assert row.metrics == pytest.approx(
        {
            "accuracy": 0.995,
            "precision": 30 / 31,
            "recall": recall,
            "f1": 60 / 65,
            "mcc": (30 * 965 - 1 * 4) / np.sqrt(31.0 * 34 * 966 * 969),
            "pr_auc": recall * 30 / 31 + (1 - recall) * 0.034,
            "roc_auc": (1 + recall - false_rate) / 2,
            "brier": 0.005,
            "cost": 4 * 500.0 + 25.0,
        }
    )


def test_a_perfect_answer_has_no_interval() -> None:
    """All figures at their best, in every resample."""
    y = np.r_[np.ones(30, int), np.zeros(70, int)]
    row = table_row("x", constant_answer(y, y), bootstrap_weights(100, 0), PRICES)
    for metric in ("accuracy", "precision", "recall", "f1", "mcc", "pr_auc", "roc_auc"):
        assert (row.metrics[metric], *row.intervals[metric]) == pytest.approx((1, 1, 1))
    assert (row.metrics["brier"], row.metrics["cost"]) == (0, 0)


def binormal(seed: int, rows: int) -> Judged:
    """A fifth fails; scores are normal with unit variance, means 0 and 1.5; alarm above 1. Recall = P(Z > -0.5)."""
    rng = np.random.default_rng(seed)
    y = (rng.random(rows) < 0.2).astype(int)
    score = rng.normal(1.5 * y)
    return Judged(y, score[None], score[None] > 1, score[None] > 1)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """95 % intervals of 300 sets of 250 rows hold the known truth in 90 to 99 % of sets."""
    hits, false_alarms = 0.2 * norm.sf(-0.5), 0.8 * norm.sf(1)
    big = binormal(999, 1_000_000)
    truth = {
        "accuracy": hits + 0.8 - false_alarms,
        "precision": hits / (hits + false_alarms),
        "recall": norm.sf(-0.5),
        "roc_auc": norm.cdf(1.5 / np.sqrt(2)),
        "pr_auc": metrics.average_precision_score(big.y, big.probability[0]),
    }
    weights = bootstrap_weights(250, 1, 400)
    intervals = [table_row("x", binormal(seed, 250), weights, PRICES).intervals for seed in range(300)]
    for metric, value in truth.items():
        held = np.mean([low <= value <= high for low, high in (one[metric] for one in intervals)])
        assert 0.90 <= held <= 0.99, metric


def test_recall_by_mode_is_the_share_of_its_rows_that_were_flagged() -> None:
    """A mode of three rows, two of them flagged in one repeat and one in the other; a mode without rows has none."""
    modes = {"HDF": np.array([1, 1, 1, 0, 0]), "TWF": np.zeros(5, int)}
    flagged = np.array([[1, 1, 0, 1, 0], [1, 0, 0, 0, 0]], dtype=bool)
    shares = recall_by_mode(modes, flagged)
    assert shares["HDF"] == (3, pytest.approx(0.5))
    assert shares["TWF"][0] == 0
    assert np.isnan(shares["TWF"][1])
