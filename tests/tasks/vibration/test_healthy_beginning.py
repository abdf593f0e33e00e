"""What is learnt from a healthy beginning: after its run-in, from all axes, and nothing from later."""

import numpy as np
import pandas as pd
import pytest

from gauntlet.tasks.alarms.rule import AlarmRule, alarms
from gauntlet.tasks.vibration.candidates import fit
from gauntlet.tasks.vibration.definition import SETTINGS, Candidate
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


def _alarms(index):
    return alarms(index.score, AlarmRule(), 600, index.healthy, index.healthy)


def test_one_loose_axis_raises_nothing_that_a_fault_would(rise_index):
    """Eight deviations on one of two axes average to four, under the limit; on both they alarm."""
    rows = 0.1 * _noise((500, 6))
    one, both = rows.copy(), rows.copy()
    one[300:, 2] += 0.8
    both[300:, 2:4] += 0.8
    found = [_alarms(rise_index.over(r, axes=2)) for r in (one, both)]
    assert found[0] == []
    assert [300 <= e.onset <= 303 for e in found[1]] == [True]


def test_run_in_does_not_hide_a_fault(rise_index):
    """A step of 2 at 60 of 200 makes the beginning look uneven: learnt after it, a rise of 1 is ten deviations."""
    rows = 0.1 * _noise((1000, 2))
    rows[60:] += 2
    rows[600:] += 1
    assert _alarms(rise_index.over(rows, axes=2)) == []
    onset = [e.onset for e in _alarms(rise_index.over(rows, axes=2, start=settled(rows)))]
    assert len(onset) == 1
    assert 600 <= onset[0] <= 603


@pytest.mark.parametrize("kind", sorted(SETTINGS))
def test_no_future(kind):
    """The index of the first 300 snapshots is the same whatever follows."""
    features, fit_share = SETTINGS[kind]
    columns = [f"{name} 1" for name in features]
    rows = pd.DataFrame(_noise((400, len(columns))), columns=columns).assign(machine="b")
    changed = rows.copy()
    changed.loc[300:, columns] += 50
    model = fit(Candidate("x", kind, features, fit_share), rows[:80], 7)
    indices = [model.decision_function(r)[:300] for r in (rows, changed)]
    np.testing.assert_array_equal(*indices)


@pytest.mark.slow
def test_healthy_machines_are_left_alone(rise_index):
    """Fifty machines of independent noise, 32 columns, a week each at ten minutes: no alarm."""
    for seed in range(50):
        rows = _noise((1008, 32), seed)
        assert _alarms(rise_index.over(rows, axes=2, start=settled(rows))) == [], seed
