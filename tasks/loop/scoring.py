"""Score one file with the champion, exactly once: however often it is offered, killed half-way or offered in parallel."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from gauntlet.blocks import TelemetryDatabase
from gauntlet.tasks.claims import Busy, Done, begin, finish, in_turn
from gauntlet.tasks.loop.champion import Champion
from gauntlet.tasks.loop.contract import InputFile, Manifest
from gauntlet.tasks.loop.store import manifest_of, write
from gauntlet.tasks.loop.telemetry import write_predictions
from gauntlet.tasks.runtime.connection import Connection
from gauntlet.tasks.runtime.tracking import servers

TURN = timedelta(minutes=2)  # without a sign of life; a worker that dies leaves the file to the next after that


@dataclass(frozen=True)
class FileScored:
    """What became of a file: `state` scored, known (it was scored before) or busy (somebody is at it)."""

    file: str
    state: str
    rows: int = 0
    alarms: int = 0
    address: str = ""


def score_file(
    file: InputFile, champion: Champion, connection: Connection, engine: Engine, database: TelemetryDatabase
) -> FileScored:
    """The file's predictions and features in S3, and in SQL where that is configured.

    Raises:
        BadInput: the file cannot be read; nothing is kept of it, and it may be offered again.
        ServiceDown: a server is away; the same.
    """
    turn = begin(engine, f"score:{champion.gauntlet}", file.sha256, TURN)
    if isinstance(turn, Done):
        known = json.loads(turn.outcome)
        return FileScored(file.name, "known", known["rows"], known["alarms"], known["address"])
    if isinstance(turn, Busy):
        return FileScored(file.name, "busy")
    with in_turn(engine, turn, TURN):
        manifest, address = _score(file, champion, connection, database)
    finish(engine, turn, json.dumps({**asdict(manifest), "address": address}))
    return FileScored(file.name, "scored", manifest.rows, manifest.alarms, address)


def _score(
    file: InputFile, champion: Champion, connection: Connection, database: TelemetryDatabase
) -> tuple[Manifest, str]:
    way = champion.adapter
    batch = way.read(file, champion)
    scored = way.score(batch, champion, connection)
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    model, version = champion.loaded.name, champion.loaded.version
    manifest = manifest_of(champion.gauntlet, file, batch, scored, model, version, now)
    if database.url is not None:
        write_predictions(database.url.get_secret_value(), database.table, manifest, scored)
    with servers(connection):
        return manifest, write(connection, manifest, batch, scored)
