"""Series on a grid: gaps and odd times in the open, and one clear line for each input that cannot be forecast."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gauntlet.datasets import ett
from gauntlet.datasets.errors import BadInput, TooManyBadFiles
from gauntlet.datasets.io import series_table
from gauntlet.datasets.records.series import SeriesSet


def table(folder: Path, frame: pd.DataFrame, **csv: object) -> Path:
    file = folder / "readings.csv"
    frame.to_csv(file, index=False, **csv)
    return file


def hourly(n: int = 100, name: str = "a", **columns: object) -> pd.DataFrame:
    times = pd.date_range("2026-03-01", periods=n, freq="1h")
    return pd.DataFrame({"series_id": name, "timestamp": times, "value": np.arange(n) % 7.0, **columns})


def only(found: SeriesSet) -> object:
    assert len(found.series) == 1
    return found.series[0]


def test_a_regular_series_comes_back_as_it_was_written(tmp_path: Path) -> None:
    series = only(series_table.read(table(tmp_path, hourly())))
    assert (series.name, series.step, series.season) == ("a", pd.Timedelta("1h"), 24)
    assert np.array_equal(series.values, np.arange(100) % 7.0)
    assert series.measured.all()


@pytest.mark.parametrize(
    ("csv", "rename"),
    [({}, {}), ({"sep": ";", "decimal": ","}, {}), ({"sep": "\t"}, {"series_id": "Sensor ID", "value": "Reading"}),
     ({"encoding": "utf-16"}, {"timestamp": "ds", "value": "y", "series_id": "unique_id"})],
)  # fmt: skip
def test_re_saved_tables_read_alike(tmp_path: Path, csv: dict[str, object], rename: dict[str, str]) -> None:
    """Separators, decimal marks, encodings and the usual names of the columns."""
    frame = hourly().assign(value=lambda one: one["value"] + 0.25)
    series = only(series_table.read(table(tmp_path, frame.rename(columns=rename), **csv)))
    assert np.array_equal(series.values, frame["value"])


def test_a_gap_repeats_the_last_reading_and_is_told(tmp_path: Path) -> None:
    """Missing rows and empty cells alike; nothing is interpolated towards a later reading."""
    frame = hourly()
    frame.loc[50, "value"] = np.nan
    series = only(series_table.read(table(tmp_path, frame.drop(index=[20, 21]))))
    assert list(series.values[[20, 21, 50]]) == [19 % 7, 19 % 7, 49 % 7]
    assert list(np.flatnonzero(~series.measured)) == [20, 21, 50]
    assert "3 points without a reading repeat the last one" in series.note


def test_irregular_readings_know_nothing_later_than_their_point(tmp_path: Path) -> None:
    """A reading changes its own point of the grid and those that repeat it, never one before its time."""
    draw = np.random.default_rng(1)
    times = pd.Timestamp("2026-03-01") + pd.to_timedelta(np.cumsum(draw.uniform(20, 100, 400)), unit="s")
    frame = pd.DataFrame({"timestamp": times, "value": draw.normal(size=400)})
    before = only(series_table.read(table(tmp_path, frame)))
    frame.loc[200, "value"] += 100.0
    after = only(series_table.read(table(tmp_path, frame)))
    changed = np.flatnonzero(before.values != after.values)
    assert len(changed)
    assert before.times[changed[0]] >= times[200]
    assert "irregular" in before.note


def test_unsorted_rows_are_sorted_and_several_series_are_kept_apart(tmp_path: Path) -> None:
    both = pd.concat([hourly(name="a"), hourly(name="b").assign(value=lambda one: one["value"] * 2)])
    found = series_table.read(table(tmp_path, both.sample(frac=1, random_state=1)))
    by_name = {one.name: one for one in found.series}
    assert np.array_equal(by_name["b"].values, 2 * by_name["a"].values)
    assert "sorted" in by_name["a"].note


def test_a_season_is_a_day_or_a_week(tmp_path: Path) -> None:
    frame = hourly()
    for freq, season in (("15min", 96), ("1D", 7), ("7D", 1), ("7h", 1)):
        frame["timestamp"] = pd.date_range("2026-03-01", periods=100, freq=freq)
        assert only(series_table.read(table(tmp_path, frame))).season == season


BAD = {
    "constant": (lambda f: f.assign(value=4.0), r"line 2: series a is constant, saw 4 throughout"),
    "all missing": (lambda f: f.assign(value=np.nan), r"line 2: every value of series a is missing"),
    "too few": (lambda f: f.head(2), r"series a is too short, saw 2 readings; expected at least 3"),
    "duplicate": (
        lambda f: pd.concat([f.head(11), f.iloc[10:]]),
        r"line 13: series a has the time 2026-03-01 10:00:00 twice, saw lines 12 and 13",
    ),
    "jump into the future": (
        lambda f: f.assign(timestamp=[*f["timestamp"][:-1], pd.Timestamp("2062-01-01")]),
        r"line 100: series a has a gap of \d+ days.* to 2062-01-01",
    ),
    "no readings before the forecast": (
        lambda f: f.assign(value=[*f["value"][:70], *[np.nan] * 30]),
        r"line 71: series a has a gap .* to its end: nothing is known of the time before a forecast",
    ),
    "hole": (lambda f: f.drop(index=range(30, 60)), r"line 31: series a has a gap of 1 days 07:00:00"),
    "text": (lambda f: f.assign(value=["x" if i == 4 else v for i, v in enumerate(f["value"])]),
             r"line 6, column 'value': not a finite number, saw 'x'"),
    "infinite": (lambda f: f.assign(value=[np.inf if i == 4 else v for i, v in enumerate(f["value"])]),
                 r"line 6, column 'value': not a finite number, saw 'inf'"),
    "wrong time": (lambda f: f.assign(timestamp=[("31.02.2026" if i == 4 else t) for i, t in enumerate(f["timestamp"])]),
                   r"line 6: wrong time, saw '31.02.2026'"),
    "no value column": (lambda f: f.rename(columns={"value": "pressure"}), r"line 1: no value column"),
    "two value columns": (lambda f: f.assign(y=1.0), r"line 1: two columns could be the value"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_forecast_is_one_line(tmp_path: Path, case: str) -> None:
    """File, line, what was seen, and no line break."""
    change, message = BAD[case]
    with pytest.raises(BadInput, match=message) as told:
        series_table.read(table(tmp_path, change(hourly())))
    assert "\n" not in str(told.value)
    assert told.value.exit_status == 2


def test_one_bad_series_among_many_is_set_aside_and_too_many_are_not(tmp_path: Path) -> None:
    """One of thirty goes into quarantine with its reason; three of thirty are too many."""
    parts = [hourly(name=f"s{number}") for number in range(30)]
    parts[7]["value"] = 1.0
    found = series_table.read(table(tmp_path, pd.concat(parts)))
    assert len(found.series) == 29
    assert [name for name, _ in found.quarantined] == ["s7"]
    assert "constant" in found.quarantined[0][1]
    for number in (8, 9):
        parts[number]["value"] = 1.0
    with pytest.raises(TooManyBadFiles, match="3 of 30"):
        series_table.read(table(tmp_path, pd.concat(parts)))


def test_ett_is_read_by_its_target(tmp_path: Path) -> None:
    """OT by name, wherever the column stands; a bad cell is named with its line."""
    frame = pd.DataFrame({"date": pd.date_range("2016-07-01", periods=50, freq="1h"), "HUFL": 1.0})
    frame["OT"] = np.sin(np.arange(50))
    frame.to_csv(tmp_path / "ETTh1.csv", index=False)
    with pytest.raises(BadInput, match="series ETTh1 has 50 points; expected 14,400"):
        ett.read(tmp_path)
    text = (tmp_path / "ETTh1.csv").read_text().replace("0.8414709848078965", "oops")
    (tmp_path / "ETTh1.csv").write_text(text)
    with pytest.raises(BadInput, match=r"ETTh1.csv, line 3, column 'OT': wrong value, saw 'oops'"):
        ett.read(tmp_path)
