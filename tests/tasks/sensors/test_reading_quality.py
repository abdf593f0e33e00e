"""The quality score is high on sound data and falls by exactly the share of readings that were spoilt."""

from __future__ import annotations

import numpy as np
import pytest

from gauntlet.datasets.simulate import sensors as process
from gauntlet.tasks.sensors.reading_quality import quality

ROWS = 1000
SOUND = np.sin(np.arange(ROWS) / 24 * 2 * np.pi) * 5 + np.random.default_rng(1).normal(60, 1, ROWS)


def test_sound_readings_score_a_hundred() -> None:
    """Noise and a daily season are nothing against a sensor."""
    assert quality(SOUND, -40, 150).score == 100


@pytest.mark.parametrize("share", [0.01, 0.05, 0.2])
@pytest.mark.parametrize(("kind", "value"), [("missing", np.nan), ("impossible", 999.0), ("stuck", 60.0)])
def test_the_score_falls_by_the_injected_share(kind: str, value: float, share: float) -> None:
    """In percent, to the digit, and under its own name."""
    values = SOUND.copy()
    values[300 : 300 + round(share * ROWS)] = value
    found = quality(values, -40, 150)
    assert getattr(found, kind) == pytest.approx(100 * share)
    assert found.score == pytest.approx(100 - 100 * share)


def test_isolated_spikes_are_counted_one_by_one() -> None:
    """Seven of a thousand: 0.7 percent."""
    values = SOUND.copy()
    values[100:800:100] += 40
    assert quality(values).jumping == pytest.approx(0.7)


def test_simulated_sound_sensors_are_above_95_and_faulty_ones_lower() -> None:
    """For five seeds; the five quantities' means compared."""
    for seed in range(5):
        frame, _ = process.draw(seed, 1.0)
        by_name = {str(name): rows.value.to_numpy() for name, rows in frame.groupby("sensor_id")}
        scores = {s.name: quality(by_name[s.name], s.low, s.high).score for s in process.SENSORS}
        sound = [scores[s.name] for s in process.SENSORS if not s.faulty]
        faulty = [scores[s.name] for s in process.SENSORS if s.faulty]
        assert min(sound) > 95
        assert np.mean(faulty) < np.mean(sound) - 0.4  # two stuck stretches of 8 hours at least are 0.56 percent
