"""A day of a shaft, cut into files in every way: in the end the rows and alarms of the one undisturbed file, each once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import create_engine, text

from gauntlet.blocks import TelemetryDatabase
from gauntlet.tasks.claims import database_time, open_database, sqlite_url
from gauntlet.tasks.loop import alarm_states, portions, row_scoring
from gauntlet.tasks.loop.champion import Champion
from gauntlet.tasks.loop.portions import all_of, manifests, predictions_of
from gauntlet.tasks.loop.scoring import FileScored, score_or_refuse
from gauntlet.tasks.vibration.online.scoring import spans_of

SHAFT, FIRST = "2nd_test", "2nd_test bearing 1"
COLUMNS = ["_key", "machine", "time", "log_level 1", "_score", "_alarm"]


class Killed(BaseException):
    """Stands for the end of a process, in the middle of an act."""


@dataclass
class Plant:
    """A folder of files, and runs that score what lies in it, on stores of their own."""

    folder: Path
    champion: Champion
    store: Any
    engine: Any
    database: TelemetryDatabase
    done: list[FileScored] = field(default_factory=list)

    def run(self) -> dict[str, FileScored]:
        """As the flow does: every file by the time of its first row; what each came to."""
        began = database_time(self.engine)
        files = self.champion.adapter.files(self.folder)
        made = [score_or_refuse(one, self.champion, self.store, self.engine, self.database, began) for one in files]
        self.done += made
        return {one.file: one for one in made}

    def put(self, name: str, lines: list[str], end: str = "\n") -> None:
        """A file, written whole."""
        (self.folder / name).write_text("\n".join(lines) + end)

    @property
    def portions(self) -> list[Any]:
        return list(manifests(self.store, "nasa"))

    def rows(self) -> pd.DataFrame:
        """Every row that counts, by machine and time."""
        parts = [all_of(self.store, one) for one in self.portions if one.rows]
        return pd.concat(parts)[COLUMNS].sort_values(["time", "machine"]).reset_index(drop=True)

    def spans(self, shaft: str = SHAFT) -> set[tuple[str, float, float, float | None]]:
        memory = alarm_states.current(self.champion, self.store, shaft)
        return {(one.machine, one.onset_s, one.raised_s, one.cleared_s) for one in spans_of(memory)}

    def sql(self) -> pd.DataFrame:
        assert self.database.url is not None
        with create_engine(self.database.url.get_secret_value()).connect() as connection:
            query = (
                "SELECT row_key, machine, time_s, score, alarm, late FROM gauntlet_predictions ORDER BY time_s, machine"
            )
            return pd.read_sql(text(query), connection)

    def agrees(self) -> None:
        """S3, SQL and manifests say the same; every row is there once."""
        rows, told = self.rows(), self.sql()
        assert not rows["_key"].duplicated().any()
        assert told["row_key"].tolist() == rows["_key"].tolist()
        assert told["alarm"].astype(bool).tolist() == rows["_alarm"].tolist()
        for one in self.portions:
            assert (one.rows, one.alarms) == (
                len(all_of(self.store, one)),
                int(all_of(self.store, one)["_alarm"].sum()),
            )
            assert predictions_of(self.store, one)["_alarm"].tolist() == all_of(self.store, one)["_alarm"].tolist()


Made = Callable[..., Plant]


@pytest.fixture
def made(champion: Champion, new_store: Callable[..., Any], tmp_path: Path) -> Made:
    """Makes a plant of its own."""
    count = iter(range(100))

    def new(by: Champion = champion) -> Plant:
        home = tmp_path / str(next(count))
        (home / "incoming").mkdir(parents=True)
        (home / "incoming" / "SIMULATED.json").write_text("{}")
        database = TelemetryDatabase(url=f"sqlite:///{home / 'telemetry.db'}")
        return Plant(home / "incoming", by, new_store(), open_database(sqlite_url(home)), database)

    return new


@pytest.fixture
def day(levels: Any, table_of: Any) -> tuple[str, list[str]]:
    """Header and lines of 140 snapshots, 23 hours: bearing 1 is loud for a while, the machine is off for two snapshots, and
    later all bearings but one are silent for a moment."""
    step = np.arange(140)
    table = table_of(levels(140, 11, np.where((step >= 50) & (step < 90), 0.6, 0.0)))
    times = table["time"].unique()
    table.loc[table["time"].isin(times[110:112]), "log_level 1"] = np.log(0.001)
    table.loc[(table["time"] == times[30]) & ~table["machine"].str.endswith("4"), "log_level 1"] = np.log(0.001)
    header, *lines = table.to_csv(index=False).splitlines()
    return header, lines


@pytest.fixture
def undisturbed(made: Made, day: tuple[str, list[str]]) -> Plant:
    """The day in one file."""
    plant = made()
    plant.put("day.csv", [day[0], *day[1]])
    assert plant.run()["day.csv"].state == "scored"
    assert FIRST in {one[0] for one in plant.spans()}
    return plant


def same(plant: Plant, other: Plant) -> None:
    """The same rows to the last digit, the same alarms, the same machine-off rows."""
    pd.testing.assert_frame_equal(plant.rows(), other.rows(), check_exact=True)
    assert plant.spans() == other.spans()
    assert sum(one.off for one in plant.portions) <= sum(one.off for one in other.portions)
    plant.agrees()
    other.agrees()


def disturb(rng: np.random.Generator, header: str, lines: list[str]) -> list[tuple[str, list[str], str]]:
    """(name, lines, how the last one ends) of files in the order in which they come: cut anywhere, also within a snapshot,
    overlapping, named at random, some twice, some first half-written or in the middle of a number, in any order."""
    cuts = [0, *sorted(rng.choice(np.arange(1, len(lines)), rng.integers(4, 9), replace=False).tolist()), len(lines)]
    order = rng.permutation(len(cuts) - 1)
    files: list[tuple[str, list[str], str]] = []
    for i in order.tolist():
        start = max(0, cuts[i] - int(rng.integers(0, 40))) if rng.random() < 0.5 else cuts[i]
        piece, name = lines[start : cuts[i + 1]], f"{rng.integers(10**9):09d}.csv"
        kind = rng.random()
        if kind < 0.3 and len(piece) > 3:
            grown = int(rng.integers(1, len(piece)))
            files.append((name, [header, *piece[:grown]], "\n"))
        elif kind < 0.5:
            files.append((name, [header, *piece[:-1], piece[-1][: -int(rng.integers(1, 8))]], ""))
        files.append((name, [header, *piece], "\n"))
        if rng.random() < 0.3:
            files.append((f"{rng.integers(10**9):09d}.csv", [header, *piece], "\n"))
    return files


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.promise("rows")
def test_rows_and_alarms_are_those_of_one_file(
    made: Made, undisturbed: Plant, day: tuple[str, list[str]], seed: int
) -> None:
    """Some files come in one run, some are gone before the next."""
    rng, plant = np.random.default_rng(seed), made()
    for name, lines, end in disturb(rng, *day):
        plant.put(name, lines, end)
        if rng.random() < 0.6:
            for one in plant.run().values():
                whole = (plant.folder / one.file).read_text().endswith("\n")
                assert one.state in (("scored", "known") if whole else ("waits",))
            plant.agrees()
            for path in plant.folder.glob("*.csv"):
                if path.read_text().endswith("\n") and rng.random() < 0.3:
                    path.unlink()
    plant.run()
    same(plant, undisturbed)
    assert {one.state for one in plant.run().values()} <= {"known"}


def mortal(rng: np.random.Generator, patch: pytest.MonkeyPatch) -> None:
    """Let every act that writes be the last one of its process now and then, before or after it was done."""

    def wrap(place: Any, name: str) -> None:
        real = getattr(place, name)

        def call(*given: Any, **named: Any) -> Any:
            late = rng.random() < 0.5
            if not late and rng.random() < 0.08:
                raise Killed(name)
            answer = real(*given, **named)
            if late and rng.random() < 0.08:
                raise Killed(name)
            return answer

        patch.setattr(place, name, call)

    for place, name in (
        (portions, "put"), (portions, "put_document"), (alarm_states, "put_document"), (row_scoring, "write_predictions"),
        (row_scoring, "finish"), (row_scoring, "note"),
    ):  # fmt: skip
        wrap(place, name)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_so_they_are_where_workers_die_on_the_way(
    made: Made, undisturbed: Plant, day: tuple[str, list[str]], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At any act that writes; whoever comes next ends it, whether the same file comes again or one that has its rows."""
    rng, plant = np.random.default_rng(100 + seed), made()

    mortal(rng, monkeypatch)
    deaths = 0
    for name, lines, end in disturb(rng, *day):
        plant.put(name, lines, end)
        try:
            plant.run()
        except Killed:
            deaths += 1
    monkeypatch.undo()
    plant.run()
    same(plant, undisturbed)
    assert deaths


@pytest.mark.promise("alarms")
def test_a_late_row_moves_the_alarm_and_what_was_said_is_corrected(made: Made, day: tuple[str, list[str]]) -> None:
    """The first ten faulty snapshots come last: the alarm was raised earlier than was said."""
    plant, (header, lines) = made(), day
    plant.put("first.csv", [header, *lines[: 4 * 50]])
    plant.put("after.csv", [header, *lines[4 * 60 :]])
    assert not any(one.corrected for one in plant.run().values())
    ((_, _, said_s, _),) = [one for one in plant.spans() if one[0] == FIRST]
    plant.put("between.csv", [header, *lines[4 * 50 : 4 * 60]])
    (correction,) = plant.run()["between.csv"].corrected
    ((_, _, raised_s, _),) = [one for one in plant.spans() if one[0] == FIRST]
    assert raised_s < said_s
    assert correction.startswith(f"{FIRST}: the alarm raised at ")
    assert f"was raised at {pd.Timestamp(raised_s, unit='s'):%Y-%m-%d %H:%M:%S} UTC" in correction
    assert {one.state for one in plant.run().values()} == {"known"}
    plant.agrees()


@pytest.fixture
def two_days(levels: Any, table_of: Any) -> tuple[str, list[str]]:
    """Header and lines of 300 snapshots, 50 hours, bearing 1 loud early on."""
    step = np.arange(300)
    header, *lines = (
        table_of(levels(300, 12, np.where((step >= 40) & (step < 80), 0.6, 0.0))).to_csv(index=False).splitlines()
    )
    return header, lines


def test_what_comes_too_late_is_kept_and_marked_and_changes_no_alarm(
    made: Made, two_days: tuple[str, list[str]]
) -> None:
    """More than a day after the newest row that was there before; in one run with it, it is not late at all."""
    (header, lines), plant, other = two_days, made(), made()
    plant.put("b.csv", [header, *lines[400:]])
    plant.run()
    before = plant.spans()
    plant.put("a.csv", [header, *lines[:400]])
    late = plant.run()["a.csv"]
    assert (late.rows, late.late, late.alarms, late.corrected) == (400, 400, 0, ())
    assert plant.spans() == before
    assert len(plant.rows()) == 1200
    assert int(plant.sql()["late"].sum()) == 400
    plant.agrees()
    other.put("a-later.csv", [header, *lines[400:]])
    other.put("b-sooner.csv", [header, *lines[:400]])
    assert [one.late for one in other.run().values()] == [0, 0]
    assert any(one[0] == FIRST for one in other.spans())


def test_a_row_that_says_otherwise_is_left_out_by_file_line_and_column(made: Made, day: tuple[str, list[str]]) -> None:
    """The first one stands."""
    plant, (header, lines) = made(), day
    plant.put("first.csv", [header, *lines[:80]])
    plant.run()
    before = plant.rows()
    changed = [*lines[:80]]
    cells = changed[41].split(",")
    changed[41] = ",".join([*cells[:-1], "-1.5"])
    plant.put("second.csv", [header, *changed])
    told = plant.run()["second.csv"]
    (conflict,) = told.conflicts
    assert conflict.startswith(
        "line 43, column 'log_level 1': says otherwise than the same row in first.csv (-1.5 here, -2."
    )
    assert (told.state, told.rows, told.known) == ("known", 0, 80)
    pd.testing.assert_frame_equal(plant.rows(), before)


def test_rows_that_say_otherwise_are_all_counted(made: Made, day: tuple[str, list[str]]) -> None:
    """Twenty in words, the others in a number."""
    plant, (header, lines) = made(), day
    plant.put("first.csv", [header, *lines[:80]])
    plant.run()
    changed = [",".join([*line.split(",")[:-1], "-1.5"]) for line in lines[:80]]
    plant.put("second.csv", [header, *changed])
    conflicts = plant.run()["second.csv"].conflicts
    assert len(conflicts) == 21
    assert conflicts[-1].startswith("60 more rows say otherwise")


def test_claims_that_were_lost_make_no_row_twice(made: Made, undisturbed: Plant, day: tuple[str, list[str]]) -> None:
    """What S3 has of rows is entered again; files that overlap it bring what is new."""
    plant, (header, lines) = made(), day
    plant.put("a.csv", [header, *lines[:300]])
    plant.run()
    home = plant.folder / "other"
    home.mkdir()
    plant.engine = open_database(sqlite_url(home))
    (plant.folder / "a.csv").unlink()
    plant.put("b.csv", [header, *lines[200:]])
    assert plant.run()["b.csv"].known > 90
    same(plant, undisturbed)


@pytest.mark.parametrize("cut", [121, 122, 123])
@pytest.mark.parametrize("backwards", [False, True])
def test_a_loud_bearing_in_one_file_says_of_a_quiet_one_in_another_that_the_machine_is_on(
    made: Made, lone_champion: Champion, day: tuple[str, list[str]], cut: int, backwards: bool
) -> None:
    """Also for a champion that looks at each bearing by itself: the file is cut within a snapshot."""
    (header, lines), plant, undisturbed = day, made(lone_champion), made(lone_champion)
    undisturbed.put("day.csv", [header, *lines])
    undisturbed.run()
    pieces = [lines[:cut], lines[cut:]]
    for i, piece in enumerate(reversed(pieces) if backwards else pieces):
        plant.put(f"{i}.csv", [header, *piece])
        plant.run()
    pd.testing.assert_frame_equal(plant.rows(), undisturbed.rows(), check_exact=True)
    assert plant.spans() == undisturbed.spans()


FLEET = tuple(f"shaft-{i}" for i in range(1, 6))


@pytest.fixture
def fleet_day(levels: Any, table_of: Any) -> dict[str, tuple[str, list[str]]]:
    """Header and lines of 60 snapshots of twenty machines, by shaft; bearing 1 of each other shaft is loud for a while."""
    step = np.arange(60)
    days = {}
    for i, shaft in enumerate(FLEET):
        fault = np.where((step >= 15 + i) & (step < 45), 0.6, 0.0) if i % 2 == 0 else 0.0
        header, *lines = table_of(levels(60, 20 + i, fault), shaft=shaft).to_csv(index=False).splitlines()
        days[shaft] = (header, lines)
    return days


def with_wrong_clocks(rng: np.random.Generator, lines: list[str]) -> list[str]:
    """One line more in some files, of a clock that is decades ahead: it counts for nothing."""
    if len(lines) < 3 or rng.random() < 0.6:
        return lines
    place = int(rng.integers(1, len(lines) - 1))
    return [*lines[:place], lines[place].replace("2026-", "2099-", 1), *lines[place:]]


@pytest.mark.slow
@pytest.mark.promise("rows")
@pytest.mark.promise("killed")
def test_a_day_of_twenty_machines(
    made: Made, fleet_champion: Champion, fleet_day: dict[str, tuple[str, list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut, overlapped, renamed, late, twice, by wrong clocks, and killed: the rows and alarms of the undisturbed life."""
    rng, undisturbed, plant = np.random.default_rng(5), made(fleet_champion), made(fleet_champion)
    for shaft, (header, lines) in fleet_day.items():
        undisturbed.put(f"{shaft}.csv", [header, *lines])
    undisturbed.run()
    parts = [disturb(rng, header, lines) for header, lines in fleet_day.values()]
    # Shafts interleaved; of files with one name the half-written one comes first.
    turns = rng.permutation(np.repeat(np.arange(len(FLEET)), [len(part) for part in parts]))
    queues = [iter(part) for part in parts]
    mortal(rng, monkeypatch)
    deaths = 0
    for name, lines, end in (next(queues[turn]) for turn in turns):
        plant.put(name, with_wrong_clocks(rng, lines), end)
        try:
            if rng.random() < 0.5:
                plant.run()
        except Killed:
            deaths += 1
    monkeypatch.undo()
    plant.run()
    pd.testing.assert_frame_equal(plant.rows(), undisturbed.rows(), check_exact=True)
    assert [plant.spans(shaft) for shaft in FLEET] == [undisturbed.spans(shaft) for shaft in FLEET]
    assert {one[0] for shaft in FLEET for one in plant.spans(shaft)} >= {f"{shaft} bearing 1" for shaft in FLEET[::2]}
    plant.agrees()
    undisturbed.agrees()
    assert deaths
