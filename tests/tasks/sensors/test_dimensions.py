"""The data quality score: above 95 % on sound readings, and lower by exactly the share that was injected."""

from __future__ import annotations

import numpy as np
import pytest

from gauntlet.datasets.simulate import sensors as process
from gauntlet.tasks.sensors.dimensions import FAULTS, SHARES, dimensions, injections


@pytest.fixture(scope="module")
def sound() -> tuple[np.ndarray, np.ndarray, process.Sensor]:
    sensor = process.SENSORS[0]
    frame, _ = process.draw(3, 0.5)
    rows = frame[frame.sensor_id == sensor.name]
    return rows.timestamp.to_numpy(), rows.value.to_numpy(), sensor


def test_a_sound_sensor_is_above_95_percent_and_lacks_what_is_missing(sound: tuple) -> None:
    times, values, sensor = sound
    told = dimensions(times, values, sensor.low, sensor.high)
    assert told.score > 95
    assert told.completeness == pytest.approx(100 * np.isfinite(values).mean())
    assert told.uniqueness == told.regularity == told.validity == 100


def test_the_score_falls_by_the_injected_share(sound: tuple) -> None:
    """Each fault at 1, 5 and 10 %: the score falls by that share, to a twentieth of a percent (stuck runs touch none)."""
    times, values, sensor = sound
    made = list(injections(times, values, sensor.low, sensor.high, seed=5))
    assert len(made) == len(FAULTS) * len(SHARES)
    for one in made:
        assert one.before - one.after == pytest.approx(100 * one.share, abs=0.05), one
        assert one.after == pytest.approx(one.expected, abs=0.05)


def test_rows_that_are_absent_are_missing_and_order_does_not_matter() -> None:
    """24 hours of which two have no row, one comes twice and one is 24 minutes late."""
    hours = np.array([0, 1, 2, 3, 4, 4, 5, 7, 9, *range(10, 24)])
    times = np.datetime64("2024-01-01") + hours * np.timedelta64(3600, "s")
    times[2] += np.timedelta64(24 * 60, "s")
    values = np.sin(hours * 1.7)
    shuffled = np.random.default_rng(0).permutation(len(hours))
    told = dimensions(times[shuffled], values[shuffled])
    assert told.completeness == pytest.approx(100 * 22 / 24)
    assert told.uniqueness == pytest.approx(100 * 23 / 24)
    assert told.regularity == pytest.approx(100 * 23 / 24)
    assert told.score == pytest.approx(100 * 20 / 24)
