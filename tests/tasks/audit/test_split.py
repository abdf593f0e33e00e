"""Rows, sessions and moments that stand on both sides of a split are found, and honest splits are left alone."""

import time

import numpy as np
import pandas as pd
import pytest
from scipy.signal import lfilter

from gauntlet.datasets.errors import BadInput
from gauntlet.tasks.audit import Part, Protocol, audit_claims

SEEDS = range(50)
HOUR = np.timedelta64(1, "h")


def series(rng, rows: int = 2000, columns: int = 6, memory: float = 0.98) -> np.ndarray:
    """Autocorrelated sensors, (rows, columns); with memory 0 each row is drawn anew."""
    return lfilter([np.sqrt(1 - memory**2)], [1, -memory], rng.normal(size=(rows + 300, columns)), axis=0)[300:]


def cut(rows: np.ndarray, test: np.ndarray, **columns) -> Protocol:
    """The protocol of a split: `columns` are arrays over all rows, `test` marks the test rows."""
    train_part = Part(features=rows[~test], **{name: values[~test] for name, values in columns.items()})
    return Protocol(train=train_part, test=Part(features=rows[test], **{name: v[test] for name, v in columns.items()}))


def only(protocol: Protocol) -> tuple[str, str, str]:
    """Kind, column and detail of the one finding."""
    (finding,) = audit_claims(protocol)
    return finding.kind, finding.column, finding.detail


def test_an_isolation_forest_scored_on_its_own_training_rows():
    """Trained = scored, known by the rows' numbers, or by their values where nobody kept the numbers."""
    rows = np.random.default_rng(0).normal(size=(500, 5))
    for part in (Part(ids=np.arange(500)), Part(features=rows), Part(ids=np.arange(500), features=rows)):
        assert only(Protocol(train=part, test=part)) == (
            "trained_is_scored", "", "500 of 500 scored rows are training rows",
        )  # fmt: skip


def test_rows_on_both_sides():
    """A split that overlaps in part says by how many rows."""
    protocol = Protocol(train=Part(ids=np.arange(8000)), test=Part(ids=np.arange(6797, 8797)))
    assert only(protocol) == ("split_overlap", "rows", "1,203 of 2,000 test rows are also training rows")


def test_rows_copied_before_the_split():
    """Failures were multiplied for balance, then the rows were split at random: copies of one row on both sides."""
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(2000, 5)).round(2)
    rows = np.concatenate([rows, np.repeat(rows[:60], 10, axis=0)])
    kind, column, detail = only(cut(rows, rng.random(len(rows)) < 0.2))
    assert (kind, column) == ("split_overlap", "values")
    assert "equal a training row in every value" in detail


def test_rows_copied_with_a_little_noise_before_the_split():
    """Augmented rows are no new rows."""
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(2000, 5))
    rows = np.concatenate([rows, rows[:500] + rng.normal(0, 0.002, (500, 5))])
    kind, column, detail = only(cut(rows, rng.random(len(rows)) < 0.2))
    assert (kind, column) == ("split_overlap", "values")
    assert "but for a little noise" in detail


def test_recording_sessions_on_both_sides():
    """Clips of one session, dealt out at random."""
    rng = np.random.default_rng(3)
    session = np.repeat([f"id_00_{i}" for i in range(40)], 25)
    clips = rng.normal(size=(40, 8)).repeat(25, axis=0) + rng.normal(0, 0.3, (1000, 8))
    kind, column, detail = only(cut(clips, rng.random(1000) < 0.2, groups=session))
    assert (kind, column) == ("split_overlap", "groups")
    assert "40 of 40 test groups are in training too (id_00_0, id_00_1, id_00_10, …)" in detail


@pytest.mark.parametrize("moments", [False, True])
@pytest.mark.parametrize("test_share", [0.1, 0.2, 0.5])
def test_a_series_dealt_out_at_random(moments, test_share):
    """Neighbouring minutes of autocorrelated sensors on both sides; the order of the parts' rows has no say."""
    for seed in range(5):
        rng = np.random.default_rng(seed)
        times = np.arange(2000)
        times = np.datetime64("2018-04-01") + times * np.timedelta64(1, "m") if moments else times
        order = rng.permutation(2000)
        kind, column, detail = only(cut(series(rng)[order], rng.random(2000) < test_share, times=times[order]))
        assert (kind, column) == ("split_overlap", "times")
        assert "neighbours correlate up to 0.9" in detail


def test_a_purge_gap_that_was_promised_and_not_kept():
    """Test rows less than six hours from the nearest training row, before or after."""
    times = pd.date_range("2018-04-01", periods=240, freq="h")
    test = (times >= "2018-04-04") & (times < "2018-04-06")
    for gap in (6 * HOUR, pd.Timedelta(hours=6)):
        protocol = Protocol(train=Part(times=times[~test]), test=Part(times=times[test]), purge=gap)
        kind, column, detail = only(protocol)
        assert (kind, column) == ("split_overlap", "times")
        assert detail.startswith("10 of 48 test rows are within ")


def test_a_purge_gap_that_was_kept():
    """Leave one episode out, with training rows a day away on both sides; text, zone and unit of the times differ."""
    times = pd.date_range("2018-04-01", periods=240, freq="h", tz="Europe/Berlin")
    test, train = times[100:120], times[:76].append(times[144:])
    protocol = Protocol(train=Part(times=train), test=Part(times=list(test)), purge=pd.Timedelta(days=1))
    assert audit_claims(protocol) == ()


def test_a_forecast_that_was_trained_on_later_rows():
    """For a forecast, training ends before the test part begins."""
    parts = {"train": Part(times=np.r_[:50, 80:100]), "test": Part(times=np.arange(50, 80))}
    assert audit_claims(Protocol(**parts)) == ()
    kind, column, detail = only(Protocol(**parts, forward=True))
    assert (kind, column, detail[:34]) == ("split_overlap", "times", "20 of 70 training rows are not bef")


def test_settings_chosen_on_the_test_part():
    """The best of nine settings by the test error; a threshold that maximises F1 on the rows it is stated for."""
    parts = {"train": Part(ids=np.arange(700)), "test": Part(ids=np.arange(700, 1000))}
    detail = "choices were made on 300 of 300 test rows"
    assert only(Protocol(**parts, tuning=Part(ids=np.arange(700, 1000)))) == ("tuned_on_test", "", detail)
    times = {"train": Part(times=np.arange(700)), "test": Part(times=np.arange(700, 1000))}
    assert only(Protocol(**times, tuning=Part(times=np.arange(700, 1000)))) == ("tuned_on_test", "", detail)
    rows = np.random.default_rng(4).normal(size=(300, 4))
    assert only(Protocol(test=Part(features=rows), tuning=Part(features=rows))) == ("tuned_on_test", "", detail)
    assert audit_claims(Protocol(**parts, tuning=Part(ids=np.arange(600, 700)))) == ()


def test_an_honest_split_of_independent_rows():
    """No finding in 50 random splits; times of independent rows are harmless, coarse columns and zero rows repeat."""
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        rows = series(rng, 600, memory=0)
        rows[:, 0], rows[:, 1] = rng.integers(0, 3, 600), rows[:, 1].round(1)
        rows[rng.random(600) < 0.1] = 0
        order = np.arange(600)
        assert audit_claims(cut(rows, rng.random(600) < 0.2, ids=order, times=order)) == ()


def test_coarse_tables_repeat_rows_by_chance():
    """Categories only: rows agree, and that proves nothing."""
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        rows = rng.integers(0, 5, (1000, 4)).astype(float)
        assert audit_claims(cut(rows, rng.random(1000) < 0.2)) == ()


def test_an_honest_split_of_a_series_by_time():
    """No finding in 50 splits into blocks, train before and after, the machines side by side or one at a time."""
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        times, start = np.arange(600), rng.integers(50, 400)
        test = (times >= start) & (times < start + 120)
        assert audit_claims(cut(series(rng, 600), test, times=times)) == ()
        machine = np.arange(600) % 3
        assert audit_claims(cut(series(rng, 600, memory=0), machine == 1, times=times // 3, groups=machine)) == ()


def test_fields_of_one_part_that_do_not_fit_together():
    """A part whose arrays differ in length is refused."""
    with pytest.raises(BadInput, match=r"differ in length: \{'ids': 3, 'labels': 2\}"):
        Part(ids=[1, 2, 3], labels=[0, 1])


def test_parts_as_tables_with_texts():
    """Categories are compared too; the order of the columns has no say; parts of unlike columns are refused."""
    rng = np.random.default_rng(6)
    table = pd.DataFrame(
        {"torque": rng.normal(size=400), "speed": rng.normal(size=400), "type": rng.choice(list("LMH"), 400)}
    )
    train, test = Part(features=table[:300]), Part(features=table[250:][["type", "torque", "speed"]])
    assert only(Protocol(train=train, test=test))[2] == "50 of 150 test rows equal a training row in every value"
    assert audit_claims(Protocol(train=train, test=Part(features=table[300:]))) == ()
    with pytest.raises(BadInput, match="2 features in one part; expected the other's 3"):
        audit_claims(Protocol(train=train, test=Part(features=table[["torque", "speed"]])))


def test_a_large_split_takes_about_a_second():
    """80,000 minutes x 52 sensors by time, every check on; a budget for a busy machine."""
    rng = np.random.default_rng(5)
    rows, times = rng.normal(size=(80_000, 52)), np.arange(80_000)
    started = time.perf_counter()
    assert audit_claims(cut(rows, times >= 64_000, times=times, ids=times)) == ()
    assert time.perf_counter() - started < 5
