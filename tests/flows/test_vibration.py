"""The vibration gauntlets' own promises: bearing, element and onset; bad files listed; nothing read twice."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from gauntlet.datasets import ims
from gauntlet.datasets.errors import Leak, TooManyBadFiles
from gauntlet.datasets.provenance import RECORD
from gauntlet.flows.nasa import nasa
from gauntlet.tasks.result import GauntletResult

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def snapshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Test 2 with 148 of 984 files; bearing 1 fails at the outer race from 54 % of the life."""
    folder = tmp_path_factory.mktemp("nasa")
    ims.simulation(seed=5, scale=0.15).write(folder)
    return folder


@pytest.fixture(scope="module")
def told(snapshots: Path, stack: Any) -> GauntletResult:
    return nasa(data=snapshots)


@pytest.fixture
def copy(snapshots: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(snapshots, tmp_path / "copy"))


def test_the_bearing_its_element_and_its_onset_are_named(told: GauntletResult) -> None:
    """As simulated: bearing 1, outer race, within 10 % of the life, before the end; the others are not accused."""
    machines = {one["unit"]: one for one in told.machines or ()}
    failing = machines.pop("bearing 1")
    assert failing["diagnosis"]["element"] == "outer"
    assert abs(failing["onset"]["index"] - failing["published_onset"]) <= 14
    assert failing["failure"]["index"] == 145  # the last two of 148 files are machine-off
    assert failing["lead_time_h"] == pytest.approx((145 - failing["onset"]["index"]) / 6, abs=1.5)
    for other in machines.values():
        assert other["diagnosis"]["element"] is None
        assert other["onset"] is None or other["crosstalk_of"] == "2nd_test bearing 1"


def test_the_verdict_names_weekday_and_place(told: GauntletResult) -> None:
    """As a planner reads it."""
    assert told.verdict[0].startswith("2nd_test, bearing 1: outer race, confidence")
    assert "since Thu 2004-02-12" in told.verdict[0] or "since Fri 2004-02-13" in told.verdict[0]


def test_a_second_run_reads_nothing_anew_and_a_new_file_alone_is_read(told: GauntletResult, copy: Path) -> None:
    """By content: a copy of the folder is known, a changed file is not."""
    again = nasa(data=copy)
    assert again.input.cached_files == told.input.files - 2  # the two machine-off files are looked at every time
    changed = sorted((copy / "2nd_test").iterdir())[50]
    changed.write_bytes((copy / "2nd_test" / changed.name).read_bytes().replace(b"0.1", b"0.2", 1))
    assert nasa(data=copy).input.cached_files == told.input.files - 3


def test_three_percent_of_bad_files_are_listed(copy: Path, stack: Any) -> None:
    """An empty one, a cut one, one with text, and a folder named like a file."""
    files = sorted((copy / "2nd_test").iterdir())
    files[3].write_bytes(b"")
    files[40].write_bytes(files[40].read_bytes()[:100_000])
    files[70].write_bytes(files[70].read_bytes().replace(b"0.0", b"oops", 1))
    files[90].unlink()
    files[90].mkdir()
    result = nasa(data=copy)
    bad = {one.file: one.reason for one in result.input.quarantined if "machine is off" not in one.reason}
    assert set(bad) == {f"2nd_test/{files[i].name}" for i in (3, 40, 70, 90)}
    assert all(bad.values())
    assert next(one for one in result.machines or () if one["unit"] == "bearing 1")["diagnosis"]["element"] == "outer"


def test_ten_percent_of_bad_files_fail_with_the_list(copy: Path, stack: Any) -> None:
    """Nothing is trained on what is left."""
    files = sorted((copy / "2nd_test").iterdir())
    for file in files[:15]:
        file.write_bytes(b"")
    with pytest.raises(TooManyBadFiles) as failed:
        nasa(data=copy)
    assert files[0].name in str(failed.value)


def test_a_span_without_a_fault_is_no_evaluation(tmp_path: Path, stack: Any) -> None:
    """The first 104 of 197 files, where the fault begins with number 106: a share of alarms there would mean nothing."""
    ims.simulation(seed=5, scale=0.2).write(tmp_path)
    for file in sorted((tmp_path / "2nd_test").iterdir())[104:]:
        file.unlink()
    with pytest.raises(Leak) as stopped:
        nasa(data=tmp_path)
    assert {finding.kind for finding in stopped.value.findings} == {"no_fault_evaluated"}


def test_a_few_snapshots_are_diagnosed_and_nothing_is_trained(copy: Path, stack: Any) -> None:
    """The first three and the last five of a life are too few for an alarm, and enough to name the element."""
    for file in sorted((copy / "2nd_test").iterdir())[3:-5]:
        file.unlink()
    result = nasa(data=copy)
    assert result.registered == ()
    assert "nothing was trained" in " ".join(result.verdict)
    machine = next(one for one in result.machines or () if one["unit"] == "bearing 1")
    assert (machine["basis"], machine["diagnosis"]["element"]) == ("none", "outer")


def test_of_somebodys_own_machine_no_share_is_stated(copy: Path, stack: Any) -> None:
    """Without a known end: alarms and element, no figure, no champion."""
    (copy / RECORD).unlink()
    first = sorted((copy / "2nd_test").iterdir())[0]
    first.unlink()  # the published test begins with this very file
    result = nasa(data=copy)
    assert result.source == "real"
    assert "is not known" in " ".join(result.verdict)
    assert not [one for one in result.registered if one.aliases and result.data_hash in str(one)]
    machine = next(one for one in result.machines or () if one["unit"] == "bearing 1")
    assert machine["onset"] is not None
    assert machine["failure"] is None
    assert machine["diagnosis"]["element"] == "outer"
