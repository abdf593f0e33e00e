"""The decision's table, the library of past failures and the log, on cases whose answer is plain."""

from __future__ import annotations

import ast
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, create_engine

from gauntlet.datasets.errors import BadInput, ServiceDown
from gauntlet.tasks.metrics.lives import Outcome
from gauntlet.tasks.promotion import log
from gauntlet.tasks.promotion.compare import Comparison, Difference, Guard
from gauntlet.tasks.promotion.decide import decide
from gauntlet.tasks.promotion.library import Announcement, Failure, from_lives, from_rows, replay, worse
from gauntlet.tasks.promotion.log import Line, close, history, open_log, recorded, unfinished, write
from gauntlet.tasks.registry.aliases import Holder


def told(gain: float, low: float, high: float, recall_kept: bool = True) -> Comparison:
    """A comparison with this gain and interval, and one guard."""
    guard = Guard(Difference("recall", 0.8, 0.7, -0.1, -0.2, 0.0), 0.02, recall_kept)
    return Comparison(Difference("pr_auc", 0.5, 0.5 + gain, gain, low, high), (guard,), "row", 100, 20, 0.95, 1_000)


GAIN, NOISE, WORSE = told(0.1, 0.05, 0.15), told(0.01, -0.01, 0.03), told(-0.1, -0.15, -0.05)
NEW_BETTER, NEW_WORSE = told(0.02, -0.01, 0.05), told(-0.001, -0.01, 0.01)


@pytest.mark.parametrize(
    ("frozen", "occasion", "new", "verdict"),
    [
        (GAIN, "gain", None, "promote"),
        (NOISE, "gain", None, "keep"),
        (NOISE, "gain", NEW_BETTER, "keep"),
        (WORSE, "gain", None, "keep"),
        (NOISE, "operating change", NEW_BETTER, "promote"),
        (NOISE, "maintenance", NEW_BETTER, "promote"),
        (NOISE, "maintenance", NEW_WORSE, "keep"),
        (NOISE, "maintenance", None, "keep"),
        (told(0.01, -0.02, 0.03), "maintenance", NEW_BETTER, "keep"),  # at the margin is not above it
        (told(0.01, -0.05, 0.07), "operating change", NEW_BETTER, "keep"),
        (NOISE, "operating change", told(0.01, -0.3, 0.3), "keep"),
        (WORSE, "operating change", GAIN, "keep"),
        (GAIN, "maintenance", None, "promote"),
    ],
)
def test_verdict_by_occasion(frozen: Comparison, occasion: Any, new: Comparison | None, verdict: str) -> None:
    """A gain must be certain; after a change not worse within 0.02 and better on the new data."""
    made = decide(frozen, [], True, "enabled", occasion=occasion, new_regime=new)
    assert made.verdict == verdict
    assert made.act == (verdict == "promote")
    assert all("\n" not in reason for reason in made.reasons)


def test_faults_refuse_whatever_the_gain() -> None:
    """Not loadable, a guard broken on either data, a past failure announced later: each is named."""
    later = replay([Announcement("bearing 1", 1.0, 75.0)], [Announcement("bearing 1", 1.0, 70.0)])
    faults = {
        "verified": decide(GAIN, [], False, "enabled"),
        "recall on the frozen data": decide(told(0.1, 0.05, 0.15, recall_kept=False), [], True, "enabled"),
        "recall on the new regime": decide(
            NOISE, [], True, "enabled", occasion="maintenance", new_regime=replace(NEW_BETTER, guards=WORSE_GUARD)
        ),
        "past failure bearing 1: announced 70 h ahead, 75 h by the champion": decide(GAIN, later, True, "enabled"),
    }
    for reason, made in faults.items():
        assert made.verdict == "refused"
        assert not made.act
        assert any(reason in one for one in made.reasons), (reason, made.reasons)


WORSE_GUARD = told(0, 0, 0, recall_kept=False).guards


def test_modes_differ_only_in_what_is_done() -> None:
    """A dry run decides as enabled does and does not act; disabled keeps and says so; evidence is plain JSON."""
    enabled, dry, off = (decide(GAIN, [], True, mode) for mode in ("enabled", "dry run", "disabled"))  # type: ignore[arg-type]
    assert (enabled.verdict, enabled.reasons) == (dry.verdict, dry.reasons)
    assert (enabled.act, dry.act, off.act) == (True, False, False)
    assert (off.verdict, off.reasons) == ("keep", ("promotion is disabled",))
    evidence = json.loads(json.dumps(enabled.evidence, allow_nan=False))
    assert evidence["frozen"]["primary"]["low"] == 0.05
    assert "no past failure is known" in enabled.reasons


def test_lead_times_from_decisions() -> None:
    """First flagged row of the span to its last, in hours; a flag outside of the span is none of it."""
    hours = np.arange(20) * 0.5
    flagged = np.zeros(20, bool)
    flagged[[1, 6, 9, 17]] = True
    spans = [Failure("first", 4, 11), Failure("second", 11, 16), Failure("third", 16, 20, "intervened")]
    first, second, third = from_rows(spans, flagged, hours)
    assert (first.detected, first.lead_h) == (1.0, 2.0)  # row 6 to row 10
    assert (second.detected, second.lead_h) == (0.0, None)
    assert (third.lead_h, third.ended) == (1.0, "intervened")
    assert from_rows(spans, flagged)[0].detected == pytest.approx(2 / 7)
    with pytest.raises(BadInput, match="rows 18 to 25 of 20"):
        from_rows([Failure("cut", 18, 25)], flagged)


@pytest.mark.parametrize(
    ("old", "new", "options", "is_worse"),
    [
        ((1.0, 10.0), (1.0, 10.0), {}, False),
        ((1.0, 10.0), (1.0, 12.0), {}, False),
        ((1.0, 10.0), (1.0, 9.9), {}, True),
        ((1.0, 10.0), (1.0, 9.9), {"later_h": 0.1}, False),
        ((1.0, 10.0), (0.0, None), {"later_h": 100.0}, True),
        ((0.0, None), (0.0, None), {}, False),
        ((0.0, None), (1.0, 1.0), {}, False),
        ((0.80, None), (0.79, None), {}, True),
        ((0.80, None), (0.79, None), {"fewer": 0.01}, False),
        ((0.05, None), (0.0, None), {"fewer": 0.1}, True),
    ],
)
def test_worse_is_later_or_missed(old: Any, new: Any, options: dict[str, float], is_worse: bool) -> None:
    """What the champion announced must be announced, as early, within the stated tolerance."""
    told = replay([Announcement("x", *old)], [Announcement("x", *new)], **options)
    assert bool(worse(told)) == is_worse
    assert told[0].counted


def test_an_intervened_failure_is_not_counted_and_none_may_be_left_out() -> None:
    """Repaired after the champion's alarm: the challenger's silence is no miss. A library that shrank is an error."""
    outcomes = [
        Outcome("failed", True, True, 0, 1.0, 5.0),
        Outcome("repaired", False, False, 0, 1.0),
        Outcome("healthy", False, False, 1, 1.0),
    ]
    old = from_lives(outcomes, ["repaired"])
    assert [(one.failure, one.ended, one.lead_h) for one in old] == [
        ("failed", "failed", 5.0),
        ("repaired", "intervened", None),
    ]
    champion = [old[0], replace(old[1], detected=1.0, lead_h=3.0)]
    told = replay(champion, old)
    assert worse(told) == {}
    assert [one.counted for one in told] == [True, False]
    assert "1 replayed; 1 ended by an intervention" in " ".join(decide(GAIN, told, True, "enabled").reasons)
    with pytest.raises(BadInput, match="repaired"):
        replay(old, old[:1])


LINE = Line("ai4i", Holder("a", 1), Holder("b", 2), "promote", "enabled", "me", "better", {"gain": 0.1})


def test_the_log_keeps_every_row_in_order_with_its_time(connect: Callable[[], Engine]) -> None:
    """By gauntlet, oldest first, in UTC, also when read by another process's engine; without holders, too."""
    engine = connect()
    open_log(engine)
    open_log(engine)
    moment = datetime(2026, 3, 1, 12, 0, tzinfo=timezone(timedelta(hours=2)))
    first = write(engine, "decided", LINE, now=moment)
    second = write(engine, "decided", replace(LINE, gauntlet="pump", champion=None, to=None))
    with recorded(engine, LINE) as intent:
        assert [one.id for one in unfinished(connect(), "ai4i")] == [intent]
        assert unfinished(engine, "pump") == []
    rows = history(connect())
    assert [row.event for row in rows] == ["decided", "decided", "intended", "done"]
    assert first < second < intent < rows[-1].id
    assert rows[-1].intent == intent
    assert rows[0].moment == moment
    assert rows[0].moment.tzinfo is UTC
    assert rows[0].line == LINE
    assert history(engine, "pump")[0].line.champion is None
    assert [row.id for row in history(engine, "ai4i", limit=2)] == [intent, rows[-1].id]
    assert unfinished(engine, "ai4i") == []


def test_a_failed_block_is_recorded_and_raised(connect: Callable[[], Engine]) -> None:
    """The reason stands beside the why."""
    engine = connect()
    open_log(engine)
    with pytest.raises(BadInput), recorded(engine, LINE):
        raise BadInput(None, "S3 has gone")
    assert [row.event for row in history(engine)] == ["intended", "failed"]
    assert history(engine)[-1].line.why == "better (S3 has gone.)"


@pytest.mark.parametrize("moved", [True, False])
def test_an_outage_in_the_block_leaves_the_intention_to_be_closed(connect: Callable[[], Engine], moved: bool) -> None:
    """Whether the alias moved before the server went away, only the registry knows: who asks it writes it down."""
    engine = connect()
    open_log(engine)
    with pytest.raises(ServiceDown), recorded(engine, LINE) as intent:
        raise ServiceDown("MLflow", "http://127.0.0.1:9", "it hangs")
    (left,) = unfinished(engine, "ai4i")
    assert (left.id, left.event) == (intent, "intended")
    close(engine, left, LINE.to if moved else LINE.champion)
    assert unfinished(engine, "ai4i") == []
    assert [row.event for row in history(engine)] == ["intended", "done" if moved else "failed"]
    assert "found cut off" in history(engine)[-1].line.why


def test_processes_at_once_lose_no_row(connect: Callable[[], Engine]) -> None:
    """Forty rows from four engines, the table made by whoever is first: all there, each intention with its outcome."""
    gate = threading.Barrier(4)

    def promote(number: int) -> None:
        engine = connect()
        gate.wait()
        open_log(engine)
        for _ in range(5):
            with recorded(engine, replace(LINE, gauntlet=f"g{number}")):
                pass

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(promote, range(4)))
    engine = connect()
    rows = history(engine)
    assert [row.event for row in rows].count("done") == 20
    assert sorted(row.intent for row in rows if row.event == "done") == [
        row.id for row in rows if row.event == "intended"
    ]
    assert [len(history(engine, f"g{number}")) for number in range(4)] == [10] * 4


def test_rows_are_neither_changed_nor_removed(tmp_path: Path) -> None:
    """The module has no statement for it, and a log that is away is one clear line before anything is moved."""
    source = ast.parse(Path(log.__file__).read_text())
    names = {node.id for node in ast.walk(source) if isinstance(node, ast.Name)}
    assert not names & {"update", "delete", "text"}
    away = create_engine(f"sqlite:///{tmp_path / 'no' / 'such' / 'folder' / 'log.db'}")
    with pytest.raises(ServiceDown, match="the promotion log"), recorded(away, LINE):
        raise AssertionError("it moved something unrecorded")


def test_figures_need_no_server() -> None:
    """Comparison, library and decision import neither MLflow nor Prefect nor a database."""
    for name in ("compare", "library", "decide"):
        tree = ast.parse((Path(log.__file__).parent / f"{name}.py").read_text())
        modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert not any(
            str(one).startswith(("mlflow", "sqlalchemy", "prefect", "gauntlet.tasks.registry")) for one in modules
        )
