"""The promotion log on both databases, each time an empty one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import Engine

from gauntlet.tasks.claims import open_database, sqlite_url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path)
    server, name = request.getfixturevalue("postgres"), f"promotions_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload]
    return server.rpartition("/")[0] + f"/{name}"


@pytest.fixture
def connect(url: str) -> Iterator[Callable[[], Engine]]:
    """Another engine of it at each call, as another process would have one."""
    made: list[Engine] = []

    def engine() -> Engine:
        made.append(open_database(url))
        return made[-1]

    yield engine
    for one in made:
        one.dispose()
