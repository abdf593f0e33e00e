"""Fifteen simulated XJTU-SY lives, whose elements and onsets are known: the element is named, the onset found."""

import tempfile
from pathlib import Path

import numpy as np
import pytest

from gauntlet.datasets import xjtu
from gauntlet.datasets.io.signal_file import snapshot
from gauntlet.datasets.simulate.vibration import simulate_xjtu
from gauntlet.tasks.alarms.rule import AlarmRule, alarms, verdict
from gauntlet.tasks.vibration.diagnosis.element import diagnose
from gauntlet.tasks.vibration.featurize.table import feature_table

pytestmark = pytest.mark.slow


def _judged(run, rise_index):
    """(onset, alarms that were false, element) by the champion, told nothing of the life."""
    table = feature_table(run)
    index = rise_index.of(table, run.name)
    events = alarms(index.score, AlarmRule(), run.interval_s, index.healthy, index.healthy)
    found = verdict(run.name, events, table.seconds, index.healthy)
    last, first = ([snapshot(run, file).samples for file in part] for part in (run.files[-3:], run.files[:3]))
    channels, healthy = ([[s[i] for s in part] for i in range(2)] for part in (last, first))
    named = diagnose(
        run.name, channels, run.rate, run.bearing, run.shaft_hz, healthy=healthy, alarmed=found.onset is not None
    )
    return found.onset, found.false_alarms, named.element


def test_elements_and_onsets(rise_index):
    """Element of 13 and more; onset within 10 % of life of all but the two cages, whose 14 impacts a second are under
    1 % of the signal's power so soon after they begin; all alarm before their end, none falsely.
    """
    with tempfile.TemporaryDirectory() as folder:  # 1.2 GB, not kept as pytest keeps its own folders
        written = simulate_xjtu(xjtu.SPEC, xjtu.CONDITIONS, xjtu.HEADER, Path(folder), 8, 0.1)
        lives = {life.run: life for life in written}
        judged = {run.name: _judged(run, rise_index) for run in xjtu.runs(Path(folder))}
    assert len(judged) == 15
    named = [run for run, (_, _, element) in judged.items() if element in lives[run].elements]
    assert len(named) >= 13, judged
    assert all(onset is not None and false == 0 for onset, false, _ in judged.values()), judged
    late = {run: (judged[run][0] - np.ceil(life.onset * (life.files - 1))) / life.files for run, life in lives.items()}
    assert {run for run, share in late.items() if abs(share) > 0.1} <= {"Bearing1_4", "Bearing2_3"}, late
    assert max(late.values()) < 0.25
