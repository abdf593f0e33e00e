"""Figures over streams against counts made by hand, and the alarms that need no model."""

from __future__ import annotations

import numpy as np
import pytest

from gauntlet.tasks.sensors.simple import implausible, robust_z
from gauntlet.tasks.sensors.streams import Watched, false_alarms, found, stream_row


def test_events_alarms_and_points_are_counted_as_by_hand() -> None:
    """1,000 hours, three events; one met two rows late, one at once, one missed, and two false alarms."""
    watched = Watched("a", ((100, 109, "drift"), (400, 400, "spike"), (700, 719, "stuck")), 1000, 1.0)
    flags = np.zeros(1000, bool)
    flags[[102, 103, 400, 410]] = True  # 410: within a day behind the spike, neither hit nor false
    flags[[200, 203]] = True  # six hours apart at most: one alarm
    flags[900] = True
    assert [one.delay_h for one in found(watched, flags)] == [2.0, 0.0, None]
    assert false_alarms(watched, flags) == [200, 900]
    row = stream_row("x", [watched], {"a": flags}, {"a": flags.astype(float)}, seed=1)
    assert row.metrics["precision"] == pytest.approx(2 / 4)
    assert row.metrics["recall"] == pytest.approx(2 / 3)
    assert row.metrics["f1"] == pytest.approx(4 / 7)
    assert row.metrics["far"] == pytest.approx(4 / 969)
    assert row.metrics["mar"] == pytest.approx(28 / 31)
    assert row.metrics["false_alarms_per_week"] == pytest.approx(2 / (969 / 168))
    low, high = row.intervals["f1"]
    assert 0 <= low < row.metrics["f1"] < high <= 1


def test_whoever_never_alarms_has_an_f1_of_zero() -> None:
    watched = Watched("a", ((10, 12, "dip"),), 100, 1.0)
    row = stream_row("naive", [watched], {"a": np.zeros(100, bool)}, {"a": np.zeros(100)}, seed=1)
    assert (row.metrics["f1"], row.intervals["f1"]) == (0.0, (0.0, 0.0))


def test_robust_z_is_known_in_closed_form_and_learns_from_the_beginning_only() -> None:
    values = np.array([1.0, 2, 3, 4, 5, 1000, np.nan])
    away, limit = robust_z(values, 5)
    assert away[5] == pytest.approx(997 / 1.4826)
    assert away[6] == 0
    assert limit < 2
    assert robust_z(np.append(values, 1e9), 5)[1] == limit


def test_implausible_readings_are_outside_stuck_or_jump() -> None:
    """A stuck reading is one from the sixth equal one on: known when it is read."""
    values = np.array([1.0, 1.1, 1.0, 1.2, 1.1, 1.0, 1.1, 9.0, 1.1, 1.2, *[1.0] * 8, -5.0])
    flags = implausible(values, 7, 0.0, 100.0)
    assert np.flatnonzero(flags).tolist() == [7, 8, 15, 16, 17, 18]
