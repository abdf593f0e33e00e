"""A monitor in the loop on real servers: windows scored in order, a change of load retrains, a work order re-baselines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gauntlet.blocks import DriftPolicy, RetrainPolicy
from gauntlet.flows import call
from gauntlet.flows.drift_check import drift_check
from gauntlet.flows.promote import promote
from gauntlet.flows.retrain import retrain
from gauntlet.flows.score import score
from gauntlet.tasks.gauntlets import in_loop
from gauntlet.tasks.loop.alarm_states import current
from gauntlet.tasks.loop.champion import champion_of
from gauntlet.tasks.loop.maintenance import events
from gauntlet.tasks.loop.portions import manifests, rows_of
from gauntlet.tasks.promotion.move import standing
from gauntlet.tasks.registry.aliases import Holder
from gauntlet.tasks.runtime.connection import block_name
from gauntlet.tasks.vibration.online.monitor import monitor_of

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("ran", ["nasa"], indirect=True)]

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
MINUTES = 10


@pytest.fixture(scope="module")
def policies(stack: Any) -> Iterator[None]:
    """One window is enough for a verdict, and a retraining need not wait for the day after the last."""
    DriftPolicy(window_snapshots=40, of_last=1, at_least=1, false_alarm_rate=0.01).save(
        block_name(DriftPolicy), overwrite=True
    )
    RetrainPolicy(cooldown_h=0).save(block_name(RetrainPolicy), overwrite=True)
    yield
    DriftPolicy().save(block_name(DriftPolicy), overwrite=True)
    RetrainPolicy().save(block_name(RetrainPolicy), overwrite=True)


def _champion(stack: Any) -> Any:
    cfg = stack.cfg
    return champion_of(in_loop("nasa"), stack.connection, cfg.key_file)


def _snapshots(stack: Any, first: int, count: int, seed: int, louder: float = 0.0) -> pd.DataFrame:
    """Rows like the healthy ones of the simulated shaft; `louder`: of every bearing, in standard deviations."""
    monitor = monitor_of(_champion(stack))
    rng, parts = np.random.default_rng(seed), []
    times = pd.date_range(BEGIN + pd.Timedelta(minutes=MINUTES * first), periods=count, freq=f"{MINUTES}min")
    for machine in monitor.machines:
        healthy = monitor.healthy(machine).drop(columns=["machine", "time", "regime"]).filter(regex=r"^(?!relative)")
        mean, spread = healthy.mean(), healthy.std()
        rows = pd.DataFrame(rng.normal(mean, spread, (count, len(mean))), columns=healthy.columns)
        levels = [name for name in rows if name.startswith(("log_level", "log_peak_to_peak", "log_band"))]
        rows[levels] += louder * spread[levels]
        rows.insert(0, "machine", machine)
        rows.insert(0, "time", times.strftime("%Y-%m-%dT%H:%M:%SZ"))
        parts.append(rows)
    return pd.concat(parts).sort_values("time", kind="stable")


def _file(folder: Path, name: str, rows: pd.DataFrame) -> Path:
    folder.mkdir(exist_ok=True)
    rows.to_csv(folder / name, index=False)
    (folder / "SIMULATED.json").write_text("{}")
    return folder


def test_from_a_change_of_load_to_a_decision(ran: Any, stack: Any, policies: None, tmp_path: Path) -> None:
    """The same load: nothing. All bearings quieter: an operating change, a challenger that knows both loads."""
    same = _snapshots(stack, 0, 45, 1)
    off = same.groupby("machine").tail(3)
    off = off.assign(time=[f"2026-03-01T08:{i}0:00Z" for i in off.groupby("machine").cumcount()])
    off.loc[:, off.columns.str.startswith("log_level")] = -9.0
    done = score("nasa", _file(tmp_path / "a", "a.csv", pd.concat([same, off])))
    again = score("nasa", tmp_path / "a")
    assert [(one.state, one.rows) for one in done] == [("scored", 180)]
    assert again[0].state == "known"
    (kept,) = list(manifests(stack.connection, "nasa"))
    assert (kept.off, kept.group) == (12, "2nd_test")
    assert {"_score", "_alarm", "relative_level 1"} <= set(rows_of(stack.connection, kept))
    memory = current(_champion(stack), stack.connection, "2nd_test")
    assert len(memory) == 4
    told = drift_check("nasa")
    assert told["verdict"] == "none", told

    score("nasa", _file(tmp_path / "b", "b.csv", _snapshots(stack, 50, 45, 2, -8.0)))
    told = drift_check("nasa")
    assert (told["verdict"], told["may_retrain"]) == ("operating_change", True), told
    before = standing(ran_names(ran)).champion
    result = retrain("nasa", verdict="operating_change", reason="less load")
    assert result["state"] == "completed"
    assert result["decision"] == "promote", result
    after = standing(ran_names(ran))
    assert after.previous == before
    assert isinstance(after.champion, Holder)
    training = monitor_of(_champion(stack)).training
    assert set(training["regime"]) == {0, 1}

    score("nasa", _file(tmp_path / "c", "c.csv", _snapshots(stack, 100, 45, 3, -8.0)))
    assert drift_check("nasa")["verdict"] == "none"


def ran_names(ran: Any) -> list[str]:
    """What the gauntlet registers."""
    return [one.name for one in ran.result.registered]


def test_a_work_order_is_kept_and_waits_for_rows(ran: Any, stack: Any, policies: None, tmp_path: Path) -> None:
    """At once there is nothing to learn, which is said; six hours later the drift check asks again."""
    machine = next(iter(monitor_of(_champion(stack)).machines))
    closed = BEGIN + pd.Timedelta(minutes=MINUTES * 148)
    waits = call(retrain, gauntlet="nasa", machine=machine, work_order="WO-7", action="part_replaced", closed=closed)
    assert waits["state"] == "refused"
    assert "0 snapshots scored since the work order was closed; 36 are needed" in waits["why"]
    assert [one.work_order for one in events(stack.connection, "nasa")] == ["WO-7"]
    rows = _snapshots(stack, 150, 45, 4, -8.0)
    rows.loc[rows["machine"] == machine, rows.columns.str.startswith("log_level")] += 0.3
    score("nasa", _file(tmp_path / "d", "d.csv", rows))
    told = drift_check("nasa")
    assert (told["verdict"], told["may_retrain"]) == ("operating_change", True), told
    assert "WO-7" in told["evidence"][0]
    RetrainPolicy(cooldown_h=0, promotion="dry run").save(block_name(RetrainPolicy), overwrite=True)
    result = retrain("nasa", verdict="operating_change", reason=told["evidence"][0])
    assert result["decision"] == "promote"
    held = standing(ran_names(ran))
    assert held.challenger is not None
    assert held.challenger != held.champion
    RetrainPolicy(cooldown_h=0).save(block_name(RetrainPolicy), overwrite=True)
    assert promote("nasa")["verdict"] == "promote"
    assert standing(ran_names(ran)).champion == held.challenger
    assert machine in monitor_of(_champion(stack)).baselines
    assert promote("nasa", rollback=True)["champion"] == f"{held.champion.name} v{held.champion.version}"


def test_a_late_file_corrects_what_was_said(ran: Any, stack: Any, chat: list[str], tmp_path: Path) -> None:
    """The first faulty snapshots come last; the channel is told once that the alarm was raised earlier."""
    machine = next(iter(monitor_of(_champion(stack)).machines))
    rows = _snapshots(stack, 400, 60, 5)
    times = rows["time"].unique()
    faulty = (rows["machine"] == machine) & (rows["time"] >= times[20])
    rows.loc[faulty, rows.columns.str.startswith("log_level")] += 1.0
    late = rows["time"].isin(times[20:30])
    _file(tmp_path / "e", "first.csv", rows[~late])
    assert [one.corrected for one in score("nasa", tmp_path / "e")] == [()]
    _file(tmp_path / "e", "late.csv", rows[late])
    told = {one.file: one for one in score("nasa", tmp_path / "e")}
    assert (told["first.csv"].state, told["late.csv"].rows) == ("known", 40)
    assert [machine in one for one in told["late.csv"].corrected] == [True]
    score("nasa", tmp_path / "e")
    said = [one for one in chat if "correct what was said" in one]
    assert len(said) == 1
    assert f"{machine}: the alarm raised at " in said[0]
