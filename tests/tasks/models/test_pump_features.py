"""Pump features against pandas, and blind to the future."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gauntlet.tasks.models.pump_features import KINDS, PumpFeatures, lagged, rolling_mean, since_recovery


def sensors(rows: int = 3000) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    values = pd.DataFrame(rng.normal(size=(rows, 3)).cumsum(0) * 0.1 + [500.0, 20.0, 0.1], columns=["a", "b", "c"])
    values.loc[700:1500, "b"] = np.nan
    values.loc[40:45, "a"] = np.nan
    return values


def test_windows_are_those_of_pandas() -> None:
    """Means and spread over the last hour; NaN where more than half of it is missing."""
    values = sensors()
    found = PumpFeatures().fit(values).transform(values)
    for sensor in values:
        rolling = values[sensor].rolling(60, min_periods=30)
        expected, spread = rolling.mean().to_numpy(), rolling.std(ddof=0).to_numpy()
        np.testing.assert_allclose(found[f"{sensor} mean60"][60:], expected[60:], rtol=1e-5)
        np.testing.assert_allclose(found[f"{sensor} sd60"][60:], spread[60:], rtol=1e-3, atol=1e-3)


def test_no_feature_looks_ahead() -> None:
    """Another future, the same past, to the digit, gaps included."""
    values = sensors()
    changed = values.copy()
    changed.iloc[2000:] = -1e4
    one = PumpFeatures().fit(values)
    pd.testing.assert_frame_equal(one.transform(values).iloc[:2000], one.transform(changed).iloc[:2000])
    pd.testing.assert_frame_equal(one.transform(values).iloc[:900], one.transform(values.iloc[:900]))


def test_rate_and_lag_of_a_ramp_are_its_slope() -> None:
    """A rise of 1 per minute: the last hour's mean lies 150 above that of six hours, and 1440 above yesterday's."""
    ramp = pd.DataFrame({"a": np.arange(3000.0)})
    found = PumpFeatures().fit(ramp).transform(ramp).iloc[-1]
    assert found["a rate"] == 150.0
    assert found["a lag_day"] == 1440.0
    assert list(found.index) == [f"a {kind}" for kind in KINDS]


def test_short_tables_and_lags() -> None:
    """Fewer rows than any window: the mean of what there is, no lag."""
    values = np.array([[1.0], [3.0]])
    assert rolling_mean(values, 60).ravel().tolist() == [1.0, 2.0]
    assert np.isnan(lagged(values, 60)).all()


def test_time_since_recovery_counts_from_the_last_row_that_was_not_normal() -> None:
    """From the start where there was none."""
    assert since_recovery(np.array([0, 0, 1, 2, 0, 0])).tolist() == [1, 2, 0, 0, 1, 2]
