"""Score one file with the champion, exactly once: however often it is offered, killed half-way or offered in parallel."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from gauntlet.blocks import TelemetryDatabase
from gauntlet.datasets.errors import BadInput
from gauntlet.tasks.claims import AHEAD, Done, Turn, begin, database_time, finish, in_turn, reopen
from gauntlet.tasks.loop.champion import Champion
from gauntlet.tasks.loop.contract import Batch, InputFile, Manifest
from gauntlet.tasks.loop.store import is_kept, manifest_of, write
from gauntlet.tasks.loop.telemetry import write_predictions
from gauntlet.tasks.runtime.connection import Connection
from gauntlet.tasks.runtime.tracking import servers

TURN = timedelta(minutes=2)  # without a sign of life; a worker that dies leaves the file to the next after that


@dataclass(frozen=True)
class FileScored:
    """What became of a file: `state` scored, known (it was scored before), busy (somebody is at it) or refused (`why`).

    `ahead`: rows that were left out, as they are dated later than the clock.
    """

    file: str
    state: str
    rows: int = 0
    alarms: int = 0
    address: str = ""
    why: str = ""
    ahead: tuple[str, ...] = ()


def score_file(
    file: InputFile, champion: Champion, connection: Connection, engine: Engine, database: TelemetryDatabase
) -> FileScored:
    """The file's predictions and features in S3, and in SQL where that is configured.

    What was scored and S3 lost since is scored again.

    Raises:
        BadInput: the file cannot be read; nothing is kept of it, and it may be offered again.
        ServiceDown: a server is away; the same.
        StaleClaim: another took over in the meantime; nothing of this attempt counts.
    """
    scope = f"score:{champion.gauntlet}"
    turn = begin(engine, scope, file.sha256, TURN)
    if isinstance(turn, Done):
        known = json.loads(turn.outcome)
        if _is_kept(known, champion, connection):
            return FileScored(file.name, "known", known["rows"], known["alarms"], known["address"])
        reopen(engine, scope, file.sha256, turn)
        turn = begin(engine, scope, file.sha256, TURN)
    if not isinstance(turn, Turn):
        return FileScored(file.name, "busy")
    with in_turn(engine, turn, TURN) as check:
        batch = _read(file, champion, database_time(engine))
        manifest, address = _score(file, batch, champion, connection, database, database_time(engine), check)
    finish(engine, turn, json.dumps({**asdict(manifest), "address": address}))
    return FileScored(file.name, "scored", manifest.rows, manifest.alarms, address, ahead=batch.ahead)


def score_or_refuse(
    file: InputFile, champion: Champion, connection: Connection, engine: Engine, database: TelemetryDatabase
) -> FileScored:
    """The same; a file that cannot be read is refused with the reason, and keeps no other from being scored.

    Raises:
        ServiceDown, StaleClaim: as above.
    """
    try:
        return score_file(file, champion, connection, engine, database)
    except BadInput as error:
        return FileScored(file.name, "refused", why=str(error))


def _is_kept(known: Mapping[str, Any], champion: Champion, connection: Connection) -> bool:
    names = {one.name for one in fields(Manifest)}
    manifest = Manifest(**{name: value for name, value in known.items() if name in names})
    with servers(connection):
        return is_kept(connection, manifest, remembered=champion.adapter.in_order)


def _read(file: InputFile, champion: Champion, now: datetime) -> Batch:
    if file.fault:
        raise BadInput(file.path, "cannot be read", saw=file.fault)
    try:
        return champion.adapter.read(file, champion, (now + AHEAD).timestamp())
    except OSError as error:
        raise BadInput(file.path, "cannot be read", saw=error.strerror or type(error).__name__) from None


def _score(
    file: InputFile,
    batch: Batch,
    champion: Champion,
    connection: Connection,
    database: TelemetryDatabase,
    now: datetime,
    check: Callable[[], None],
) -> tuple[Manifest, str]:
    scored = champion.adapter.score(batch, champion, connection)
    moment = now.isoformat(timespec="microseconds")
    model, version = champion.loaded.name, champion.loaded.version
    manifest = manifest_of(champion.gauntlet, file, batch, scored, model, version, moment)
    if database.url is not None:
        write_predictions(database.url.get_secret_value(), database.table, manifest, scored, check)
    with servers(connection):
        return manifest, write(connection, manifest, batch, scored, check)
