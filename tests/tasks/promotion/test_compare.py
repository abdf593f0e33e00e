"""The paired comparison against closed forms, scikit-learn and simulations whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import average_precision_score, brier_score_loss, recall_score

from gauntlet.datasets.errors import BadInput
from gauntlet.tasks.metrics.classification import Judged
from gauntlet.tasks.metrics.lives import Outcome
from gauntlet.tasks.metrics.prices import Prices
from gauntlet.tasks.promotion.compare import Comparison, Tolerance, compare_lives, compare_means, compare_rows, tail
from gauntlet.tasks.promotion.decide import decide

PRICES = Prices(miss=500.0, false_alarm=25.0)


def judged(y: np.ndarray, score: np.ndarray, cut: float = 0.5) -> Judged:
    """One repeat, both decisions at the same threshold."""
    flagged = (score >= cut)[None]
    return Judged(y, score[None], flagged, flagged)


def pair(seed: int, rows: int = 400, noise: tuple[float, float] = (1.0, 1.0)) -> tuple[Judged, Judged]:
    """Two models that see the same signal, each with noise of its own: of equal merit when the noise is equal."""
    rng = np.random.default_rng(seed)
    y = np.zeros(rows, int)
    y[: rows // 5] = 1
    shared = 1.5 * y + 0.5 * rng.standard_normal(rows)
    first, second = (norm.cdf(shared + sd * rng.standard_normal(rows) - 1.0) for sd in noise)
    return judged(y, first), judged(y, second)


def rows_compared(seed: int, **options: object) -> Comparison:
    """A comparison of a simulated pair by PR-AUC."""
    return compare_rows(*pair(seed, **options), "pr_auc", PRICES, seed, tolerances=(), resamples=400)  # type: ignore[arg-type]


def test_identical_models_differ_by_nothing_and_are_kept() -> None:
    """Every paired difference is zero, to the digit, and zero is no gain."""
    model, _ = pair(1)
    same = compare_rows(model, model, "pr_auc", PRICES, seed=7)
    assert (same.primary.gain, same.primary.low, same.primary.high) == (0.0, 0.0, 0.0)
    assert all(guard.kept and guard.difference.gain == 0 for guard in same.guards)
    assert decide(same, [], True, "enabled").verdict == "keep"


def test_estimates_are_those_of_scikit_learn_and_the_better_one_is_promoted() -> None:
    """Half the noise: a gain that 400 rows show; less Brier and cost count as better."""
    old, new = pair(2, noise=(1.6, 0.2))
    told = compare_rows(old, new, "pr_auc", PRICES, seed=7)
    for model, value in ((old, told.primary.champion), (new, told.primary.challenger)):
        assert value == pytest.approx(average_precision_score(model.y, model.probability[0]))
    by_name = {guard.difference.metric: guard.difference for guard in told.guards}
    assert by_name["brier"].challenger == pytest.approx(brier_score_loss(new.y, new.probability[0]))
    assert by_name["recall"].champion == pytest.approx(recall_score(old.y, old.flagged[0]))
    assert by_name["brier"].gain == pytest.approx(by_name["brier"].champion - by_name["brier"].challenger)
    assert by_name["brier"].gain > 0
    assert told.primary.low > 0
    assert decide(told, [], True, "enabled").act
    back = compare_rows(new, old, "pr_auc", PRICES, seed=7)
    assert back.primary.gain == -told.primary.gain
    assert decide(back, [], True, "enabled").verdict != "promote"


@pytest.mark.slow
def test_equal_models_are_promoted_at_most_at_the_stated_rate() -> None:
    """200 pairs of equal merit, gain claimed by the interval's lower end: stated 2.5 %, at most 5 of 200."""
    promoted = sum(rows_compared(seed).primary.low > 0 for seed in range(200))
    assert promoted <= 5


def test_the_interval_of_a_mean_is_the_closed_form() -> None:
    """For a mean of differences the bootstrap's standard error is sd / sqrt(n), its ends Student's, after Hesterberg."""
    rng = np.random.default_rng(5)
    old = rng.gamma(2.0, size=40)
    new = old + 0.1 * rng.standard_normal(40) - 0.02
    told = compare_means(old, new, "mae", seed=3, resamples=20_000).primary
    gains = old - new
    half = norm.isf(tail(40)) * gains.std() / np.sqrt(40)
    assert told.gain == pytest.approx(gains.mean())
    assert told.low == pytest.approx(gains.mean() - half, abs=0.06 * half)
    assert told.high == pytest.approx(gains.mean() + half, abs=0.06 * half)
    assert norm.isf(tail(10)) * np.sqrt(9 / 10) == pytest.approx(2.262, abs=5e-4)  # Student's t, 9 degrees, 97.5 %


def test_pairing_narrows_and_groups_widen() -> None:
    """Against independent draws pairing removes the shared part; rows repeated ten times are no more evidence in groups."""
    old, new = pair(4, noise=(0.3, 0.3))
    told = compare_rows(old, new, "pr_auc", PRICES, seed=7, tolerances=()).primary
    rng = np.random.default_rng(0)
    shuffled = rng.permutation(80), 80 + rng.permutation(320)  # the rows of the challenger in another order, by class
    mixed = np.concatenate(shuffled)
    apart = Judged(new.y, new.probability[:, mixed], new.flagged[:, mixed], new.flagged_by_cost[:, mixed])
    unpaired = compare_rows(old, apart, "pr_auc", PRICES, seed=7, tolerances=()).primary
    assert unpaired.gain == pytest.approx(told.gain)
    assert told.high - told.low < 0.8 * (unpaired.high - unpaired.low)
    error, other = rng.random(50), rng.random(50)
    rows = [compare_means(np.repeat(error, 10), np.repeat(other, 10), "mae", 1, groups=g).primary
            for g in (None, np.repeat(np.arange(50), 10))]  # fmt: skip
    once = compare_means(error, other, "mae", 1).primary
    assert (rows[1].low, rows[1].high) == pytest.approx((once.low, once.high))
    assert rows[0].high - rows[0].low < 0.5 * (once.high - once.low)


def test_same_seed_same_digits_and_classes_keep_their_numbers() -> None:
    """Deterministic; a metric that only counts rows of a class does not vary between resamples."""
    assert rows_compared(6) == rows_compared(6)
    y = np.r_[np.ones(10), np.zeros(30)].astype(int)
    silent, always = judged(y, np.zeros(40)), judged(y, np.ones(40))
    told = compare_rows(silent, always, "precision", PRICES, seed=1, tolerances=())
    assert (told.primary.low, told.primary.high) == pytest.approx((0.25, 0.25))  # 10 of 40 in every resample


def test_a_guard_breaks_past_its_tolerance_and_not_at_it() -> None:
    """Recall falls by exactly 0.1: allowed at 0.1, not at 0.09; cost is a share of the champion's."""
    y = np.r_[np.ones(10), np.zeros(90)].astype(int)
    score = np.where(y == 1, 0.9, 0.1)
    old, new = judged(y, score), judged(y, np.where(np.arange(100) == 0, 0.1, score))
    at, past = (
        compare_rows(old, new, "roc_auc", PRICES, seed=1, tolerances=(Tolerance("recall", by),)).guards[0]
        for by in (0.1, 0.09)
    )
    assert at.kept
    assert not past.kept
    cost = compare_rows(new, old, "roc_auc", PRICES, seed=1, tolerances=(Tolerance("cost", 0.05, True),)).guards[0]
    assert cost.difference.champion == pytest.approx(5_000.0)  # one miss at 500 in 100 rows, per 1,000 rows
    assert cost.allowed == pytest.approx(250.0)


def test_censored_rows_count_for_neither() -> None:
    """Rows after an intervention are as if they were not there."""
    old, new = pair(8)
    gone = np.zeros(400, bool)
    gone[::7] = True
    left = [
        Judged(m.y[~gone], m.probability[:, ~gone], m.flagged[:, ~gone], m.flagged_by_cost[:, ~gone])
        for m in (old, new)
    ]
    assert compare_rows(old, new, "f1", PRICES, 1, censored=gone) == compare_rows(left[0], left[1], "f1", PRICES, 1)


def lives(hits: int, of: int, false: int = 0) -> list[Outcome]:
    """`of` failing lives, the first `hits` announced, and two healthy ones that share the false alarms."""
    week = 7 * 24 * 3600.0
    failing = [Outcome(f"m{i}", True, i < hits, 0, week, 10.0 if i < hits else None) for i in range(of)]
    return [*failing, Outcome("healthy a", False, False, false, week), Outcome("healthy b", False, False, 0, week)]


def test_lives_are_the_unit_of_detectors() -> None:
    """F1 = 2 hits / (hits + failures + false alarms); 4 of 20 against 18 of 20 is a gain, 17 against 18 is none."""
    told = compare_lives(lives(4, 20), lives(18, 20), seed=7)
    assert (told.unit, told.units, told.rarer) == ("life", 22, 20)
    assert told.primary.champion == pytest.approx(2 * 4 / 24)
    assert told.primary.challenger == pytest.approx(2 * 18 / 38)
    assert told.primary.low > 0
    assert compare_lives(lives(17, 20), lives(18, 20), seed=7).primary.low <= 0
    noisy = compare_lives(lives(10, 20, 1), lives(18, 20, 3), seed=7)
    weekly = next(one for one in noisy.guards if one.difference.metric == "false_alarms_per_week")
    assert (weekly.difference.champion, weekly.difference.challenger) == pytest.approx((1 / 22, 3 / 22))
    assert not weekly.kept
    assert decide(noisy, [], True, "enabled").verdict == "refused"


def test_an_intervened_life_is_neither_hit_nor_false_alarm() -> None:
    """A machine that was repaired after an alarm changes no figure."""
    repaired = Outcome("repaired", False, False, 1, 1.0)
    old, new = lives(4, 20), lives(18, 20)
    with_it = compare_lives([*old, repaired], [*new, repaired], 7, intervened=["repaired"])
    assert with_it == compare_lives(old, new, 7)


def test_what_cannot_be_compared_is_said() -> None:
    """Other rows, one class, an unknown metric, other lives, no failure: each is one clear line."""
    old, new = pair(9)
    healthy = judged(np.zeros(5, int), np.zeros(5))
    with pytest.raises(BadInput, match="other rows"):
        compare_rows(old, pair(9, rows=500)[1], "f1", PRICES, 1)
    with pytest.raises(BadInput, match="one class"):
        compare_rows(healthy, healthy, "f1", PRICES, 1)
    with pytest.raises(BadInput, match="'auc_pr'"):
        compare_rows(old, new, "auc_pr", PRICES, 1)
    with pytest.raises(BadInput, match="other lives"):
        compare_lives(lives(1, 3), lives(1, 4), 1)
    with pytest.raises(BadInput, match="no life"):
        compare_lives(lives(0, 0), lives(0, 0), 1)
    with pytest.raises(BadInput, match="expected the same"):
        compare_means(np.zeros(3), np.zeros(4), "mae", 1)
