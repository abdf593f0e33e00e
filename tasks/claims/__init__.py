"""Claims: who may work on what, until when; and what was done once already. Our own rows, in SQLite or PostgreSQL.

An orchestrator's concurrency slot leaks when a worker is killed while its run is pending. A row that expires does not:

    claim ──> heartbeat ──> heartbeat ──> release            the holder lives: nobody else gets the subject
      │           killed here │
      │                       └── expires ──> reap ──> claim by the next holder, with a larger token
      └── somebody holds it, or it rests ──> Refusal, recorded with its reason

The token only grows. `check` and `fenced` stop a holder that was thought dead and comes back: its token is old.
Every function takes the engine of `open_database(url)` and works in one short transaction.
"""

from gauntlet.tasks.claims.claim import (
    Claim,
    Lapsed,
    Refusal,
    check,
    claim,
    fenced,
    heartbeat,
    holders,
    reap,
    refuse,
    release,
)
from gauntlet.tasks.claims.configured import claims_database
from gauntlet.tasks.claims.database import AHEAD, Clock, database_clock, database_time, open_database, ready, sqlite_url
from gauntlet.tasks.claims.hold import Check, Hold, always, holding, in_turn, one_at_a_time
from gauntlet.tasks.claims.log import Entry, append, history
from gauntlet.tasks.claims.once import (
    Busy,
    Done,
    Line,
    Turn,
    Undone,
    abandon,
    begin,
    content_of,
    finish,
    first_seen,
    forget,
    keep_content,
    left_undone,
    note,
    prolong,
    reopen,
    seize,
    still_mine,
    unfinished,
)
from gauntlet.tasks.claims.rows import KnownRow, drop_rows, is_empty, known_rows, put_rows

__all__ = [
    "AHEAD",
    "Busy",
    "Check",
    "Claim",
    "Clock",
    "Done",
    "Entry",
    "Hold",
    "KnownRow",
    "Lapsed",
    "Line",
    "Refusal",
    "Turn",
    "Undone",
    "abandon",
    "always",
    "append",
    "begin",
    "check",
    "claim",
    "claims_database",
    "content_of",
    "database_clock",
    "database_time",
    "drop_rows",
    "fenced",
    "finish",
    "first_seen",
    "forget",
    "heartbeat",
    "history",
    "holders",
    "holding",
    "in_turn",
    "is_empty",
    "keep_content",
    "known_rows",
    "left_undone",
    "note",
    "one_at_a_time",
    "open_database",
    "prolong",
    "put_rows",
    "ready",
    "reap",
    "refuse",
    "release",
    "reopen",
    "seize",
    "sqlite_url",
    "still_mine",
    "unfinished",
]
