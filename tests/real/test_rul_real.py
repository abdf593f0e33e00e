"""Remaining life of the four complete FEMTO bearings, each estimated by what the other three taught."""

import os
from pathlib import Path

import pytest

from gauntlet.datasets import femto
from gauntlet.tasks.alarms.rule import AlarmRule, alarms, verdict
from gauntlet.tasks.vibration.featurize.table import feature_table
from gauntlet.tasks.vibration.remaining_life.leave_one_out import after_alarm, leave_one_out
from gauntlet.tasks.vibration.remaining_life.life import History, ObservedLife
from gauntlet.tasks.vibration.remaining_life.rated_life import rated_life

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def lives(rise_index):
    """Each run with its own causal alarm, and the greater axis' level."""
    root = os.environ.get("GAUNTLET_DATA_DIR")
    if not root or not (Path(root) / "femto").is_dir():
        pytest.skip("GAUNTLET_DATA_DIR has no femto/: the real files are not here")
    found = []
    for run in femto.runs(Path(root) / "femto"):
        table = feature_table(run)
        index = rise_index.of(table, run.name)
        events = alarms(index.score, AlarmRule(), run.interval_s, index.healthy, index.healthy)
        raised = verdict(run.name, events, table.seconds, index.healthy).raised
        alarm = None if raised is None else float(table.seconds[raised])
        rated = rated_life(run.shaft_hz, femto.LOAD_N[run.name.removeprefix("Bearing")[0]])
        history = History(run.name, float(table.seconds[-1]), alarm, rated)
        found.append(ObservedLife(history, table.seconds, table.column("std").max(axis=1), run.interval_s))
    return found


def test_beats_mean_life_and_the_line_over_the_life(lives):
    """And what the mean life would score, were it answered for the score; the interval covers 60-100 %."""
    report = leave_one_out(lives)
    assert report.model > 1.5 * max(report.mean_life, report.optimal_life, report.extrapolated)
    assert 0.6 <= report.coverage_80 <= 1.0


def test_beats_them_from_the_alarm_on(lives):
    """Where the mean life is told nothing of the alarm and the model only of the level."""
    report = after_alarm(lives)
    assert report.model > max(report.mean_life, report.optimal_life, report.extrapolated)
    assert 0.6 <= report.coverage_80 <= 1.0
