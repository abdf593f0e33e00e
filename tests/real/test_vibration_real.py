"""The published truth of IMS, CWRU and FEMTO, found on the real files."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from datasets import cwru, femto, ims, xjtu
from datasets.bearing import SKF6205
from datasets.signal_file import snapshot, snapshots
from tasks.diagnose.element import attribute_lines, diagnose
from tasks.featurize import vibration_plain
from tasks.featurize.vibration import FEATURES, LINES, features
from tasks.featurize.vibration_table import feature_table
from tasks.train.alarm_rule import AlarmRule, alarms, verdict
from tasks.train.crosstalk import attribute
from tasks.train.healthy_beginning import level_index, log_levels

pytestmark = pytest.mark.real


def _folder(name):
    root = os.environ.get("GAUNTLET_DATA_DIR")
    if not root or not (Path(root) / name).is_dir():
        pytest.skip(f"GAUNTLET_DATA_DIR has no {name}/: the real files are not here")
    return Path(root) / name


def _channels(run, chosen, unit):
    return [[s.samples[i] for s in chosen] for i, c in enumerate(run.channels) if c.unit == unit]


def _diagnoses(run, chosen, healthy, alarmed):
    return attribute_lines(
        {
            unit: diagnose(
                unit, _channels(run, chosen, unit), run.rate, run.bearing, run.shaft_hz, alarmed=alarmed,
                healthy=_channels(run, healthy, unit) if healthy else None, tolerance=0.03,
            )
            for unit in run.units
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("1st_test", {"bearing 3": "inner"}),
        ("2nd_test", {"bearing 1": "outer"}),
    ],
)
def test_ims_names_the_bearing_and_the_element(test, expected):
    """At the end; the others are not accused, though they hear it. The first snapshots raise nothing."""
    run = next(run for run in ims.runs(_folder("ims")) if run.name == test)
    usable = list(snapshots(run, []))
    last = _diagnoses(run, usable[-3:], usable[:3], True)
    assert {u: d.element for u, d in last.items() if d.element not in (None, "unknown")} == expected
    assert {d.element for d in _diagnoses(run, usable[:3], None, False).values()} == {None}


def test_ims_second_test_onset():
    """Bearing 1 in 520-560 of 984 on the complete table, no alarm of any bearing before; the others are cross-talk."""
    path = _folder("ims") / "derived_chocho66" / "MergedData" / "DatasetBearingTest_2.csv"
    table = pd.read_csv(path, index_col=0, parse_dates=True)
    running = table[table.max(axis=1) > ims.OFF_LEVEL]
    seconds = (running.index - running.index[0]).total_seconds().to_numpy()
    found, power = {}, {}
    for unit in running:
        index = level_index(np.log(running[[unit]].to_numpy()), unit)
        found[unit] = verdict(unit, alarms(index.score, AlarmRule(), 600, index.healthy), seconds, index.healthy)
        power[unit] = running[unit].to_numpy() ** 2
    judged = attribute(found, power, len(running) // 5)
    assert 520 <= judged["Bearing 1"].onset <= 560
    assert all(v.false_alarms == 0 and v.onset >= judged["Bearing 1"].onset for v in judged.values())
    assert {v.crosstalk_of for u, v in judged.items() if u != "Bearing 1"} == {"Bearing 1"}


def test_cwru_names_the_clear_ones_and_accuses_nobody():
    """105, 169, 209 inner; 130, 234 outer; for all others no element."""
    named = {}
    for record in cwru.records(_folder("cwru"), []):
        n = record.samples.shape[1] // 2000 * 2000
        found = diagnose(record.run, [[record.samples[0, :n]]], record.rate, SKF6205, record.shaft_hz)
        if found.element not in (None, "unknown"):
            named[record.run] = found.element
    assert named == {"105": "inner", "169": "inner", "209": "inner", "130": "outer", "234": "outer"}


def test_femto_every_run_alarms_before_its_end():
    """And none of the alarms clears again."""
    for run in femto.runs(_folder("femto")):
        table = feature_table(run)
        index = level_index(log_levels(table, run.name), run.name)
        events = alarms(index.score, AlarmRule(), run.interval_s, index.healthy)
        judged = verdict(run.name, events, table.seconds, index.healthy)
        assert judged.lead_s > 0, run.name
        assert judged.false_alarms == 0, run.name


def test_features_agree_with_scipy_on_real_signals():
    """The same tolerance as on random ones."""
    for run in ims.runs(_folder("ims")):
        for file in (run.files[0], run.files[-4]):
            raw = snapshot(run, file)
            got = features(raw.samples, run.rate, run.bearing, run.shaft_hz)
            truth = vibration_plain.features(run, vibration_plain.read(run, file.path))
            for i, name in enumerate(FEATURES):
                small = 1.0 if name in LINES or name in ("skewness", "kurtosis", "mean") else 1e-9
                np.testing.assert_allclose(got[:, i], truth[:, i], rtol=1e-4, atol=1e-4 * small, err_msg=name)


def test_xjtu_check_values():
    """Bearing1_1: rms of the first and last file, as published."""
    run = next(run for run in xjtu.runs(_folder("xjtu")) if run.name == "Bearing1_1")
    for file, expected in ((run.files[0], (0.563890, 0.560471)), (run.files[122], (7.268278, 5.783524))):
        samples = snapshot(run, file).samples.astype(np.float64)
        assert np.sqrt(np.mean(samples**2, axis=1)) == pytest.approx(expected, abs=1e-6)
