"""What killed workers of a group left: a portion that counts is brought to its end, one that does not never will."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from gauntlet.tasks.claims import Turn, abandon, finish, note, put_rows, seize, unfinished
from gauntlet.tasks.loop.outcome import Outcome
from gauntlet.tasks.loop.portions import CONTENT, KEY, manifest_at, unaltered, void

if TYPE_CHECKING:
    from gauntlet.tasks.loop.row_scoring import Scoring


@dataclass(frozen=True)
class Left:
    """A portion whose worker died after it came to count. `since_s`: the first moment [s] whose alarms it may change."""

    turn: Turn
    outcome: Outcome
    since_s: float
    entries: dict[str, str]

    def finish(self, work: Scoring) -> None:
        """Once the alarms that it changes are told anew, and not before: who dies meanwhile leaves it to the next."""
        finish(
            work.engine,
            self.turn,
            json.dumps(asdict(self.outcome)),
            beside=lambda connection: put_rows(connection, work.row_scope, self.turn.key, self.entries),
        )


def adopt(work: Scoring, own: str) -> list[Left]:
    """The portions that are to be finished after this file's; their rows are known from now on, and in SQL."""
    left = []
    for sha256 in unfinished(work.engine, work.scope, f"group {work.group}"):
        turn = seize(work.engine, work.scope, sha256, work.turn_lasts) if sha256 != own else None
        if not isinstance(turn, Turn):
            continue
        manifest = manifest_at(work.connection, work.gauntlet, sha256)
        there = unaltered(work.connection, [manifest], whole=True) if manifest is not None else []
        if manifest is None or not there:
            void(work.connection, work.gauntlet, sha256, work.check)
            note(work.engine, turn, "")
            abandon(work.engine, turn)
            continue
        rows = there[0][1]
        work.tell_sql(manifest, rows)
        work.check()
        work.enter(sha256, rows)
        outcome = Outcome(
            manifest.rows,
            manifest.alarms,
            group=work.group,
            portions=[sha256],
            model=manifest.model,
            version=manifest.version,
            corrected=manifest.corrected,
        )
        since_s = np.inf if manifest.first_s is None else manifest.first_s
        left.append(Left(turn, outcome, since_s, dict(zip(rows[KEY], rows[CONTENT], strict=True))))
    return left
