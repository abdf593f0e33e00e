"""The last step of every gauntlet: versions into the registry, the report beside them, the alias for the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from gauntlet.tasks.models.answer import answer
from gauntlet.tasks.registry.aliases import Holder, aliases_of, enter
from gauntlet.tasks.registry.fresh import Expectation, confirm
from gauntlet.tasks.registry.register import CONFIRM_ROWS
from gauntlet.tasks.registry.register import register as submit
from gauntlet.tasks.registry.submission import Submission
from gauntlet.tasks.result import Registered
from gauntlet.tasks.runtime.connection import Connection
from gauntlet.tasks.runtime.tracking import TrackedRun, servers


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


def register(entry: Entry, parent: TrackedRun, connection: Connection, key_file: Path) -> Registered:
    """The version of this candidate."""
    pictures = {**entry.pictures}
    files = {name: content for name, content in entry.files.items() if not name.endswith(".html")}
    made = Submission(
        entry.name,
        entry.key,
        entry.pipeline,
        entry.rows,
        entry.metrics,
        entry.parameters,
        entry.tags,
        entry.description,
        files,
        pictures,
    )
    return submit(made, parent, connection, key_file)


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
