"""SKAB's runs: the publisher's layout, whole or in part; a bad file is set aside with its reason, too many stop."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gauntlet.datasets import skab
from gauntlet.datasets.errors import BadInput, TooManyBadFiles


@pytest.fixture
def rig(tmp_path: Path) -> Path:
    return Path(skab.simulate(tmp_path / "skab", seed=3, runs=3, rows=900))


def damage(rig: Path, old: str, new: str, count: int = -1) -> Path:
    file = rig / "valve1" / "1.csv"
    file.write_text(file.read_text().replace(old, new, count))
    return file


def test_the_simulated_runs_are_read_back(rig: Path) -> None:
    """Three runs, eight sensors, the labelled span and its four changepoints, said to be simulated."""
    read = skab.read(rig)
    assert (len(read.runs), read.rows, read.source) == (3, 2700, "simulated")
    for run in read.runs:
        assert tuple(run.values) == skab.SENSORS
        assert not run.anomaly[: skab.BEGINNING].any()
        assert run.changepoint.sum() == 4
        assert np.diff(run.seconds).tolist() == [1.0] * 899


def test_equal_seeds_give_equal_bytes(rig: Path, tmp_path: Path) -> None:
    """And another seed does not."""
    again, other = skab.simulate(tmp_path / "b", 3, 3, 900), skab.simulate(tmp_path / "c", 4, 3, 900)
    assert (rig / "valve1/2.csv").read_bytes() == (again / "valve1/2.csv").read_bytes()
    assert (rig / "valve1/2.csv").read_bytes() != (other / "valve1/2.csv").read_bytes()


def test_a_bad_run_is_set_aside_and_named(rig: Path) -> None:
    """When the limit allows it."""
    damage(rig, "Voltage", "Spannung", 1)
    read = skab.read(rig, most_bad=0.5)
    assert [run.name for run in read.runs] == ["valve1/0", "valve1/2"]
    assert read.quarantined[0][0] == "valve1/1"
    assert "'Voltage'" in read.quarantined[0][1]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (";anomaly;", ";alarm;", "column 'anomaly': the label is missing"),
        (";0.0;0.0", ";0.5;0.0", "column 'anomaly': wrong value"),
        (";0.0;0.0", ";1.0;0.0", "an anomaly within the first 400 rows"),
    ],
)
def test_too_many_bad_runs_stop_with_the_reason(rig: Path, old: str, new: str, said: str) -> None:
    """One in three is past a twentieth."""
    damage(rig, old, new, 1)
    with pytest.raises(TooManyBadFiles, match="1 of 3 files cannot be used") as stopped:
        skab.read(rig)
    assert said in str(stopped.value)


def test_an_empty_folder_and_a_real_one_are_left_alone(tmp_path: Path, rig: Path) -> None:
    """Nothing there: one line. Real files there: never mixed with simulated ones."""
    (tmp_path / "none").mkdir()
    with pytest.raises(BadInput, match="holds no run of SKAB"):
        skab.read(tmp_path / "none")
    (rig / "SIMULATED.json").unlink()
    with pytest.raises(BadInput, match="files that are not simulated"):
        skab.simulate(rig)
