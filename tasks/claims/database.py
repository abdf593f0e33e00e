"""The claims database: one file of SQLite for a demo, PostgreSQL in earnest, the same statements on both.

A transaction holds what it read: SQLite locks the file from the first statement on (`BEGIN IMMEDIATE`), PostgreSQL the
rows (`SELECT … FOR UPDATE`). The clock is the database's, so that machines whose own clocks differ agree on what expired.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, NullPool, Table, create_engine, event, inspect, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from gauntlet.datasets.address import one_line, safe_cause
from gauntlet.datasets.errors import BadInput, ServiceDown
from gauntlet.tasks.claims.tables import TABLES

Clock = Callable[[Connection], datetime]

PATIENCE_S = 30  # for another's transaction; each takes milliseconds
AHEAD = timedelta(minutes=10)  # what is dated later than that from now comes from a clock that was wrong
_SCHEMA_LOCK = 7_239_114  # any number: the name of PostgreSQL's lock for making the tables


def sqlite_url(home: Path) -> str:
    """The address of the demo's database, a file in the home folder."""
    return f"sqlite:///{home / 'claims.db'}"


def open_database(url: str) -> Engine:
    """The engine of a claims database, whose tables are made where they are not there. Any number of processes at once.

    `url` is SQLAlchemy's: `sqlite:////var/lib/gauntlet/claims.db`, `postgresql://user:secret@host/claims`.

    Raises:
        BadInput: the address is not one of SQLite or PostgreSQL.
        ServiceDown: the database does not answer.
    """
    engine = _engine(_address(url))
    with transaction(engine) as connection:
        make_tables(connection, TABLES)
    return engine


def make_tables(connection: Connection, tables: MetaData) -> None:
    """Make the tables that are not there and the columns that an older version's lack, also when several processes want
    to at once. A column that came later may be NULL: older rows have nothing in it."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _SCHEMA_LOCK})
    tables.create_all(connection)
    quoted = connection.dialect.identifier_preparer
    for table in tables.sorted_tables:
        there = {column["name"] for column in inspect(connection).get_columns(table.name)}
        for column in table.columns:
            if column.name not in there:
                kind = column.type.compile(connection.dialect)
                added = f"ALTER TABLE {quoted.format_table(table)} ADD COLUMN {quoted.format_column(column)} {kind}"
                connection.execute(text(added))


def _address(url: str) -> URL:
    try:
        address = make_url(url)
    except ArgumentError:
        raise BadInput(
            None, "the claims database has no valid address", expected="sqlite:///… or postgresql://…"
        ) from None
    backend = address.get_backend_name()
    if backend == "postgres":  # as hosting companies spell it
        backend, address = "postgresql", address.set(drivername="postgresql")
    if backend not in ("sqlite", "postgresql"):
        raise BadInput(None, f"claims cannot be kept in {backend}", expected="sqlite:///… or postgresql://…")
    if backend == "sqlite" and address.database in (None, "", ":memory:"):
        raise BadInput(None, "claims in memory are seen by nobody else", expected="sqlite:////path/claims.db")
    return address.set(drivername="postgresql+psycopg") if address.drivername == "postgresql" else address


def _engine(address: URL) -> Engine:
    if address.get_backend_name() == "postgresql":
        # The server ends what waits too long: a worker that lost its network must not keep a row locked for hours.
        limits = f"-c lock_timeout={PATIENCE_S}s -c idle_in_transaction_session_timeout={4 * PATIENCE_S}s"
        try:
            return create_engine(
                address,
                isolation_level="READ COMMITTED",  # a row that was waited for is read as its last writer left it
                pool_pre_ping=True,
                hide_parameters=True,
                connect_args={"connect_timeout": 10, "options": limits},
            )
        except NoSuchModuleError:
            raise BadInput(None, f"there is no driver {address.drivername}", expected="postgresql://…") from None
    folder = Path(address.database or "").parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(folder, f"no folder for the claims database can be made here ({error.strerror})") from None
    engine = create_engine(address, poolclass=NullPool, hide_parameters=True, connect_args={"timeout": PATIENCE_S})
    event.listen(engine, "connect", _leave_transactions_to_us)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _leave_transactions_to_us(connection: Any, _record: object) -> None:
    # Python's driver would begin at the first write: two that have read by then wait for each other.
    connection.isolation_level = None
    connection.execute("PRAGMA synchronous=FULL")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get("reading") else "BEGIN IMMEDIATE")


@contextmanager
def transaction(engine: Engine, *, reading: bool = False) -> Iterator[Connection]:
    """A transaction: committed at the end, undone when an error leaves it. One that only reads locks no file.

    Raises:
        ServiceDown: the database does not answer, or was busy for longer than 30 s.
    """
    try:
        with engine.execution_options(reading=reading).begin() as connection:
            yield connection
    except (OperationalError, PoolTimeout) as error:
        why = one_line(getattr(error, "orig", None) or error)
        do = "free space on its disk and try again" if "full" in why else "start it and try again"
        raise ServiceDown("the claims database", engine.url.render_as_string(), why, do) from safe_cause(error)


def ready(engine: Engine) -> None:
    """Nothing, when the database can be written to.

    Raises:
        ServiceDown: it cannot.
    """
    with transaction(engine) as connection:
        connection.execute(text("SELECT 1"))


def database_clock(connection: Connection) -> datetime:
    """The database's time now, not the transaction's beginning: it may have waited for a lock since."""
    if connection.dialect.name == "postgresql":
        moment: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        return moment.astimezone(UTC)
    seconds = connection.execute(text("SELECT (julianday('now') - 2440587.5) * 86400.0")).scalar_one()
    return datetime.fromtimestamp(seconds, UTC)


def database_time(engine: Engine, *, clock: Clock = database_clock) -> datetime:
    """What time it is by the one clock that all share."""
    with transaction(engine, reading=True) as connection:
        return clock(connection)


def insert_once(connection: Connection, table: Table, values: Mapping[str, Any]) -> bool:
    """True when the row was inserted; False when one with its key is there. A rival's insert is waited for."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table).values(dict(values)).on_conflict_do_nothing()
    return connection.execute(statement).rowcount == 1
