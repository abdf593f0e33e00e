"""Each test runs on both databases, each time in an empty one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import Connection, Engine

from gauntlet.tasks.claims import open_database, sqlite_url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty claims database."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path)
    server, name = request.getfixturevalue("postgres"), f"claims_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload]
    return server.rpartition("/")[0] + f"/{name}"


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """An engine of it."""
    made = open_database(url)
    yield made
    made.dispose()


class Watch:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self, _connection: Connection) -> datetime:
        return self.now

    def turn(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def watch() -> Callable[[Connection], datetime]:
    """Noon of the first of March, until turned."""
    return Watch()
