"""Alarms are causal, sustained, and as rare on healthy noise as stated."""

import numpy as np
import pytest

from gauntlet.tasks.alarms.rule import AlarmRule, Verdict, alarms, ewma, verdict
from gauntlet.tasks.vibration.crosstalk import attribute


def test_ewma_by_its_recursion():
    """s[i] = w x[i] + (1 - w) s[i-1]."""
    x = np.random.default_rng(1).standard_normal(50)
    s = [x[0]]
    for value in x[1:]:
        s.append(0.3 * value + 0.7 * s[-1])
    np.testing.assert_allclose(ewma(x, 0.3), s)


def test_no_future():
    """Cutting the life changes nothing that was raised before the cut."""
    x = np.random.default_rng(2).standard_normal(400)
    x[250:] += 8
    whole = alarms(x, AlarmRule(), 600, 80)
    assert [a.raised for a in whole] == [a.raised for a in alarms(x[: whole[0].raised + 1], AlarmRule(), 600, 80)]
    assert alarms(x[: whole[0].raised], AlarmRule(), 600, 80) == []
    assert 250 <= whole[0].onset <= 253


def test_healthy_noise_keeps_the_target():
    """Ten simulated machine-years of white noise stay under the stated rate."""
    rule = AlarmRule()
    weeks = 10 * 52
    x = np.random.default_rng(3).standard_normal(int(weeks * 7 * 24 * 6))
    assert len(alarms(x, rule, 600, 100)) / weeks <= rule.target_per_week


def test_a_short_burst_is_not_an_alarm_and_a_passing_one_is_false():
    """Five snapshots are not sustained; thirty that pass count as a false alarm."""
    x = np.zeros(500)
    x[200:202] = 15
    assert alarms(x, AlarmRule(), 600, 100) == []
    x[300:330] = 15
    events = alarms(x, AlarmRule(), 600, 100)
    assert len(events) == 1
    assert events[0].cleared is not None
    assert verdict("b", events, np.arange(500) * 600.0, 100).false_alarms == 1


def test_crosstalk_goes_to_the_loudest_earlier_unit():
    """A quieter later alarm is explained, a louder later one is a fault of its own."""
    end = np.arange(300)
    power = {u: 1 + k * np.maximum(end - 100, 0) for u, k in (("a", 1.0), ("b", 0.1))}
    power["c"] = 1 + 5.0 * np.maximum(end - 200, 0)
    known = {u: Verdict(u, o, o + 5, 1.0, 0, 1.0) for u, o in (("a", 110), ("b", 180), ("c", 210))}
    found = attribute(known, power, 60)
    assert {u: v.crosstalk_of for u, v in found.items()} == {"a": None, "b": "a", "c": None}


def test_rate_per_week():
    """Two false alarms in two weeks are one a week; none in two weeks is bounded by 1.5 (rule of three)."""
    fortnight = 14 * 86400.0
    assert Verdict("a", None, None, 0.0, 2, fortnight).false_alarms_per_week == pytest.approx(1.0)
    assert Verdict("a", None, None, 0.0, 0, fortnight).false_alarm_bound_per_week == pytest.approx(1.5, rel=0.01)
