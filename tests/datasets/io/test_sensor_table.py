"""Tables of sensors over time: what is odd is handled and counted, what is wrong is one clear line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gauntlet.datasets import pump
from gauntlet.datasets.errors import BadInput

HEAD = "timestamp,sensor_00,sensor_01,machine_status"


def table(tmp_path: Path, rows: list[str], head: str = HEAD) -> Path:
    file = tmp_path / "sensor.csv"
    file.write_text("\n".join([head, *rows]) + "\n")
    return file


def minutes(count: int, broken: int | None = None) -> list[str]:
    return [f"2018-04-01 00:{k:02d}:00,{k}.5,{2 * k},{'BROKEN' if k == broken else 'NORMAL'}" for k in range(count)]


def test_values_status_and_failures_are_those_of_the_file(tmp_path: Path) -> None:
    """The plainest table: numbers as written, one failure at its row."""
    read = pump.read(table(tmp_path, minutes(10, broken=7)))
    assert read.values["sensor_00"].tolist() == [k + 0.5 for k in range(10)]
    assert read.failures.tolist() == [7]
    assert read.time[3] == np.datetime64("2018-04-01T00:03:00")


@pytest.mark.parametrize("words", [("0", "1", "2"), ("0.0", "1.0", "2.0"), ("normal", "Broken", "RECOVERING")])
def test_every_spelling_of_the_status_means_the_same(tmp_path: Path, words: tuple[str, str, str]) -> None:
    """Re-saved copies write 0 and 1, some 0.0 and 1.0."""
    states = [0, 0, 1, 2, 2, 0]
    rows = [f"2018-04-01 00:0{k}:00,{k},{-k},{words[s]}" for k, s in enumerate(states)]
    assert pump.read(table(tmp_path, rows)).status.tolist() == states


def test_duplicates_disorder_gaps_and_dead_sensors_are_handled_and_counted(tmp_path: Path) -> None:
    """Two swapped rows, one duplicate, ten missing minutes, an empty and a constant sensor."""
    rows = [f"2018-04-01 00:{k:02d}:00,{k},{k % 3},,5,{'BROKEN' if k == 39 else 'NORMAL'}" for k in range(40)]
    del rows[20:30]
    rows[4], rows[5] = rows[5], rows[4]
    rows.insert(8, rows[8])
    read = pump.read(table(tmp_path, rows, "timestamp,a,b,c,d,machine_status"))
    assert read.values["a"].tolist() == [*map(float, range(20)), *map(float, range(30, 40))]
    mended = read.mended
    assert (mended.duplicates, mended.unordered, mended.gaps, mended.longest_gap_s) == (1, 1, 1, 660.0)
    assert (mended.empty, mended.constant) == (("c",), ("d",))
    assert len(mended.sentences) == 6


def test_an_empty_cell_is_a_gap(tmp_path: Path) -> None:
    """Not zero, not an error."""
    rows = minutes(5, broken=4)
    rows[2] = "2018-04-01 00:02:00,,4,NORMAL"
    assert np.isnan(pump.read(table(tmp_path, rows)).values["sensor_00"][2])


def test_semicolons_and_decimal_commas_are_read(tmp_path: Path) -> None:
    """As a European spreadsheet saves it."""
    rows = [row.replace(",", ";").replace(".5", ",5") for row in minutes(6, broken=5)]
    assert pump.read(table(tmp_path, rows, HEAD.replace(",", ";"))).values["sensor_00"][3] == 3.5


def test_a_changed_unit_is_named(tmp_path: Path) -> None:
    """Bar to kilopascal half-way: reported, not mended."""
    moments = np.datetime64("2018-04-01") + np.arange(4000) * np.timedelta64(1, "m")
    rng = np.random.default_rng(1)
    level = np.where(np.arange(4000) < 2000, 3.0, 300.0) * (1 + 0.01 * rng.normal(size=4000))
    rows = [f"{m},{v:.4f},{w:.4f},{'BROKEN' if k == 3999 else 'NORMAL'}"
            for k, (m, v, w) in enumerate(zip(moments, level, rng.normal(5, 1, 4000), strict=True))]  # fmt: skip
    assert pump.read(table(tmp_path, rows)).mended.unit_jumps == ("sensor_00",)


BAD = {
    "missing status": ([row.rpartition(",")[0] for row in minutes(9)], HEAD.rpartition(",")[0], "status is missing"),
    "one status": (minutes(20), HEAD, "no row is BROKEN"),
    "unknown status": ([*minutes(3), "2018-04-01 00:09:00,1,2,ASLEEP"], HEAD, "'ASLEEP'"),
    "text": ([*minutes(8, 1), "2018-04-01 00:09:00,hot,2,NORMAL"], HEAD, "line 10, column 'sensor_00': text"),
    "no moment": ([*minutes(4, 1), "yesterday,1,2,NORMAL"], HEAD, "line 6, column 'timestamp': this is no moment"),
    "shuffled": ([minutes(50, 1)[(k * 17) % 50] for k in range(50)], HEAD, "in no order of time"),
    "90 % missing": ([f"2018-04-01 00:{k:02d}:00,,,{'BROKEN' if k else 'NORMAL'}" for k in range(30)], HEAD, "100% of"),
    "wrong separator": ([r.replace(",", ":") for r in minutes(5)], HEAD.replace(",", ":"), "no known column name"),
    "cut off": ([*minutes(5, 1), "2018-04-01 00:09:00,1"], HEAD, "the last line is cut off"),
    "too wide": ([*minutes(5, 1), "2018-04-01 00:09:00,1,2,NORMAL,3", *minutes(1)], HEAD, "another number of columns"),
    "header only": ([], HEAD, "no rows"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_table_is_one_clear_line(tmp_path: Path, name: str) -> None:
    """File first, then what is wrong; one line."""
    rows, head, said = BAD[name]
    with pytest.raises(BadInput) as stopped:
        pump.read(table(tmp_path, rows, head))
    message = str(stopped.value)
    assert said in message
    assert message.startswith(str(tmp_path / "sensor.csv"))
    assert "\n" not in message


def test_without_a_token_one_line_says_where_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent, nothing is written."""
    monkeypatch.delenv("KAGGLE_USERNAME", raising=False)
    monkeypatch.delenv("KAGGLE_KEY", raising=False)
    with pytest.raises(BadInput, match="KAGGLE_USERNAME and KAGGLE_KEY"):
        pump.fetch(tmp_path / "pump")
    assert not (tmp_path / "pump").exists()


def test_the_simulated_table_has_the_published_habits(tmp_path: Path) -> None:
    """Small draw: seven failures where the truth says, sensor_15 empty, sensor_50 dead late, equal bytes again."""
    from gauntlet.datasets.simulate import pump as process

    one, two = pump.simulate(tmp_path / "a", 3, 22_000), pump.simulate(tmp_path / "b", 3, 22_000)
    assert one.read_bytes() == two.read_bytes()
    read = pump.read(tmp_path / "a")
    assert read.source == "simulated"
    assert read.failures.tolist() == process.failing_rows(22_000).tolist()
    assert read.mended.empty == ("sensor_15",)
    assert read.values["sensor_50"].isna().mean() == pytest.approx(0.35, abs=0.02)


def test_the_full_draw_has_the_published_counts() -> None:
    """205,836 rows NORMAL, 7 BROKEN, 14,477 RECOVERING, as the publisher's file has."""
    from gauntlet.datasets.simulate import pump as process

    status, _ = process._status(process.ROWS)
    assert np.bincount(status).tolist() == [205_836, 7, 14_477]
