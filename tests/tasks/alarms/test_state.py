"""The alarm rule in portions says what it says in one piece."""

import numpy as np
import pytest

from gauntlet.tasks.alarms.rule import AlarmRule, alarms
from gauntlet.tasks.alarms.state import AlarmState, Event, advance, started

RULE = AlarmRule()
LIMIT = 5.0


def _life(seed=1):
    """Healthy noise, a passing excess, more noise, a fault that stays."""
    x = np.random.default_rng(seed).standard_normal(600)
    x[200:260] += 12
    x[450:] += np.linspace(0, 15, 150)
    return x


@pytest.mark.parametrize("portion", [1, 7, 36, 600])
@pytest.mark.promise("alarms")
def test_portions_give_the_events_of_the_whole(portion):
    """Onset, raised and cleared to the row, whatever the size of the files."""
    x, start = _life(), 80
    seconds = 600.0 * np.arange(len(x))
    state, stood, cleared = started(x[:start], RULE), [], []
    for first in range(start, len(x), portion):
        state, flags, ended = advance(state, x[first : first + portion], seconds[first : first + portion], RULE, LIMIT)
        stood.append(flags)
        cleared += ended
    whole = alarms(x, RULE, 600.0, start)
    told = [*cleared, *([state.standing] if state.standing else [])]
    assert [(e.onset_s, e.raised_s, e.cleared_s) for e in told] == [
        (600.0 * e.onset, 600.0 * e.raised, None if e.cleared is None else 600.0 * e.cleared) for e in whole
    ]
    assert len(whole) == 2
    expected = np.zeros(len(x), bool)
    for event in whole:
        expected[event.raised : event.cleared] = True
    np.testing.assert_array_equal(np.concatenate(stood), expected[start:])


def test_without_a_beginning_it_starts_at_zero():
    """And six rows in a row are needed, counted over the cut between files."""
    state = started(np.empty(0), RULE)
    assert state == AlarmState(0.0)
    loud, seconds = np.full(6, 1000.0), 60.0 * np.arange(6)
    state, stood, _ = advance(state, loud[:5], seconds[:5], RULE, LIMIT)
    assert not stood.any()
    state, stood, _ = advance(state, loud[5:], seconds[5:], RULE, LIMIT)
    assert stood.tolist() == [True]
    assert state.standing == Event(0.0, 300.0)
