"""The stream detector: features are causal, gaps are carried forward, faults of known place are found, skops keeps it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import skops.io

from gauntlet.datasets.simulate import sensors as process
from gauntlet.tasks.models.stream_detector import StreamDetector
from gauntlet.tasks.models.stream_features import carried_forward, seasonal_profile, stream_features
from gauntlet.tasks.registry.trust import deserialise
from gauntlet.tasks.sensors.event import by_event

CUT = process.START + process.HEALTHY * pd.Timedelta(days=process.DAYS)


@pytest.fixture(scope="module")
def drawn() -> tuple[pd.DataFrame, pd.DataFrame]:
    return process.draw(11, 1.0)


@pytest.fixture(scope="module")
def detector(drawn: tuple[pd.DataFrame, pd.DataFrame]) -> StreamDetector:
    return StreamDetector(seed=7).fit(drawn[0][drawn[0].timestamp < CUT])


def test_a_row_is_told_by_rows_before_it_only(drawn: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """Whatever comes after row 1500, missing or wild, the features up to it are the same to the digit."""
    one = drawn[0][drawn[0].sensor_id == "sensor-006"]
    times, values = pd.DatetimeIndex(one.timestamp), one.value.to_numpy()
    usual = seasonal_profile(times[:1000], values[:1000])
    other = values.copy()
    other[1500:] = 1e6
    other[1600:1700] = np.nan
    before, after = (stream_features(times, x, usual, 24)[:1500] for x in (values, other))
    np.testing.assert_array_equal(before, after)


def test_gaps_are_carried_forward_and_never_filled_back() -> None:
    """The first reading is not known before it came."""
    assert carried_forward(np.array([np.nan, 1, np.nan, np.nan, 4]), 7.0).tolist() == [7, 1, 1, 1, 4]


def test_injected_faults_are_found_by_event(drawn: tuple[pd.DataFrame, pd.DataFrame], detector: StreamDetector) -> None:
    """Of 50 labelled faults at least 40, of the alarms at least three quarters at a fault; every spike and dip."""
    frame, labels = drawn
    flags = detector.predict(frame) == 1
    found = alarms = false = 0
    for name, rows in frame.groupby("sensor_id"):
        times = rows.timestamp.reset_index(drop=True)
        mine = flags[rows.index] & (times >= CUT).to_numpy()
        events = labels[(labels.sensor_id == name) & labels.kind.isin(process.KINDS)]
        spans = [(int(times.searchsorted(e.start)), int(times.searchsorted(e.end))) for e in events.itertuples()]
        score = by_event(mine, spans, gap=3, tail=12)
        found, alarms, false = found + score.found, alarms + score.alarms, false + score.false_alarms
        for (first, last), kind in zip(spans, events.kind, strict=True):
            assert mine[first : last + 1].any() or kind not in ("spike", "dip")
    assert found >= 40
    assert 1 - false / alarms >= 0.75


def test_what_is_loaded_from_skops_says_the_same(
    drawn: tuple[pd.DataFrame, pd.DataFrame], detector: StreamDetector
) -> None:
    """Through the project's own list of trusted types."""
    rows = drawn[0].head(500)
    loaded = deserialise(skops.io.dumps(detector))
    np.testing.assert_array_equal(loaded.predict_proba(rows), detector.predict_proba(rows))


def test_equal_seeds_give_equal_digits(drawn: tuple[pd.DataFrame, pd.DataFrame], detector: StreamDetector) -> None:
    """Fitted twice, one limit."""
    assert StreamDetector(seed=7).fit(drawn[0][drawn[0].timestamp < CUT]).threshold_ == detector.threshold_


def test_unknown_and_too_short_sensors_are_named(
    drawn: tuple[pd.DataFrame, pd.DataFrame], detector: StreamDetector
) -> None:
    """One line each."""
    rows = drawn[0].head(10)
    with pytest.raises(ValueError, match="nothing was learnt of 'pump-9'"):
        detector.predict(rows.assign(sensor_id="pump-9"))
    with pytest.raises(ValueError, match="sensor-001 has 10 sound readings"):
        StreamDetector().fit(rows)
