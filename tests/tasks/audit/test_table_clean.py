"""Honest features raise no finding: real mechanisms, strong sensors, wear counters, noise; and order has no say."""

import numpy as np
import pandas as pd
import pytest

from gauntlet.tasks.audit import audit_table

SEEDS = range(50)


def features(rng, rows: int) -> pd.DataFrame:
    """Columns of every honest type: measurements, coarse ones, counters with resets, categories, constants, gaps."""
    wear = np.cumsum(rng.integers(2, 6, rows))
    gappy = rng.normal(size=rows)
    gappy[rng.random(rows) < 0.3] = np.nan
    return pd.DataFrame({
        "walk": np.cumsum(rng.normal(size=rows)), "rpm": rng.normal(1500, 150, rows).round(), "raw": rng.integers(0, 2**24, rows),
        "wear": wear % 230, "kind": rng.choice(list("LMH"), rows), "on": rng.random(rows) < 0.5, "gappy": gappy,
        "constant": 1.0, "empty": np.nan, "rare bit": rng.random(rows) < 0.01, "zeros": np.maximum(rng.normal(-1, 1, rows), 0),
        "machine": rng.integers(1, 6, rows), "g1": rng.normal(size=rows), "g2": rng.normal(size=rows),
    }, index=pd.date_range("2024-01-01", periods=rows, freq="min"))  # fmt: skip


@pytest.mark.parametrize(("rows", "rate"), [(400, 0.1), (3000, 0.03), (3000, 0.5)])
def test_random_features_raise_no_finding(rows, rate):
    """No finding in any of 150 tables whose target has nothing to do with the features."""
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        assert audit_table(features(rng, rows), rng.random(rows) < rate) == ()


@pytest.mark.slow
@pytest.mark.parametrize(("rows", "rate"), [(500, 0.1), (2000, 0.03), (2000, 0.5)])
def test_a_strong_sensor_is_no_leak(rows, rate):
    """AUC 0.98 (classes 2.9 standard deviations apart), and an alarm bit that is right nine times in ten."""
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        y = rng.random(rows) < rate
        alarm = np.where(y, rng.random(rows) < 0.5, rng.random(rows) < 0.05 * rate / (1 - rate))
        table = features(rng, rows).assign(strong=rng.normal(size=rows) + 2.9 * y, alarm=alarm)
        assert audit_table(table, y) == ()


@pytest.mark.slow
def test_a_sensor_that_tells_two_states_apart_is_no_rule():
    """Overlapping sensors and one of AUC 0.9998 (5 standard deviations): at most 1 false finding in 50 tables."""
    false = 0
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        y = rng.random(1500) < 0.3
        table = pd.DataFrame(rng.normal(size=(1500, 20)), columns=[f"band {i}" for i in range(20)])
        table["band 0"] += 5 * y
        table["band 1"] += 2 * y
        false += bool(audit_table(table, y))
    assert false <= 1


def test_several_strong_sensors_are_seldom_taken_for_a_rule():
    """Three independent sensors of AUC 0.98: at most 1 false finding in 50 tables of 2,000 rows."""
    false = 0
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        y = rng.random(2000) < 0.1
        table = pd.DataFrame(rng.normal(size=(2000, 8)), columns=list("abcdefgh"))
        table[["a", "b", "c"]] += 2.9 * y[:, None]
        false += bool(audit_table(table, y))
    assert false <= 1


def test_a_target_that_follows_a_noisy_rule_is_no_finding():
    """One label in fifty is not what the threshold says: something is left to learn."""
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        table = features(rng, 2000)
        y = (table["g1"] > 1) ^ (rng.random(2000) < 0.02)
        assert audit_table(table, y) == ()


@pytest.mark.parametrize("y", [np.zeros(40), np.ones(40), np.full(40, np.nan), np.array(["NORMAL"] * 40)])
def test_a_target_of_one_class_says_nothing_about_its_features(y):
    """That no fault is there is another finding, and not one of the table."""
    assert audit_table(features(np.random.default_rng(0), 40), y) == ()


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_toy_tables_raise_no_finding(rows):
    """Too few rows to say anything are left alone."""
    table = pd.DataFrame({"a": np.arange(rows, dtype=float), "b": ["x"] * rows})
    assert audit_table(table, np.arange(rows) % 2) == ()


def test_a_quantity_as_target_raises_no_finding():
    """Remaining life, with features that go with it."""
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        life = rng.uniform(0, 500, 1000)
        assert audit_table(features(rng, 1000).assign(good=life + rng.normal(0, 20, 1000)), life) == ()


@pytest.mark.slow
@pytest.mark.parametrize("rows", [2000, 60_000])
def test_the_order_of_rows_and_columns_has_no_say(rows):
    """Shuffled tables get the same findings, word for word, sampled tables too."""
    rng = np.random.default_rng(7)
    table = features(rng, rows)
    y = pd.Series((table["g1"] > 1).to_numpy(), index=table.index)
    table = table.assign(
        number=np.arange(rows), cost=np.where(y, rng.gamma(2, 3, rows), 0), bit=y & (rng.random(rows) < 0.4)
    )
    found = audit_table(table, y)
    assert {finding.kind for finding in found} == {"identifier", "post_event", "label_derived", "shallow_rule"}
    for seed in range(3):
        again = np.random.default_rng(seed)
        order = again.permutation(rows)
        assert audit_table(table.iloc[order, again.permutation(table.shape[1])], y.iloc[order]) == found


def test_the_audit_changes_nothing():
    """The caller's table is as it was."""
    table = features(np.random.default_rng(8), 300)
    before = table.copy(deep=True)
    audit_table(table, np.arange(300) % 2)
    pd.testing.assert_frame_equal(table, before)
