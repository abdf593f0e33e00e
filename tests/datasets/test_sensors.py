"""Simulated sensors: what the labels say is in the values, equal seeds give equal bytes, bad tables are one line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gauntlet.datasets import sensors
from gauntlet.datasets.errors import BadInput


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> sensors.Sensors:
    folder = tmp_path_factory.mktemp("sensors")
    return sensors.read(sensors.simulate(folder, seed=7).parent)


def test_ten_hourly_sensors_of_five_quantities(drawn: sensors.Sensors) -> None:
    """120 days of 24 readings each, marked as simulated; the configuration names quantity and unit."""
    counts = drawn.frame.groupby("sensor_id").size()
    assert len(counts) == 10
    assert set(counts) == {2880}
    assert drawn.source == "simulated"
    told = json.loads((drawn.path.parent / sensors.CONFIGURATION).read_text())
    quantities = {one["quantity"] for one in told["sensors"]}
    assert quantities == {"temperature", "vibration", "pressure", "humidity", "voltage"}


def test_equal_seed_equal_bytes_and_another_differs(tmp_path: Path) -> None:
    """The same draw twice is one file; another seed is another."""
    one, same, other = (sensors.simulate(tmp_path / name, seed, 0.2) for name, seed in (("a", 3), ("b", 3), ("c", 4)))
    assert one.read_bytes() == same.read_bytes() != other.read_bytes()


def test_every_kind_of_fault_is_where_its_label_says(drawn: sensors.Sensors) -> None:
    """Stuck readings are equal, missing ones absent; ten faults in each faulty sensor behind the sound beginning."""
    faults = drawn.labels[drawn.labels.kind.isin(sensors.FAULTS)]
    assert set(faults.sensor_id) == {f"sensor-{number:03d}" for number in range(6, 11)}
    assert (faults.groupby(["sensor_id", "kind"]).size() == 2).all()
    begin = drawn.frame.timestamp.min()
    assert faults.start.min() >= begin + 0.4 * pd.Timedelta(days=120)
    by_sensor = {name: rows.set_index("timestamp").value for name, rows in drawn.frame.groupby("sensor_id")}
    for event in drawn.labels.itertuples():
        values = by_sensor[event.sensor_id].loc[event.start : event.end]
        if event.kind == "stuck":
            assert values.nunique() == 1
            assert len(values) >= 8
        assert values.isna().all() == (event.kind == "missing")
    missing = drawn.labels[drawn.labels.kind == "missing"]
    hours = ((missing.end - missing.start).dt.total_seconds() / 3600 + 1).sum()
    assert drawn.frame.value.isna().sum() == hours


def test_daily_and_weekly_season_have_the_stated_amplitudes(drawn: sensors.Sensors) -> None:
    """A least squares fit of sines finds 5 and 2 degrees on sensor-001, within a tenth."""
    values = drawn.frame[drawn.frame.sensor_id == "sensor-001"].value.to_numpy()
    hours = np.arange(len(values))
    columns = [np.ones_like(hours), hours, hours >= 0.3 * len(hours), hours >= 0.7 * len(hours)]
    columns += [wave(2 * np.pi * hours / period) for period in (24, 168) for wave in (np.sin, np.cos)]
    there = np.isfinite(values)
    fit = np.linalg.lstsq(np.column_stack(columns)[there].astype(float), values[there], rcond=None)[0]
    assert np.hypot(*fit[4:6]) == pytest.approx(5.0, abs=0.2)
    assert np.hypot(*fit[6:8]) == pytest.approx(2.0, abs=0.2)
    assert np.abs(fit[2:4]) == pytest.approx([2.0, 2.0], abs=0.4)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("sensor_id,timestamp\na,2024-01-01\n", "missing column 'value'"),
        ("sensor_id,timestamp,value\n", "no rows"),
        ("sensor_id,timestamp,value\na,31.1.2024,1\n", "line 2, column 'timestamp': wrong time"),
        ("sensor_id,timestamp,value\na,2024-01-01,1\na,2024-01-02,high\n", "line 3, column 'value': not a finite"),
        ("sensor_id,timestamp,value\na,2024-01-01,inf\n", "not a finite number"),
        ("sensor_id,timestamp,value\na,2024-01-01,1\na,2024-01-01,2\n", "line 3, .*two readings of this time"),
        ("sensor_id,timestamp,value\n,2024-01-01,1\n", "line 2, column 'sensor_id': no sensor"),
        ("", "not a table"),
    ],
)
def test_a_bad_table_is_one_clear_line(tmp_path: Path, text: str, told: str) -> None:
    """File, line, column, what was seen."""
    file = tmp_path / "sensors.csv"
    file.write_text(text)
    with pytest.raises(BadInput, match=told) as stopped:
        sensors.read(file)
    assert "\n" not in str(stopped.value)


def test_nothing_real_is_marked_as_simulated(tmp_path: Path) -> None:
    """A folder with somebody's own table is refused, and the table stays."""
    (tmp_path / "sensors.csv").write_text("mine")
    with pytest.raises(BadInput, match="not simulated"):
        sensors.simulate(tmp_path)
    with pytest.raises(BadInput, match="seed"):
        sensors.simulate(tmp_path / "new", seed=-1)
    assert (tmp_path / "sensors.csv").read_text() == "mine"
