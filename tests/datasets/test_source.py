"""Which files a run reads, and that simulated ones never pass as real."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gauntlet.datasets import ai4i, dataset, modules
from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.source import Simulation, locate, read_located

SPEC = ai4i.SPEC


class Draws:
    """A simulation that counts how often it was made."""

    def __init__(self, fail: bool = False) -> None:
        self.made, self.fail = 0, fail

    def simulation(self, draw: str = "v1-seed7") -> Simulation:
        return Simulation(draw, self._write)

    def _write(self, folder: Path) -> None:
        self.made += 1
        ai4i.simulate(folder, rows=50)
        if self.fail:
            raise KeyboardInterrupt


def real(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "ai4i2020.csv").write_text("whatever")
    return folder


def test_auto_takes_real_files_where_they_are(tmp_path: Path) -> None:
    home, draws = real(tmp_path / "ai4i"), Draws()
    for source in ("auto", "real"):
        found = locate(SPEC, source, None, tmp_path, draws.simulation())
        assert (found.path, found.source) == (home, "real")
    assert draws.made == 0


def test_auto_simulates_once_elsewhere(tmp_path: Path) -> None:
    draws = Draws()
    for _ in range(2):
        found = locate(SPEC, "auto", None, tmp_path, draws.simulation())
        assert (found.path, found.source) == (tmp_path / "ai4i-simulated" / "v1-seed7", "simulated")
    assert draws.made == 1
    locate(SPEC, "auto", None, tmp_path, draws.simulation("v1-seed8"))
    assert draws.made == 2
    assert sorted(entry.name for entry in found.path.iterdir()) == ["SIMULATED.json", "ai4i2020.csv"]


def test_simulated_simulates_beside_real_files(tmp_path: Path) -> None:
    real(tmp_path / "ai4i")
    found = locate(SPEC, "simulated", None, tmp_path, Draws().simulation())
    assert (found.path.parent.name, found.source) == ("ai4i-simulated", "simulated")


def test_real_without_files_says_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"Run `gauntlet data get ai4i`"):
        locate(SPEC, "real", None, tmp_path, Draws().simulation())
    ai4i.simulate(tmp_path / "ai4i", rows=50)
    with pytest.raises(BadInput, match=r"only simulated files"):
        locate(SPEC, "real", None, tmp_path, Draws().simulation())


def test_a_named_folder_is_what_it_says_of_itself(tmp_path: Path) -> None:
    """Also when the simulated folder was copied and bears a name that promises real files."""
    ai4i.simulate(tmp_path / "drawn", rows=50)
    copy = shutil.copytree(tmp_path / "drawn", tmp_path / "factory" / "real")
    root, draws = tmp_path / "root", Draws().simulation()
    assert locate(SPEC, "auto", real(tmp_path / "mine"), root, draws).source == "real"
    assert locate(SPEC, "auto", copy, root, draws).source == "simulated"
    assert locate(SPEC, "auto", copy / "ai4i2020.csv", root, draws).source == "simulated"
    with pytest.raises(BadInput, match="real files are wanted, these are simulated"):
        locate(SPEC, "real", copy, root, draws)
    with pytest.raises(BadInput, match="simulated files are wanted, these are real"):
        locate(SPEC, "simulated", tmp_path / "mine", root, draws)
    assert not root.exists()


def test_a_named_folder_without_the_set_is_refused_and_never_replaced_by_a_simulation(tmp_path: Path) -> None:
    draws = Draws()
    (tmp_path / "empty").mkdir()
    (tmp_path / "other" / "1st_test").mkdir(parents=True)
    cases = {"nowhere": "no such folder", "empty": "an empty folder", "other": "saw '1st_test'"}
    for name, words in cases.items():
        with pytest.raises(BadInput, match=words) as caught:
            locate(SPEC, "auto", tmp_path / name, tmp_path, draws.simulation())
        assert str(caught.value).startswith(str(tmp_path / name))
    assert draws.made == 0


def test_a_simulation_that_was_stopped_leaves_nothing_and_is_made_anew(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        locate(SPEC, "auto", None, tmp_path, Draws(fail=True).simulation())
    assert list((tmp_path / "ai4i-simulated").iterdir()) == []
    found = locate(SPEC, "auto", None, tmp_path, Draws().simulation())
    (found.path / "ai4i2020.csv").unlink()
    locate(SPEC, "auto", None, tmp_path, Draws().simulation())
    assert (found.path / "ai4i2020.csv").is_file()


def test_the_second_of_two_that_simulate_at_once_takes_the_files_of_the_first(tmp_path: Path) -> None:
    draws = Draws()
    inner: list[Path] = []

    def overtaken(folder: Path) -> None:
        inner.append(locate(SPEC, "auto", None, tmp_path, draws.simulation()).path)
        ai4i.simulate(folder, rows=60)

    outer = locate(SPEC, "auto", None, tmp_path, Simulation("v1-seed7", overtaken)).path
    assert [outer] == inner
    assert ai4i.read(outer, labelled=False).rows == 50
    assert [entry.name for entry in outer.parent.iterdir()] == ["v1-seed7"]


def test_a_root_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="cannot be written"):
        locate(SPEC, "auto", None, tmp_path / "file", Draws().simulation())


def test_the_draw_is_named_by_all_that_it_depends_on() -> None:
    assert ai4i.simulation().draw == "v1-seed7-rows10000"
    assert ai4i.simulation(8, scale=0.5).draw == "v1-seed8-rows5000"


def test_every_listed_data_set_offers_the_same_verbs() -> None:
    for name in modules():
        module = dataset(name)
        assert name == module.SPEC.name
        assert all(callable(getattr(module, verb)) for verb in ("fetch", "simulation"))
        assert any(callable(getattr(module, verb, None)) for verb in ("read", "runs"))
    with pytest.raises(BadInput, match="no data set 'iris'; expected one of ai4i"):
        dataset("iris")


def test_rows_that_tell_on_themselves_are_not_read_as_what_they_are_not(tmp_path: Path) -> None:
    """A simulated table whose record was lost passes for real by its folder, and not by its rows."""
    ai4i.simulate(tmp_path / "drawn", rows=2_000)
    (tmp_path / "mine").mkdir()
    shutil.copy(tmp_path / "drawn" / "ai4i2020.csv", tmp_path / "mine")
    assert read_located(ai4i, "auto", tmp_path / "mine", tmp_path, 7).source == "simulated"
    assert read_located(ai4i, "simulated", tmp_path / "drawn", tmp_path, 7).rows == 2_000
    with pytest.raises(BadInput, match="real data are wanted, these rows are simulated"):
        read_located(ai4i, "real", tmp_path / "mine", tmp_path, 7)
