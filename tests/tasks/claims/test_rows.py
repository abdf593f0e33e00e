"""Rows that count, and who goes on where another died: on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from gauntlet.datasets.errors import StaleClaim
from gauntlet.tasks.claims import (
    Busy,
    Done,
    KnownRow,
    Turn,
    begin,
    drop_rows,
    finish,
    is_empty,
    known_rows,
    note,
    one_at_a_time,
    put_rows,
    seize,
    still_mine,
    unfinished,
)

MINUTE = timedelta(minutes=1)


def _turn(engine: Engine, key: str) -> Turn:
    turn = begin(engine, "score", key, MINUTE)
    assert isinstance(turn, Turn)
    return turn


def test_rows_count_when_their_portion_is_finished_and_not_before(engine: Engine) -> None:
    """Both or neither: who lost its turn enters none."""
    first = _turn(engine, "a")
    second = seize(engine, "score", "a", MINUTE)
    assert isinstance(second, Turn)
    for turn, content in ((first, "1"), (second, "2")):
        enter = lambda connection, content=content: put_rows(connection, "g", "a", {"row": content})  # noqa: E731
        if turn is first:
            with pytest.raises(StaleClaim):
                finish(engine, turn, "{}", beside=enter)
            assert is_empty(engine, "g")
        else:
            finish(engine, turn, "{}", beside=enter)
    assert known_rows(engine, "g", ["row", "other"]) == {"row": KnownRow("2", "a")}
    assert known_rows(engine, "another", ["row"]) == {}
    drop_rows(engine, "g", "a")
    assert is_empty(engine, "g")


def test_a_thousand_rows_are_found_in_one_call(engine: Engine) -> None:
    """More than a statement takes."""
    turn, rows = _turn(engine, "b"), {f"{i:04}": str(i) for i in range(1200)}
    finish(engine, turn, "{}", beside=lambda connection: put_rows(connection, "g", "b", rows))
    assert {key: one.content for key, one in known_rows(engine, "g", list(rows)).items()} == rows


def test_what_a_holder_noted_is_found_by_who_goes_on(engine: Engine) -> None:
    """Also while its turn lasts; what is finished is not in the list, and the one who was seized from is stale."""
    dead, done = _turn(engine, "dead"), _turn(engine, "done")
    note(engine, dead, "group x")
    note(engine, done, "group x")
    finish(engine, done, "{}")
    assert unfinished(engine, "score", "group x") == ["dead"]
    assert unfinished(engine, "score", "group y") == []
    assert isinstance(seize(engine, "score", "dead", MINUTE), Turn)
    assert isinstance(seize(engine, "score", "done", MINUTE), Done)
    with pytest.raises(StaleClaim):
        still_mine(engine, dead)
    with pytest.raises(StaleClaim):
        note(engine, dead, "group x")


def test_one_at_a_time(engine: Engine) -> None:
    """The second is told that there is no place; when the first is done, there is."""
    with one_at_a_time(engine, "place", "g", MINUTE, MINUTE) as check:
        assert check is not None
        check()
        assert isinstance(begin(engine, "place", "g", MINUTE), Busy)
        with one_at_a_time(engine, "place", "g", MINUTE, timedelta(0)) as other:
            assert other is None
    with one_at_a_time(engine, "place", "g", MINUTE, timedelta(0)) as later:
        assert later is not None
