"""A database for each service, owned by a user of its own: `python -m gauntlet.deployments.databases ADDRESS FILE...`.

The one step that knows the superuser's password; it ends before any service starts. Each file is a line of a password
file, `host:port:database:user:password`; what is there already gets the password of its file.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import Connection
from psycopg.sql import SQL, Identifier, Literal

from gauntlet.datasets.errors import BadInput, GauntletError, ServiceDown

_LINE = re.compile(r"[^:\s]+:[^:\s]+:(?P<database>[a-z_]+):(?P<user>[a-z_]+):(?P<password>[^:\s]+)\s*")
_NO_RIGHTS = SQL("LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS")


@dataclass(frozen=True)
class Owner:
    """A database, and the user who owns it and nothing else."""

    database: str
    user: str
    password: str = field(repr=False)


def read_owner(file: Path) -> Owner:
    """The owner that a line of a password file names.

    Raises:
        BadInput: it cannot be read, or is no such line.
    """
    try:
        line = _LINE.fullmatch(file.read_text())
    except OSError as error:
        raise BadInput(file, f"the secret cannot be read ({error.strerror or error})") from None
    if line is None:
        do = "remove the file and run `gauntlet secrets`"
        raise BadInput(file, "no database's secret", expected="host:port:database:user:password", do=do)
    return Owner(**line.groupdict())


def make_databases(address: str, owners: list[Owner]) -> list[str]:
    """What was made or changed, a line each. May be repeated, which is how a password is replaced.

    `address`: of the superuser, without the password, which libpq finds in the environment (`PGPASSWORD`).

    Raises:
        ServiceDown: the server does not answer, or refuses.
    """
    try:
        with psycopg.connect(address, autocommit=True, connect_timeout=10) as connection:
            lines = [_make(connection, owner) for owner in owners]
            for database in ("postgres", "template1"):
                connection.execute(SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(Identifier(database)))
    except psycopg.Error as error:
        why, do = " ".join(str(error).split()), "look at its log; a volume of before has other users, see operations.md"
        raise ServiceDown("PostgreSQL", address, why, do) from None
    return lines


def _make(connection: Connection, owner: Owner) -> str:
    # Sent as what the server would keep of it: a statement may stand in its log.
    verifier = connection.pgconn.encrypt_password(owner.password.encode(), owner.user.encode(), b"scram-sha-256")
    user, database = Identifier(owner.user), Identifier(owner.database)
    known = _there(connection, "SELECT FROM pg_roles WHERE rolname = %s", owner.user)
    verb = SQL("ALTER" if known else "CREATE")
    connection.execute(SQL("{} ROLE {} {} PASSWORD {}").format(verb, user, _NO_RIGHTS, Literal(verifier.decode())))
    stands = _there(connection, "SELECT FROM pg_database WHERE datname = %s", owner.database)
    if not stands:
        connection.execute(SQL("CREATE DATABASE {} OWNER {}").format(database, user))
    connection.execute(SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    return f"{owner.database}: {'was there' if stands else 'made'}, its user has the password of the secret"


def _there(connection: Connection, query: str, name: str) -> bool:
    return connection.execute(query.encode(), [name]).fetchone() is not None


def main(address: str, *files: str) -> None:
    """Print what was done; end in one line where it could not be."""
    try:
        for line in make_databases(address, [read_owner(Path(file)) for file in files]):
            print(line)
    except GauntletError as error:
        sys.exit(f"gauntlet: {error}")


if __name__ == "__main__":
    main(*sys.argv[1:])
