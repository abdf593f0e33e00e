"""A folder with a few bad files ends with their list, one with many fails with it; a second run reads nothing anew."""

from dataclasses import replace

import numpy as np
import pytest

from gauntlet.datasets import femto
from gauntlet.datasets.errors import TooManyBadFiles
from gauntlet.datasets.io.signal_file import enforce_limit
from gauntlet.tasks.vibration.featurize import table as vibration_table
from gauntlet.tasks.vibration.featurize.table import feature_table


def _rows(seed):
    noise = np.random.default_rng(seed).standard_normal((femto.ROWS, 2)) * 0.5
    return [f"8,0,0,{i},{a:.3f},{b:.3f}" for i, (a, b) in enumerate(noise)]


DAMAGE = {
    "empty": lambda rows: "",
    "cut mid-line": lambda rows: "\n".join(rows)[:20_000],
    "text": lambda rows: "\n".join([*rows[:9], "8,0,0,9,oops,0.1", *rows[10:]]),
    "columns": lambda rows: "\n".join(row + ",1" for row in rows),
    "zeros": lambda rows: "\n".join("8,0,0,0,0.000,0.000" for _ in rows),
    "nan": lambda rows: "\n".join([*rows[:9], "8,0,0,9,nan,0.1", *rows[10:]]),
    "one channel": lambda rows: "\n".join(row.rsplit(",", 1)[0] for row in rows),
}


@pytest.fixture
def bearing(tmp_path):
    folder = tmp_path / "Learning_set" / "Bearing1_1"
    folder.mkdir(parents=True)
    for i in range(1, 101):
        (folder / f"acc_{i:05d}.csv").write_text("\n".join(_rows(i)) + "\n")
    return folder


def _spoil(folder, count):
    for i, damage in zip(range(10, 10 + count), [*DAMAGE.values()] * 3, strict=False):
        (folder / f"acc_{i:05d}.csv").write_text(damage(_rows(i)))


@pytest.mark.parametrize("name", DAMAGE)
def test_each_damage_is_quarantined(bearing, name):
    """The file is listed with a reason and its neighbours are used."""
    (bearing / "acc_00050.csv").write_text(DAMAGE[name](_rows(50)))
    table = feature_table(femto.runs(bearing.parents[1])[0])
    assert [q.path.name for q in table.quarantine] == ["acc_00050.csv"]
    assert table.quarantine[0].reason
    assert len(table.index) == 99
    assert 49 not in table.index


def test_three_percent_end_well_ten_percent_fail_with_the_list(bearing):
    """A folder named like a file counts as one."""
    _spoil(bearing, 2)
    (bearing / "acc_00090.csv").unlink()
    (bearing / "acc_00090.csv").mkdir()
    run = femto.runs(bearing.parents[1])[0]
    table = feature_table(run)
    assert len(table.quarantine) == 3
    enforce_limit(run, list(table.quarantine))
    _spoil(bearing, 10)
    worse = feature_table(run)
    with pytest.raises(TooManyBadFiles) as caught:
        enforce_limit(run, list(worse.quarantine))
    assert len(caught.value.quarantined) == 11


def test_second_run_parses_only_what_changed(bearing, tmp_path, monkeypatch):
    """Unchanged files come from the cache, bit for bit; a changed one is read; a torn cache is an empty one."""
    run = femto.runs(bearing.parents[1])[0]
    first = feature_table(run, tmp_path / "cache")
    parsed = []
    true_snapshot = vibration_table.snapshot
    monkeypatch.setattr(vibration_table, "snapshot", lambda *a: (parsed.append(a[1].path.name), true_snapshot(*a))[1])
    second = feature_table(run, tmp_path / "cache")
    assert parsed == []
    assert second.cached == 100
    np.testing.assert_array_equal(first.values, second.values)
    (bearing / "acc_00007.csv").write_text("\n".join(_rows(777)) + "\n")
    feature_table(run, tmp_path / "cache")
    assert parsed == ["acc_00007.csv"]
    next((tmp_path / "cache").iterdir()).write_bytes(b"torn")
    np.testing.assert_array_equal(feature_table(run, tmp_path / "cache").values[50], first.values[50])


def test_another_shaft_speed_or_way_of_computing_is_another_feature(bearing, tmp_path, monkeypatch):
    """The files have not changed, what their features depend on has: nothing old comes from the cache."""
    run = femto.runs(bearing.parents[1])[0]
    feature_table(run, tmp_path / "cache")
    faster = replace(run, shaft_hz=run.shaft_hz + 5)
    table = feature_table(faster, tmp_path / "cache")
    assert table.cached == 0
    np.testing.assert_array_equal(table.values, feature_table(faster).values)
    monkeypatch.setattr(vibration_table, "VERSION", "the next")
    assert feature_table(run, tmp_path / "cache").cached == 0


def test_threads_change_nothing(bearing):
    """One thread or four: the same table."""
    run = femto.runs(bearing.parents[1])[0]
    np.testing.assert_array_equal(feature_table(run, threads=1).values, feature_table(run, threads=4).values)
