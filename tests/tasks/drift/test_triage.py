"""Every row of the triage table, the order among them, and what may be learnt from."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gauntlet.tasks.alarms.rule import AlarmRule
from gauntlet.tasks.drift.calibration import Calibration
from gauntlet.tasks.drift.faults import data_faults
from gauntlet.tasks.drift.learnable import FailureSpan, learnable_rows
from gauntlet.tasks.drift.report import DriftReport, FeatureShift
from gauntlet.tasks.drift.sensors import longest_run, sensor_faults
from gauntlet.tasks.drift.triage import AlarmSpan, Evidence, Maintenance, alarm_spans, triage

HOUR, DAY, WEEK = 3600.0, 86400.0, 7 * 86400.0
NOW = 100 * DAY


def report(*moved):
    """A report in which exactly these features moved."""
    features = tuple(FeatureShift(n, 0.9 if n in moved else 0.01, 0.1, 0.5 if n in moved else 0.1, 0.3) for n in "abc")
    limits = Calibration({}, {}, 100)
    return DriftReport(features, len(moved) / 3, 0.05, 100, 100, 100, None, None, {}, limits, {}, b"")


DRIFTED = Evidence(NOW, report("b"), drifted_before=(False, True))
QUIET = Evidence(NOW, report(), drifted_before=(False, False))


def kind(evidence):
    verdict = triage(evidence)
    assert verdict.may_retrain == (verdict.kind == "operating_change")
    assert verdict.evidence
    assert verdict.action
    return verdict.kind


def test_a_drift_that_stays_is_an_operating_change():
    """Two of three and the latest; the sentence names feature, number and threshold."""
    verdict = triage(DRIFTED)
    assert (verdict.kind, verdict.drifted, verdict.features) == ("operating_change", True, ("b",))
    assert "PSI 0.900 against 0.100" in verdict.evidence[0]
    assert "2 of the last 3 windows drifted" in verdict.evidence[1]


def test_a_single_window_or_none_is_nothing():
    """And the evidence says how far it is from a drift."""
    once = triage(replace(DRIFTED, drifted_before=()))
    assert (once.kind, once.drifted) == ("none", False)
    assert "Not yet a drift: 1 of the last 1 windows drifted" in once.evidence[0]
    assert kind(QUIET) == "none"
    assert kind(replace(DRIFTED, drift=report(), drifted_before=(True, True))) == "none"
    assert kind(Evidence(NOW, None)) == "none"


@pytest.mark.parametrize("hours", [0.5, 24, 24 * 40])
def test_a_standing_alarm_is_degradation_however_old(hours):
    """With drift or without it, retraining is off."""
    alarm = AlarmSpan(NOW - hours * HOUR - HOUR, NOW - hours * HOUR)
    assert kind(replace(DRIFTED, alarms=(alarm,))) == "degradation"
    assert kind(replace(QUIET, alarms=(alarm,))) == "degradation"


def test_no_retraining_within_a_week_after_an_alarm():
    """Six days and 23 hours after: no. Seven days and an hour after: yes."""
    for ago, expected in ((WEEK - HOUR, "degradation"), (WEEK + HOUR, "operating_change")):
        alarm = AlarmSpan(NOW - 20 * DAY, NOW - 20 * DAY, cleared_s=NOW - ago)
        assert kind(replace(DRIFTED, alarms=(alarm,))) == expected


def test_maintenance_re_baselines_without_drift_and_once():
    """A closed work order is reason enough; after a retraining it is dealt with."""
    event = Maintenance(NOW - HOUR, "bearing 3 replaced")
    verdict = triage(replace(QUIET, maintenance=event))
    assert (verdict.kind, verdict.may_retrain) == ("operating_change", True)
    assert "bearing 3 replaced" in verdict.evidence[0]
    assert kind(replace(QUIET, maintenance=event, retrained_s=NOW - 2 * HOUR)) == "operating_change"
    assert kind(replace(QUIET, maintenance=event, retrained_s=NOW - 0.5 * HOUR)) == "none"
    assert kind(replace(QUIET, maintenance=Maintenance(NOW + HOUR, "planned"))) == "none"


def test_maintenance_ends_the_alarm_before_it_and_not_the_one_after_it():
    """A new alarm on the mended machine is a fault again."""
    event = Maintenance(NOW - 10 * HOUR, "bearing 3 replaced")
    before = AlarmSpan(NOW - 3 * DAY, NOW - 3 * DAY + HOUR, cleared_s=event.at_s)
    after = AlarmSpan(NOW - 5 * HOUR, NOW - 4 * HOUR)
    assert kind(replace(QUIET, maintenance=event, alarms=(before,))) == "operating_change"
    assert kind(replace(QUIET, maintenance=event, alarms=(before, after))) == "degradation"


def test_maintenance_is_no_pass_for_a_broken_feed():
    """What the feed or a sensor does wrong is mended first."""
    event = Maintenance(NOW - HOUR, "bearing 3 replaced")
    faults = data_faults(table(100, 1), table(100, 2).drop(columns="b"))
    assert kind(replace(DRIFTED, maintenance=event, data_faults=faults)) == "data_fault"


def test_the_first_row_of_the_table_wins_and_the_rest_is_told():
    """Data before sensor before degradation before change; every reason stays in the evidence."""
    feed = data_faults(table(100, 1), table(100, 2).drop(columns="b"))
    stuck = sensor_faults(table(300, 1), table(100, 2).assign(a=5.0))
    alarm = (AlarmSpan(NOW - HOUR, NOW - HOUR),)
    everything = replace(DRIFTED, data_faults=feed, sensor_faults=stuck, alarms=alarm)
    verdict = triage(everything)
    assert (verdict.kind, verdict.features) == ("data_fault", ("b",))
    assert any("alarm stands" in line for line in verdict.evidence)
    assert kind(replace(everything, data_faults=())) == "sensor_fault"
    assert kind(replace(everything, data_faults=(), sensor_faults=())) == "degradation"


def table(rows, seed):
    """Three channels: b follows a slow wave, c is a percentage, a is in kelvin."""
    rng = np.random.default_rng(seed)
    wave = np.sin(np.arange(rows) / 10)
    noise = rng.normal(size=(rows, 3))
    return pd.DataFrame({"a": 300 + 2 * noise[:, 0], "b": 50 + 10 * wave + noise[:, 1], "c": 20 + 3 * noise[:, 2]})


def kinds(faults):
    return [(fault.kind, fault.column) for fault in faults]


def test_faults_of_the_feed():
    """Each alone, by its name; nothing on a good window."""
    reference, good, seconds = table(300, 1), table(100, 2), np.arange(100) * 60.0
    assert data_faults(reference, good, seconds, interval_s=60, now_s=seconds[-1] + 60) == ()
    assert kinds(data_faults(reference, good.drop(columns="b"))) == [("missing_column", "b")]
    assert kinds(data_faults(reference, good.assign(c="n/a"))) == [("wrong_type", "c")]
    assert kinds(data_faults(reference, good[:3])) == [("too_few_rows", "")]
    assert kinds(data_faults(reference, good.assign(a=good["a"].where(seconds > 600)))) == [("missing_values", "a")]
    assert kinds(data_faults(reference, good.assign(a=np.inf))) == [("missing_values", "a")]
    typed = reference.assign(type="L")
    assert kinds(data_faults(typed, good.assign(type="X"))) == [("unseen_values", "type")]
    patchy = [frame.assign(a=frame["a"].where(frame["a"] > 300)) for frame in (reference, good)]
    assert data_faults(*patchy) == ()


def test_faults_in_time():
    """A gap of a third of the window, a feed that stopped 20 intervals ago, times that run backwards."""
    reference, good, seconds = table(300, 1), table(100, 2), np.arange(100) * 60.0
    gap = np.where(np.arange(100) < 50, seconds, seconds + 3000)
    assert kinds(data_faults(reference, good, gap)) == [("gaps", "")]
    one = np.where(np.arange(100) < 50, seconds, seconds + 60)
    assert data_faults(reference, good, one) == ()
    assert kinds(data_faults(reference, good, seconds, now_s=seconds[-1] + 1200)) == [("feed_stopped", "")]
    assert kinds(data_faults(reference, good, seconds[::-1])) == [("times_out_of_order", "")]


def test_a_stuck_sensor():
    """Half of the window on one value, which the reference never did; coarse and resting ones are no fault."""
    reference, good = table(300, 1), table(100, 2)
    assert sensor_faults(reference, good) == ()
    held = good.assign(b=np.where(np.arange(100) < 40, good["b"], 47.3))
    assert kinds(sensor_faults(reference, held)) == [("stuck", "b")]
    resting = reference.assign(b=reference["b"].where(np.arange(300) < 200, 50.0))
    assert sensor_faults(resting, held) == ()
    assert sensor_faults(reference.assign(c=20.0), good.assign(c=20.0)) == ()
    assert longest_run(np.array([1, 1, 2, 2, 2, 1])) == 3
    assert longest_run(np.array([])) == 0


@pytest.mark.parametrize(
    ("column", "wrong", "said"),
    [
        ("a", lambda x: x - 273.15, "Celsius"),
        ("a", lambda x: (x - 273.15) * 1.8 + 32, "kelvin given as Fahrenheit"),
        ("c", lambda x: x * 1.8 + 32, "Celsius given as Fahrenheit"),
        ("c", lambda x: x * 9.80665, "multiplied by 9.80665"),
        ("c", lambda x: x / 25.4, "divided by 25.4"),
        ("b", lambda x: x * 1000, "multiplied by 1000"),
        ("b", lambda x: x / 1000, "divided by 1000"),
    ],
)
def test_a_unit_jump_is_named(column, wrong, said):
    """Of the whole window, and of its second half."""
    reference, good = table(600, 1), table(300, 2)
    for since in (0, 150):
        window = good.assign(**{column: good[column].where(np.arange(300) < since, wrong(good[column]))})
        faults = sensor_faults(reference, window)
        assert kinds(faults) == [("unit_jump", column)]
        assert said in faults[0].detail


def test_a_unit_jump_of_a_log_level():
    """g read as m/s2 adds ln 9.80665 to the log level."""
    reference, good = table(600, 1)[["c"]] / 40, table(300, 2)[["c"]] / 40
    reference.columns = good.columns = ["log_level 1"]
    faults = sensor_faults(reference, good + np.log(9.80665))
    assert "multiplied by 9.80665" in faults[0].detail


def test_a_growing_level_is_no_unit_jump():
    """A fault that multiplies the level by 3 to 30 passes every factor on its way and keeps none."""
    reference = table(600, 1)[["c"]]
    growing = pd.DataFrame({"c": reference["c"].to_numpy()[:300] * np.geomspace(3, 30, 300)})
    assert sensor_faults(reference, growing) == ()
    assert sensor_faults(reference, reference[:300] + 30) == ()


def neighbours(rows, seed):
    """Four thermometers on one casting."""
    rng = np.random.default_rng(seed)
    common = np.cumsum(rng.normal(size=rows)) * 0.3
    return pd.DataFrame({f"t{i}": 60 + i + common + 0.2 * rng.normal(size=rows) for i in range(4)})


def test_one_channel_against_its_neighbours():
    """One that leaves is found; all that move together are not; without neighbours nothing is said."""
    whole = neighbours(800, 1)
    reference, window = whole[:600], whole[600:].copy()
    group = [tuple(whole)]
    assert sensor_faults(reference, window, neighbours=group) == ()
    assert sensor_faults(reference, window + 15, neighbours=group) == ()
    gone = window.assign(t2=window["t2"] + 4)
    assert kinds(sensor_faults(reference, gone, neighbours=group)) == [("neighbours", "t2")]
    assert sensor_faults(reference, gone) == ()


def test_a_channel_that_left_while_the_champion_alarms_is_degradation():
    """A failing machine moves one channel first."""
    whole = neighbours(800, 1)
    faults = sensor_faults(whole[:600], whole[600:].assign(t2=12.0 + whole["t3"]), neighbours=[tuple(whole)])
    assert kinds(faults) == [("neighbours", "t2")]
    assert kind(replace(DRIFTED, sensor_faults=faults)) == "sensor_fault"
    assert kind(replace(DRIFTED, sensor_faults=faults, alarms=(AlarmSpan(NOW - 1, NOW - 1),))) == "degradation"


def test_a_drift_of_a_few_neighbours_alone_is_never_learnt():
    """A load moves all bearings of a shaft. One that moved alone is looked at, unless somebody had just mended it."""
    alone = replace(DRIFTED, neighbours=[("a", "b", "c")])
    verdict = triage(alone)
    assert (verdict.kind, verdict.features, verdict.drifted) == ("sensor_fault", ("b",), True)
    assert "'b' moved and its neighbours did not" in verdict.evidence[0]
    assert kind(replace(alone, drift=report("a", "b", "c"))) == "operating_change"
    assert kind(replace(alone, drift=report("a", "b"))) == "operating_change"
    assert kind(replace(alone, drifted_before=())) == "none"
    assert kind(replace(alone, neighbours=[("a", "c")])) == "operating_change"
    assert kind(replace(alone, alarms=(AlarmSpan(NOW - HOUR, NOW - HOUR),))) == "degradation"
    mended = Maintenance(NOW - HOUR, "bearing b replaced")
    assert kind(replace(alone, maintenance=mended)) == "operating_change"
    assert kind(replace(alone, maintenance=mended, retrained_s=NOW)) == "sensor_fault"


def test_alarm_spans_are_the_alarm_rules_and_end_with_maintenance():
    """A step at row 200 stands to the end; a work order at row 300 ends it; one that mends nothing brings it back."""
    score = np.random.default_rng(1).normal(size=400)
    score[200:] += 8
    seconds = np.arange(400) * 600.0
    span = alarm_spans(score, seconds, AlarmRule(), 600, 80)
    assert len(span) == 1
    assert 200 * 600 <= span[0].onset_s <= 203 * 600
    assert span[0].raised_s == span[0].onset_s + 5 * 600
    assert span[0].cleared_s is None
    event = Maintenance(300 * 600.0, "bearing replaced")
    mended = score.copy()
    mended[300:] -= 8
    assert alarm_spans(mended, seconds, AlarmRule(), 600, 80, maintenance=event) == (
        replace(span[0], cleared_s=event.at_s),
    )
    again = alarm_spans(score, seconds, AlarmRule(), 600, 80, maintenance=event)
    assert [one.cleared_s for one in again] == [event.at_s, None]
    assert again[1].onset_s >= event.at_s


def test_learnable_rows():
    """Rows a day apart, days 0 to 49: an alarm of days 10 to 14, a failure of 30 to 35."""
    days = np.arange(50)
    healthy = days < 5
    found = learnable_rows(
        days * DAY, [AlarmSpan(10 * DAY, 11 * DAY, 15 * DAY)], [FailureSpan(30 * DAY, 35 * DAY)], healthy=healthy
    )
    left_out = {9, *range(10, 15), *range(15, 22), *range(30, 36)}
    assert set(days[~found.rows]) == left_out
    assert (found.before_alarm, found.alarmed, found.after_alarm, found.failing) == (1, 5, 7, 6)
    assert found.sentence.startswith("31 of 50 rows may be learnt from (5 alarmed, 6 on the way to a failure, 7 within")


def test_a_standing_alarm_leaves_nothing_after_it_and_the_reference_stays():
    """Not even where the reference lies inside of a span."""
    days = np.arange(50)
    found = learnable_rows(days * DAY, [AlarmSpan(20 * DAY, 21 * DAY)], healthy=days < 5, off=days == 7)
    assert set(days[found.rows]) == set(range(19)) - {7}
    kept = learnable_rows(days * DAY, failures=[FailureSpan(0, 50 * DAY)], healthy=days < 5)
    assert set(days[kept.rows]) == set(range(5))


def test_after_maintenance_only_the_mended_machine_is_learnt_from():
    """The alarm before it ends with it; the healthy reference is kept."""
    days = np.arange(50)
    event = Maintenance(30 * DAY, "bearing replaced")
    found = learnable_rows(days * DAY, [AlarmSpan(20 * DAY, 21 * DAY)], healthy=days < 5, maintenance=event)
    assert set(days[found.rows]) == {*range(5), *range(30, 50)}
    again = AlarmSpan(40 * DAY, 41 * DAY)
    found = learnable_rows(days * DAY, [again], healthy=days < 5, maintenance=event)
    assert set(days[found.rows]) == {*range(5), *range(30, 39)}


def test_a_work_order_mends_the_machine_that_it_names_and_no_other():
    """The alarm of bearing 1 is over with it, that of bearing 2 is not; a work order without a name is about all."""
    order = Maintenance(NOW - HOUR, "bearing 1 replaced", "bearing 1")
    spans = [AlarmSpan(NOW - DAY, NOW - DAY, machine=name) for name in ("bearing 1", "bearing 2")]
    kinds = [triage(replace(QUIET, alarms=[span], maintenance=order)).kind for span in spans]
    assert kinds == ["operating_change", "degradation"]
    assert "of bearing 2 stands" in triage(replace(QUIET, alarms=spans, maintenance=order)).evidence[0]
    everywhere = replace(order, machine="")
    assert triage(replace(QUIET, alarms=spans, maintenance=everywhere)).kind == "operating_change"
