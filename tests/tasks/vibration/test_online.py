"""Monitors in the loop without servers: files read, work orders heard, and a challenger that has learnt a fault refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gauntlet.blocks import DriftPolicy, TelemetryDatabase
from gauntlet.datasets import ims
from gauntlet.datasets.errors import BadInput
from gauntlet.tasks.claims import open_database, sqlite_url
from gauntlet.tasks.drift.triage import AlarmSpan
from gauntlet.tasks.gauntlet import Request
from gauntlet.tasks.gauntlets import in_loop
from gauntlet.tasks.loop import challenger, maintenance
from gauntlet.tasks.loop.alarm_states import current
from gauntlet.tasks.loop.champion import Champion, adapter
from gauntlet.tasks.loop.contract import NotYet, TrainingData
from gauntlet.tasks.loop.drift_check import newest_windows
from gauntlet.tasks.loop.maintenance import Event
from gauntlet.tasks.loop.portions import manifests, rows_of
from gauntlet.tasks.loop.scoring import FileScored, score_file
from gauntlet.tasks.loop.store import put_document
from gauntlet.tasks.promotion.library import worse
from gauntlet.tasks.registry.files import parquet
from gauntlet.tasks.registry.load import LoadedModel
from gauntlet.tasks.vibration.assemble import assemble
from gauntlet.tasks.vibration.featurize import cut, featurize
from gauntlet.tasks.vibration.gauntlets import NASA
from gauntlet.tasks.vibration.library import library_files, lives_in, machines_in
from gauntlet.tasks.vibration.lives import Life, healthy_rows
from gauntlet.tasks.vibration.load import load
from gauntlet.tasks.vibration.online.monitor import monitor_of
from gauntlet.tasks.vibration.online.windows import telling
from gauntlet.tasks.vibration.train import trained_on

START = datetime(2026, 1, 1, tzinfo=UTC)
LATER_S = datetime(2026, 2, 1, tzinfo=UTC).timestamp()
UNITS = tuple(f"bearing {i}" for i in (1, 2, 3, 4))
STEP_S = 600.0


Score = Callable[[str, pd.DataFrame], FileScored]


@pytest.fixture
def store(new_store: Callable[..., Any]) -> Any:
    """An empty one."""
    return new_store()


@pytest.fixture
def score(champion: Champion, store: Any, tmp_path: Path) -> Score:
    """Writes a file and scores it."""
    engine = open_database(sqlite_url(tmp_path))

    def scored(name: str, rows: pd.DataFrame) -> FileScored:
        rows.to_csv(tmp_path / name, index=False)
        (file,) = adapter(in_loop("nasa")).files(tmp_path / name)
        return score_file(file, champion, store, engine, TelemetryDatabase())

    return scored


def test_a_life_comes_back_from_the_registry_as_it_was(lives: tuple[Life, ...], champion: Champion) -> None:
    """Rows, times, truth and what follows from them."""
    for life, again in zip(lives, lives_in(champion.loaded.files), strict=True):
        pd.testing.assert_frame_equal(life.rows, again.rows)
        np.testing.assert_array_equal(life.seconds, again.seconds)
        assert (life.machine, life.truth, life.onset, life.healthy, life.start) == (
            again.machine, again.truth, again.onset, again.healthy, again.start
        )  # fmt: skip
    assert list(machines_in(champion.loaded.files)) == [f"2nd_test {unit}" for unit in UNITS]


def test_alarms_are_the_same_however_the_rows_are_cut_into_files(
    champion: Champion, score: Score, store: Any, levels: Any, table_of: Any
) -> None:
    """A fault that is sudden at row 20: the sixth row past the limit raises it, in whatever file that is."""
    table = table_of(levels(60, 2, np.where(np.arange(60) >= 20, 0.6, 0.0)))
    times = table["time"].unique()
    for first, last in ((0, 22), (22, 24), (24, 60)):
        score(f"{first}.csv", table[table["time"].isin(times[first:last])])
    rows = pd.concat([rows_of(store, one) for one in manifests(store, "nasa")]).sort_values("time", kind="stable")
    stood = rows.loc[rows["machine"] == "2nd_test bearing 1", "_alarm"].to_numpy()
    raised = int(np.argmax(stood))
    assert 25 <= raised <= 26
    assert stood[raised:].all()
    assert not rows.loc[rows["machine"] != "2nd_test bearing 1", "_alarm"].any()
    memory = current(champion, store, "2nd_test")
    assert memory is not None
    assert memory["2nd_test bearing 1"]["state"]["standing"]["raised_s"] == LATER_S + STEP_S * raised


def test_machine_off_rows_are_left_out_and_counted(score: Score, store: Any, levels: Any, table_of: Any) -> None:
    """Eight rows of two silent snapshots; a bearing that alone is silent is no machine that is off."""
    table = table_of(levels(12, 3))
    times = table["time"].unique()
    table.loc[table["time"].isin(times[4:6]), "log_level 1"] = np.log(0.001)
    table.loc[(table["time"] == times[8]) & table["machine"].str.endswith("3"), "log_level 1"] = np.log(0.001)
    done = score("off.csv", table)
    (kept,) = list(manifests(store, "nasa"))
    assert (done.rows, kept.off) == (40, 8)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.drop(columns="time"), "time"),
        (lambda t: t.assign(machine="another"), "another"),
        (lambda t: t.drop(columns="machine"), "machine"),
        (lambda t: t.assign(**{"log_level 1": "loud"}), "log_level 1"),
        (lambda t: t.assign(time="soon"), "time"),
        (lambda t: t.iloc[:0], "time"),
    ],
)
def test_a_wrong_table_is_refused_in_words(
    change: Callable[[pd.DataFrame], pd.DataFrame], said: str, score: Score, store: Any, levels: Any, table_of: Any
) -> None:
    """And nothing of it is kept."""
    with pytest.raises(BadInput, match=said):
        score("wrong.csv", change(table_of(levels(10, 4))))
    assert list(manifests(store, "nasa")) == []


def test_a_row_of_next_year_blinds_no_monitor(
    champion: Champion, score: Score, store: Any, levels: Any, table_of: Any
) -> None:
    """The wrong clock's rows are left out and named; the fault that comes after them is heard as ever."""
    table = table_of(levels(60, 2, np.where(np.arange(60) >= 20, 0.6, 0.0)))
    times = table["time"].unique()
    first = table[table["time"].isin(times[:10])].copy()
    first.loc[first["time"] == times[9], "time"] = "2999-01-01T00:00:00Z"
    kept = score("first.csv", first)
    assert (kept.rows, len(kept.ahead)) == (36, 4)
    assert kept.ahead[0] == "line 38 (2999-01-01 00:00:00 UTC)"
    (manifest,) = list(manifests(store, "nasa"))
    assert (manifest.ahead, manifest.last_s) == (4, LATER_S + STEP_S * 8)
    assert score("second.csv", table[table["time"].isin(times[10:])]).alarms > 0
    (window,) = newest_windows(champion, DriftPolicy(window_snapshots=20), store)
    assert window.known is not None
    assert window.known.seconds[-1] == LATER_S + STEP_S * 59
    with pytest.raises(BadInput, match=r"third\.csv: every row is dated in the future, saw line 2 \(2999"):
        score("third.csv", first[first["time"].str.startswith("2999")])


def test_a_level_of_next_year_costs_that_line_only(champion: Champion, store: Any, tmp_path: Path) -> None:
    """In the middle of a file of the published form."""
    lines = ["time,Bearing 1,Bearing 2,Bearing 3,Bearing 4"]
    for i in range(6):
        year = 2999 if i == 2 else 2026
        lines.append(f"{year}-02-01 00:{i}0:00,0.06,0.06,0.06,0.06")
    path = tmp_path / "DatasetBearingTest_2 0001.csv"
    path.write_text("\n".join(lines) + "\n")
    (file,) = adapter(in_loop("nasa")).files(path)
    done = score_file(file, champion, store, open_database(sqlite_url(tmp_path)), TelemetryDatabase())
    assert (done.rows, done.ahead) == (20, ("line 4 (2999-02-01 00:20:00 UTC)",))


def test_what_a_wrong_clock_left_behind_is_not_looked_at(
    champion: Champion, score: Score, store: Any, levels: Any, table_of: Any
) -> None:
    """A memory, a manifest and a work order of next year, written by an earlier version: as if they were not there."""
    table = table_of(levels(12, 2))
    score("first.csv", table)
    (good,) = list(manifests(store, "nasa"))
    before = current(champion, store, "2nd_test")
    ahead_s = datetime(2999, 1, 1, tzinfo=UTC).timestamp()
    put_document(store, f"memories/nasa/2nd_test/{ahead_s:016.3f}-0123.json", {"2nd_test bearing 1": {}})
    for name, changed in (("a", {"last_s": ahead_s}), ("b", {"scored_at": "2999-01-01T00:00:00+00:00"})):
        document = {**asdict(good), "sha256": name, **changed}
        put_document(store, f"scores/nasa/{name}/manifest.json", document)
    maintenance.keep(store, "nasa", Event("2nd_test", "bearing 1", ahead_s, "repaired", ""))
    assert current(champion, store, "2nd_test") == before
    assert [one.sha256 for one in manifests(store, "nasa")] == sorted(["b", good.sha256])
    assert all(one.scored_at < "2999" for one in manifests(store, "nasa"))
    assert maintenance.events(store, "nasa") == ()


def test_what_all_bearings_raise_together_and_what_was_mended_say_nothing_of_a_fault(champion: Champion) -> None:
    """The alarm of one bearing does; another of its own after the work order, too, once a day has gone."""
    monitor, names = monitor_of(champion), [f"2nd_test {unit}" for unit in UNITS]
    together = [AlarmSpan(1000.0 + STEP_S * i, 1000.0 + STEP_S * (i + 5), None, name) for i, name in enumerate(names)]
    assert telling(together, monitor, []) == ()
    assert telling(together[:3], monitor, []) == tuple(together[:3])
    late = [*together[:3], AlarmSpan(1e5, 1.1e5, None, names[3])]
    assert telling(late, monitor, []) == tuple(late)
    order = Event("2nd_test", "bearing 1", 2e5, "part_replaced", "WO-1")
    own = [AlarmSpan(at, at, None, names[0]) for at in (1e5, 2.1e5, 2e5 + 86400 + 1)]
    other = AlarmSpan(0.5e5, 0.5e5, None, names[1])
    assert telling([*own, other], monitor, [order]) == (own[2], other)


def test_an_inspection_changes_no_baseline(store: Any) -> None:
    """Kept, and not acted on; a work order twice is one."""
    for action in ("inspected", "repaired", "repaired"):
        event = maintenance.event_of({"machine": "2nd_test", "unit": "bearing 1", "action": action, "closed": START})
        assert event is not None
        maintenance.keep(store, "nasa", event)
    assert [one.action for one in maintenance.events(store, "nasa")] == ["repaired"]
    assert maintenance.event_of({"reason": "because"}) is None


def test_a_rebaselined_machine_forgets_the_old_rows_and_the_others_forget_nothing(
    champion: Champion, score: Score, store: Any, levels: Any, table_of: Any
) -> None:
    """Too few rows wait; forty are enough, a fifth of them set apart; the new level is healthy and a fault beside it is not."""
    event = Event("2nd_test", "bearing 1", LATER_S - 1, "part_replaced", "WO-1")
    maintenance.keep(store, "nasa", event)
    why = {"verdict": "maintenance", "machine": "2nd_test", "unit": "bearing 1"}
    levels = levels(40, 5, 0.5)
    score("few.csv", table_of({unit: values[:20] for unit, values in levels.items()}))
    with pytest.raises(NotYet, match="20 snapshots scored since"):
        challenger.gather(champion, 30.0, store, why)
    score("more.csv", table_of({unit: values[20:] for unit, values in levels.items()}, 20))
    (window,) = newest_windows(champion, DriftPolicy(), store)
    assert window.known is not None
    assert window.known.maintenance is not None
    assert "WO-1" in window.known.maintenance.what
    training_data = challenger.gather(champion, 30.0, store, why)
    mended = training_data.training["machine"] == "2nd_test bearing 1"
    assert (int(mended.sum()), len(training_data.since), int((~mended).sum())) == (32, 8, 3 * 60)
    model = challenger.train(champion, training_data)
    judged = challenger.contest(champion, model, training_data, 7)
    assert worse(judged.replays) == {}
    assert judged.since is not None
    assert judged.since.primary.challenger < 2 < judged.since.primary.champion
    entry = challenger.entry(champion, model, training_data, judged.metrics, why, 7)
    again = Champion("nasa", LoadedModel(entry.name, 2, entry.tags, model, dict(entry.files)), adapter(in_loop("nasa")))
    assert monitor_of(again).pending([event]) == {}
    rows = monitor_of(champion).healthy("2nd_test bearing 2")[["machine", "log_level 1", "relative_level 1"]]
    np.testing.assert_array_equal(model.decision_function(rows), champion.loaded.model.decision_function(rows))


def test_what_was_mended_was_a_fault_before_and_is_never_learnt(
    champion: Champion, score: Score, store: Any, levels: Any, table_of: Any
) -> None:
    """Bearing 1 from the work order on only; the others not while its alarm stood, nor a day before it, nor a week after."""
    score("sick.csv", table_of(levels(300, 6, np.where(np.arange(300) >= 200, 0.6, 0.0))))
    closed_s = LATER_S + STEP_S * 299.5
    maintenance.keep(store, "nasa", Event("2nd_test", "bearing 1", closed_s, "part_replaced", "WO-1"))
    week = 7 * 144
    score("well.csv", table_of(levels(week + 50, 7), 300))
    training_data = challenger.gather(champion, 30.0, store, {"verdict": "requested"})
    new = pd.concat([training_data.training, training_data.since]).dropna(subset="time")
    assert set(new["machine"]) == {"2nd_test bearing 1"}
    assert new["time"].min() > closed_s
    first = challenger.train(champion, training_data)
    entry = challenger.entry(champion, first, training_data, {}, {}, 7)
    again = Champion("nasa", LoadedModel(entry.name, 2, entry.tags, first, dict(entry.files)), adapter(in_loop("nasa")))
    more = challenger.gather(again, 30.0, store, {"verdict": "requested"})
    assert more.notes["rebaselined"] == []
    new = pd.concat([more.training, more.since]).dropna(subset="time")
    other = new.loc[new["machine"] == "2nd_test bearing 2", "time"]
    step = ((other - LATER_S) / STEP_S).round().astype(int)
    assert not ((step >= 200 - 144) & (step < 300 + week)).any()
    assert (step < 200 - 144).any()
    assert (step >= 300 + week).any()
    assert new.loc[new["machine"] == "2nd_test bearing 1", "time"].min() > closed_s


def test_a_challenger_that_has_learnt_the_fault_is_refused(champion: Champion, lives: tuple[Life, ...]) -> None:
    """The rows after the onset as healthy ones: the past failure is announced later, or missed."""
    monitor = monitor_of(champion)
    fault = lives[0].rows.iloc[200:].assign(time=np.nan, regime=0)
    training = pd.concat([monitor.training, fault], ignore_index=True)
    notes = {"machines": {}, "rebaselined": [], "relearnt": ["2nd_test bearing 1"]}
    training_data = TrainingData(training, training.iloc[:0], training.iloc[:0], len(fault), (), "simulated", notes)
    judged = challenger.contest(champion, challenger.train(champion, training_data), training_data, 7)
    assert "2nd_test bearing 1" in worse(judged.replays)
    same = TrainingData(
        monitor.training, training.iloc[:0], training.iloc[:0], 0, (), "simulated", {**notes, "relearnt": []}
    )
    judged = challenger.contest(champion, challenger.train(champion, same), same, 7)
    assert worse(judged.replays) == {}
    assert judged.frozen.primary.gain == 0


@pytest.mark.slow
def test_raw_snapshots_are_scored_as_training_saw_them(tmp_path: Path, new_store: Callable[..., Any]) -> None:
    """The last twenty files of a simulated run, which grows: the index that the whole run has there; two machine-off files."""
    ims.simulation(seed=7, scale=0.11).write(tmp_path / "run")
    found = load(NASA, Request(tmp_path / "run", "auto", 7, tmp_path, tmp_path / "cache", quarantine_limit=0.2))
    data = found.data
    seen = assemble(found, [featurize(chunk, tmp_path / "cache") for chunk in cut(found)]).lives
    candidate = next(one for one in NASA.candidates if one.kind == "level_rise")
    trained = trained_on(candidate, seen, 7)
    files = {"reference.parquet": parquet(healthy_rows(seen)), **library_files(seen, candidate.features)}
    champion = Champion("nasa", LoadedModel(candidate.name, 1, {}, trained.model, files), adapter(in_loop("nasa")))
    new = tmp_path / "new" / "2nd_test"
    new.mkdir(parents=True)
    store, engine, done = new_store(), open_database(sqlite_url(tmp_path)), []
    for some in (data.runs[0].files[-20:-4], data.runs[0].files[-4:]):
        for one in some:
            shutil.copy(one.path, new)
        (file,) = adapter(in_loop("nasa")).files(new.parent)
        done.append(score_file(file, champion, store, engine, TelemetryDatabase()))
    assert [(one.file, one.rows, one.known) for one in done] == [("new/2nd_test", 64, 0), ("new/2nd_test", 8, 64)]
    kept = list(manifests(store, "nasa"))
    assert sum(one.off for one in kept) == 4 * 2
    rows = pd.concat([rows_of(store, one) for one in kept])
    for life in seen:
        own = rows[rows["machine"] == life.machine].sort_values("time")
        np.testing.assert_allclose(own["_score"], trained.scores[life.machine][-18:], rtol=1e-9)
    assert rows.loc[rows["machine"] == "2nd_test bearing 1", "_alarm"].any()
