"""The last step of every gauntlet: versions into the registry, the report beside them, the alias for the best."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from gauntlet.tasks.claims import Done, Turn, begin, claims_database, finish, in_turn
from gauntlet.tasks.registry.aliases import CHAMPION, Holder, aliases_of, enter, holder
from gauntlet.tasks.registry.fresh import Expectation, answer, confirm
from gauntlet.tasks.registry.key import git_commit, requirements
from gauntlet.tasks.registry.publish import Submission, find, publish
from gauntlet.tasks.registry.signing import signing_key
from gauntlet.tasks.result import Registered
from gauntlet.tasks.runtime.connection import Connection
from gauntlet.tasks.runtime.settings import settings
from gauntlet.tasks.runtime.tracking import TrackedRun, log, log_files, servers, tracked

CONFIRM_ROWS = 200
TURN = timedelta(minutes=2)  # without a sign of life; a process that dies leaves the work to the next after that
POLL_S = 1.0


@dataclass(frozen=True)
class Entry:
    """One candidate on its way into the registry. `files` go into the model's folder, `pictures` beside its run."""

    name: str
    key: str
    pipeline: Any
    rows: pd.DataFrame
    metrics: Mapping[str, float]
    parameters: Mapping[str, object]
    tags: Mapping[str, str]
    description: str
    files: Mapping[str, bytes]
    pictures: Mapping[str, bytes]


def parquet(frame: pd.DataFrame) -> bytes:
    """A frame as Parquet."""
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()


def version_tags(
    *, phase: str, task: str, dataset: str, sensor_type: str, source: str, data_hash: str, seed: int, leaked: bool
) -> dict[str, str]:
    """The tags that every version bears."""
    return {
        "project": "gauntlet",
        "phase": phase,
        "task": task,
        "status": "leaked" if leaked else "validated",
        "leaked": str(leaked).lower(),
        "dataset": dataset,
        "sensor_type": sensor_type,
        "source": source,
        "data_hash": data_hash,
        "git_commit": git_commit(),
        "seed": str(seed),
    }


def register(entry: Entry, parent: TrackedRun, connection: Connection, key_file: Path) -> Registered:
    """The version of this candidate: a nested run with its figures, and the signed model. Safe to repeat.

    Of callers with one key at the same time, in whatever process, one registers and the others are told its version.
    """
    with servers(connection):
        while (known := find(entry.name, entry.key)) is None:
            turn = begin(claims_database(settings()), "register", f"{entry.name}:{entry.key}", TURN)
            if isinstance(turn, Turn):
                return _in_turn(turn, entry, parent, connection, key_file)
            if isinstance(
                turn, Done
            ):  # and yet not in the registry: somebody deleted it there, or it is another registry
                return _register(entry, parent, connection, key_file)
            time.sleep(POLL_S)
        return known


def _in_turn(turn: Turn, entry: Entry, parent: TrackedRun, connection: Connection, key_file: Path) -> Registered:
    engine = claims_database(settings())
    with in_turn(engine, turn, TURN):
        version = _register(entry, parent, connection, key_file)
    finish(engine, turn, str(version.version))
    return version


def _register(entry: Entry, parent: TrackedRun, connection: Connection, key_file: Path) -> Registered:
    with tracked(connection, parent.experiment_id, entry.name, entry.tags, parent) as run:
        log(run, metrics=entry.metrics, parameters=entry.parameters)
        log_files(run, {**entry.files, **{f"plots/{name}": png for name, png in entry.pictures.items()}})
        submission = Submission(
            entry.name,
            entry.key,
            entry.pipeline,
            entry.rows.head(5),
            entry.metrics,
            entry.tags,
            entry.description,
            {name: content for name, content in entry.files.items() if not name.endswith(".html")},
        )
        return publish(submission, parent.experiment_id, run.run_id, signing_key(key_file), requirements())


def crown(
    entries: Sequence[Entry], registered: Sequence[Registered], best: str | None, connection: Connection, key_file: Path
) -> tuple[Registered, ...]:
    """The versions with their aliases, after a fresh process has loaded each and predicted the same.

    `best` None: nothing is entered, as for a leaked result.
    """
    with servers(connection):
        pairs = zip(entries, registered, strict=True)
        confirm([_expectation(one, version) for one, version in pairs], key_file)
        if best is not None:
            version = next(one.version for one in registered if one.name == best)
            enter([one.name for one in registered], Holder(best, version))
        return tuple(_with_aliases(one) for one in registered)


def _expectation(entry: Entry, version: Registered) -> Expectation:
    rows = entry.rows.head(CONFIRM_ROWS)
    return Expectation(entry.name, version.version, rows, answer(entry.pipeline, rows))


def _with_aliases(one: Registered) -> Registered:
    held = sorted(alias for alias, version in aliases_of(one.name).items() if version == one.version)
    return replace(one, aliases=tuple(held))


def champion_of(names: Sequence[str], connection: Connection) -> str | None:
    """The name of the model that holds the gauntlet's champion alias."""
    with servers(connection):
        held = holder(names, CHAMPION)
    return held.name if held else None
