"""Score one file with the champion, each row exactly once: whatever file brings it, killed half-way or offered in parallel.

take ─> read ─> [one file of a group at a time: adopt ─> sort out ─> score ─> follow ─> write ─> refresh ─> finish]

The portion's manifest is the one moment from which its rows count. What is before it leaves nothing that is seen; what is
after it - SQL, alarms of other portions that a late row has changed - is done again by whoever comes next (`adopt`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from gauntlet.blocks import TelemetryDatabase
from gauntlet.datasets.errors import BadInput
from gauntlet.tasks.claims import (
    AHEAD,
    Done,
    Turn,
    abandon,
    always,
    begin,
    database_time,
    drop_rows,
    in_turn,
    one_at_a_time,
    reopen,
)
from gauntlet.tasks.loop.champion import Champion
from gauntlet.tasks.loop.contract import Batch, InputFile, StillWritten
from gauntlet.tasks.loop.outcome import Outcome, row_scope
from gauntlet.tasks.loop.portions import is_kept, void
from gauntlet.tasks.loop.row_scoring import Scoring
from gauntlet.tasks.loop.telemetry import remove_predictions
from gauntlet.tasks.runtime.connection import Connection
from gauntlet.tasks.runtime.tracking import servers

TURN = timedelta(minutes=2)  # without a sign of life; a worker that dies leaves the file to the next after that


@dataclass(frozen=True)
class FileScored:
    """What became of a file.

    `state`: scored, known (all of its rows were scored before), busy (somebody is at it), waits (it is not whole yet, `why`)
    or refused (`why`). `rows`: that it was the first to bring; `known`: that others brought before; `late`: too late to
    change alarms; `waiting`: for others of their moment. `ahead`: rows that were left out, as they are dated later than the
    clock; `conflicts`: that say otherwise than the same row before; `corrected`: alarms that a late row has changed.
    """

    file: str
    state: str
    rows: int = 0
    alarms: int = 0
    address: str = ""
    why: str = ""
    ahead: tuple[str, ...] = ()
    sha256: str = ""
    known: int = 0
    late: int = 0
    waiting: int = 0
    conflicts: tuple[str, ...] = ()
    corrected: tuple[str, ...] = ()

    @property
    def lines(self) -> list[str]:
        """What waits, was left out, came late or was corrected, in words."""
        told = [self.why] if self.state == "waits" else []
        told += [f"{self.file}, {row}: dated in the future, left out" for row in self.ahead]
        told += [f"{self.file}, {one}" for one in self.conflicts]
        if self.late:
            told.append(
                f"{self.file}: {self.late} rows came too late to change alarms; they are scored, kept and marked late"
            )
        if self.waiting:
            told.append(f"{self.file}: {self.waiting} rows wait for the other machines of their snapshots")
        if self.state == "known":
            return told
        return [*told, *(f"corrected by {self.file}: {one}" for one in self.corrected)]


def score_file(
    file: InputFile,
    champion: Champion,
    connection: Connection,
    engine: Engine,
    database: TelemetryDatabase,
    began: datetime | None = None,
) -> FileScored:
    """The file's predictions and features in S3, and in SQL where that is configured.

    What was scored and S3 lost since is scored again.

    Args:
        began: when the run began: how late a row is goes by what was scored before then; by default, before now.

    Raises:
        BadInput: the file cannot be read; nothing is kept of it, and it may be offered again.
        StillWritten: it is not whole yet.
        ServiceDown: a server is away; the same.
        StaleClaim: another took over in the meantime; nothing of this attempt counts.
    """
    return _score(champion.adapter.take(file), champion, connection, engine, database, began)


def score_or_refuse(
    file: InputFile,
    champion: Champion,
    connection: Connection,
    engine: Engine,
    database: TelemetryDatabase,
    began: datetime | None = None,
) -> FileScored:
    """The same; a file that cannot be read is refused with the reason, and keeps no other from being scored.

    Raises:
        ServiceDown, StaleClaim: as above.
    """
    try:
        taken = champion.adapter.take(file)
        file = taken
        return _score(taken, champion, connection, engine, database, began)
    except StillWritten as error:
        return FileScored(file.name, "waits", why=str(error))
    except BadInput as error:
        return FileScored(file.name, "refused", why=str(error), sha256=file.sha256)


def _score(
    file: InputFile,
    champion: Champion,
    connection: Connection,
    engine: Engine,
    database: TelemetryDatabase,
    began: datetime | None,
) -> FileScored:
    scope = f"score:{champion.gauntlet}"
    turn = begin(engine, scope, file.sha256, TURN)
    if isinstance(turn, Done):
        lost = _lost(json.loads(turn.outcome), champion, connection)
        if not lost:
            return _told(file, Outcome.of(turn.outcome), "known")
        group = json.loads(turn.outcome).get("group", "")
        _let_go(lost, champion.gauntlet, group, connection, engine, database, file.sha256)
        reopen(engine, scope, file.sha256, turn)
        turn = begin(engine, scope, file.sha256, TURN)
    if not isinstance(turn, Turn):
        return FileScored(file.name, "busy", sha256=file.sha256)
    with in_turn(engine, turn, TURN) as mine:
        now = database_time(engine)
        batch = _read(file, champion, now)
        with one_at_a_time(engine, "scoring", f"{champion.gauntlet}:{batch.group}", TURN, TURN) as alone:
            if alone is None:
                abandon(engine, turn)
                return FileScored(file.name, "busy", sha256=file.sha256)

            def check() -> None:
                mine()
                alone()

            work = Scoring(champion, connection, engine, database, scope, batch.group, now, began or now, check, TURN)
            with servers(connection):
                outcome = work.score(file, batch, turn)
    return _told(file, outcome, "scored" if outcome.rows or outcome.waiting else "known", batch)


def _told(file: InputFile, outcome: Outcome, state: str, batch: Batch | None = None) -> FileScored:
    return FileScored(
        file.name,
        state,
        outcome.rows,
        outcome.alarms,
        outcome.address,
        ahead=batch.ahead if batch is not None else (),
        sha256=file.sha256,
        known=outcome.known,
        late=outcome.late,
        waiting=outcome.waiting,
        conflicts=tuple(outcome.conflicts),
        corrected=tuple(outcome.corrected),
    )


def _read(file: InputFile, champion: Champion, now: datetime) -> Batch:
    if file.fault:
        raise BadInput(file.path, "cannot be read", saw=file.fault)
    try:
        return champion.adapter.read(file, champion, (now + AHEAD).timestamp())
    except OSError as error:
        raise BadInput(file.path, "cannot be read", saw=error.strerror or type(error).__name__) from None


def _lost(known: dict[str, Any], champion: Champion, connection: Connection) -> list[str]:
    """The portions that hold rows of a file and that S3 has no more."""
    portions = list(known.get("portions", ()))
    with servers(connection):
        if is_kept(connection, champion.gauntlet, portions):
            return []
        return [one for one in portions if not is_kept(connection, champion.gauntlet, [one])]


def _let_go(
    portions: Sequence[str],
    gauntlet: str,
    group: str,
    connection: Connection,
    engine: Engine,
    database: TelemetryDatabase,
    own: str,
) -> None:
    """Rows of lost portions count no more: the file that is offered now has them, and brings them again."""
    for one in portions:
        drop_rows(engine, row_scope(gauntlet, group), one)
    others = [one for one in portions if one != own]
    with servers(connection):
        for one in others:
            void(connection, gauntlet, one, always)
    if others and database.url is not None:
        remove_predictions(database.url.get_secret_value(), database.table, gauntlet, others)
