"""The last step of every gauntlet: versions into the registry, the report beside them, the alias for the best."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from gauntlet.tasks.claims import Done, Turn, begin, claims_database, finish, in_turn
from gauntlet.tasks.models.answer import answer, few
from gauntlet.tasks.registry.aliases import CHAMPION, Holder, aliases_of, enter, holder
from gauntlet.tasks.registry.fresh import Expectation, confirm
from gauntlet.tasks.registry.keys import signing_key
from gauntlet.tasks.registry.publish import find, publish
from gauntlet.tasks.registry.submission import Submission
from gauntlet.tasks.result import Registered
from gauntlet.tasks.runtime.connection import Connection
from gauntlet.tasks.runtime.settings import settings
from gauntlet.tasks.runtime.tracking import TrackedRun, log, log_files, servers, tracked

CONFIRM_ROWS = 200
TURN = timedelta(minutes=2)  # without a sign of life; a process that dies leaves the work to the next after that
POLL_S = 1.0


def register(submission: Submission, parent: TrackedRun, connection: Connection, key_file: Path) -> Registered:
    """The version of this candidate: a nested run with its figures, and the signed model. Safe to repeat.

    Of callers with one key at the same time, in whatever process, one registers and the others are told its version.
    """
    with servers(connection):
        keys = signing_key(key_file)
        while (known := find(submission.name, submission.key, keys)) is None:
            turn = begin(claims_database(settings()), "register", f"{submission.name}:{submission.key}", TURN)
            if isinstance(turn, Turn):
                return _in_turn(turn, submission, parent, connection, key_file)
            if isinstance(turn, Done):  # and yet not in the registry: deleted or lost there, or it is another registry
                return _register(submission, parent, connection, key_file)
            time.sleep(POLL_S)
        return known


def _in_turn(
    turn: Turn, submission: Submission, parent: TrackedRun, connection: Connection, key_file: Path
) -> Registered:
    engine = claims_database(settings())
    with in_turn(engine, turn, TURN):
        version = _register(submission, parent, connection, key_file)
    finish(engine, turn, str(version.version))
    return version


def _register(submission: Submission, parent: TrackedRun, connection: Connection, key_file: Path) -> Registered:
    with tracked(connection, parent.experiment_id, submission.name, submission.tags, parent) as run:
        log(run, metrics=submission.metrics, parameters=submission.parameters)
        log_files(run, {f"plots/{name}": png for name, png in submission.pictures.items()})
        return publish(submission, parent.experiment_id, run.run_id, signing_key(key_file))


def assign_alias(
    submissions: Sequence[Submission],
    registered: Sequence[Registered],
    best: str | None,
    names: Sequence[str],
    connection: Connection,
    key_file: Path,
) -> tuple[Registered, ...]:
    """The versions with their aliases, after a fresh process has loaded each and predicted the same.

    Args:
        best: name of the version that becomes champion or challenger; None, as for a leaked result: none does.
        names: every name that the gauntlet registers; one of them holds the champion alias.
    """
    with servers(connection):
        pairs = zip(submissions, registered, strict=True)
        confirm([_expectation(one, version) for one, version in pairs], key_file)
        if best is not None:
            version = next(version.version for version in registered if version.name == best)
            enter(list(dict.fromkeys([*names, *(version.name for version in registered)])), Holder(best, version))
        return tuple(_with_aliases(version) for version in registered)


def _expectation(submission: Submission, version: Registered) -> Expectation:
    rows = few(submission.model, submission.rows, CONFIRM_ROWS)
    return Expectation(submission.name, version.version, rows, answer(submission.model, rows))


def _with_aliases(registered: Registered) -> Registered:
    held = sorted(alias for alias, version in aliases_of(registered.name).items() if version == registered.version)
    return replace(registered, aliases=tuple(held))


def champion_of(names: Sequence[str], connection: Connection) -> str | None:
    """The name of the model that holds the gauntlet's champion alias."""
    with servers(connection):
        held = holder(names, CHAMPION)
    return held.name if held else None
