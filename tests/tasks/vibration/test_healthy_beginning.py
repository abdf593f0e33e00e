"""What is learnt from a healthy beginning: after its run-in, from all axes, and nothing from later."""

import numpy as np
import pytest

from gauntlet.datasets.errors import BadInput
from gauntlet.tasks.alarms.rule import AlarmRule, alarms
from gauntlet.tasks.models.level_rise import LevelRise
from gauntlet.tasks.vibration.healthy_beginning import DETECTORS, health_index, level_index
from gauntlet.tasks.vibration.run_in import settled


def _noise(shape, seed=1):
    return np.random.default_rng(seed).standard_normal(shape)


def test_step_of_the_whole_machine_is_found_where_it_is():
    """Four channels step by ten deviations at 70 of 200 healthy snapshots."""
    levels = _noise((1000, 4))
    levels[70:] += 10
    assert abs(settled(levels) - 70) <= 1


def test_noise_one_channel_and_the_life_after_are_no_step():
    """Nothing stands out, or only on one bearing (its fault), or after the healthy beginning."""
    levels = _noise((1000, 4))
    assert settled(levels) == 0
    one = levels.copy()
    one[70:, 0] += 10
    assert settled(one) == 0
    later = levels.copy()
    later[300:] += 10
    assert settled(later) == 0


def test_rise_in_closed_form():
    """Median 0, deviation 1: rows score their greatest rise, averaged over two axes; a fall scores below zero."""
    healthy = np.array([-1.0, 1.0] * 50)[:, None].repeat(4, axis=1)
    rows = np.array([[6.0, 0.0, 2.0, 2.0], [4.0, 6.0, 0.0, 0.0], [-9.0, -9.0, -9.0, -9.0]]) * 1.4826
    assert -LevelRise(axes=2).fit(healthy).score_samples(rows) == pytest.approx([3.0, 5.0, -9.0])
    assert -LevelRise().fit(healthy).score_samples(rows) == pytest.approx([6.0, 6.0, -9.0])


def test_one_loose_axis_raises_nothing_that_a_fault_would():
    """Eight deviations on one of two axes average to four, under the limit; on both they alarm."""
    rows = 0.1 * _noise((500, 6))
    one, both = rows.copy(), rows.copy()
    one[300:, 2] += 0.8
    both[300:, 2:4] += 0.8
    found = [
        alarms(index.score, AlarmRule(), 600, index.healthy, index.fitted)
        for index in (level_index(r, "b", axes=2) for r in (one, both))
    ]
    assert found[0] == []
    assert [300 <= e.onset <= 303 for e in found[1]] == [True]


def test_run_in_does_not_hide_a_fault():
    """A step of 2 at 60 of 200 makes the beginning look uneven: learnt after it, a rise of 1 is ten deviations."""
    rows = 0.1 * _noise((1000, 2))
    rows[60:] += 2
    rows[600:] += 1
    blind = level_index(rows, "b", axes=2)
    seeing = level_index(rows, "b", axes=2, start=settled(rows))
    assert alarms(blind.score, AlarmRule(), 600, blind.healthy, blind.fitted) == []
    onset = [e.onset for e in alarms(seeing.score, AlarmRule(), 600, seeing.healthy, seeing.fitted)]
    assert len(onset) == 1
    assert 600 <= onset[0] <= 603


@pytest.mark.parametrize("name", sorted(DETECTORS))
def test_no_future(name):
    """The index of the first 300 snapshots is the same whatever follows."""
    rows = _noise((400, 6))
    changed = rows.copy()
    changed[300:] += 50
    indices = [health_index(r, "b", DETECTORS[name](7)).score[:300] for r in (rows, changed)]
    np.testing.assert_array_equal(*indices)


def test_healthy_machines_are_left_alone():
    """Fifty machines of independent noise, 32 columns, a week each at ten minutes: no alarm."""
    for seed in range(50):
        rows = _noise((1008, 32), seed)
        index = level_index(rows, "b", axes=2, start=settled(rows))
        assert alarms(index.score, AlarmRule(), 600, index.healthy, index.fitted) == [], seed


def test_too_short_to_learn_from():
    """Ninety snapshots have 18 healthy ones."""
    with pytest.raises(BadInput, match="too short"):
        level_index(_noise((90, 2)), "bearing 1")
