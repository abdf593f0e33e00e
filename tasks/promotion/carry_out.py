"""A decision becomes deed and record: intent row, alias moves, outcome row; what a crash left is closed first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Engine

from gauntlet.tasks.claims import Check, always
from gauntlet.tasks.promotion.decide import Decision
from gauntlet.tasks.promotion.log import Entry, Line, answered, close, history, recorded, unfinished, write
from gauntlet.tasks.promotion.move import Standing, promote, repair, rollback, standing
from gauntlet.tasks.registry.aliases import Holder
from gauntlet.tasks.registry.keys import Verifier

ROLLBACK = "rollback"


def recover(engine: Engine, gauntlet: str, names: Iterable[str], *, check: Check = always) -> Standing:
    """Who holds the aliases, after what a crash left is repaired and its intent closed. Run under the gauntlet's claim."""
    now = repair(names, check=check)
    for left in unfinished(engine, gauntlet):
        close(engine, left, now.champion)
    return now


def carry_out(
    engine: Engine,
    gauntlet: str,
    names: Iterable[str],
    challenger: Holder,
    decision: Decision,
    who: str,
    *,
    key: Verifier,
    again: bool = False,
    request: str = "",
    check: Check = always,
) -> Entry:
    """The log's last row of this decision: `decided` where nothing is to be moved, else `done`.

    Args:
        engine: of the log, whose table is there (`open_log`).
        gauntlet, names: the gauntlet and its registered models.
        challenger: the version that was decided on.
        decision: whose `act` says whether aliases move; its reasons and evidence go into the log.
        request: the id of what asks; asked again, it is told what came of the first time, and nothing moves.
        who: the person, or the deployment, that is behind it.
        key, again, check: as in `promote`.

    Raises:
        NotPromotable: the challenger must not become champion; the log says so, nothing was moved.
        ServiceDown: the log does not answer; nothing was moved.
    """
    names = tuple(names)
    why = "; ".join(decision.reasons)
    now = recover(engine, gauntlet, names, check=check) if decision.act else standing(names)
    if (first := answered(engine, gauntlet, request)) is not None:
        return first
    evidence = {**decision.evidence, "reasons": list(decision.reasons)}
    line = Line(gauntlet, now.champion, challenger, decision.verdict, decision.mode, who, why, evidence, request)
    if not decision.act:
        write(engine, "decided", line)
    elif now.champion == challenger:  # a repeated call, after the first was cut off or its answer lost
        return history(engine, gauntlet, limit=1)[-1]
    else:
        with recorded(engine, line):
            promote(names, challenger, who, why, key=key, again=again, check=check)
    return history(engine, gauntlet, limit=1)[-1]


def roll_back(
    engine: Engine,
    gauntlet: str,
    names: Iterable[str],
    who: str,
    why: str,
    *,
    key: Verifier,
    evidence: Mapping[str, Any] | None = None,
    request: str = "",
    check: Check = always,
) -> Entry:
    """The log's row of a rollback to the previous champion, by hand and whatever the mode.

    One that was cut off after it counted is closed and not made a second time: that would go back two champions. Nor is
    one whose answer was lost: the same `request` is told what came of the first time.

    Raises:
        NotPromotable: there is no previous champion, or it cannot be loaded any more; nothing was moved.
        ServiceDown: the log does not answer; nothing was moved.
    """
    names = tuple(names)
    left = [one for one in unfinished(engine, gauntlet) if one.line.verdict == ROLLBACK]
    now = recover(engine, gauntlet, names, check=check)
    if (first := answered(engine, gauntlet, request)) is not None:
        return first
    line = Line(gauntlet, now.champion, now.previous, ROLLBACK, "manual", who, why, evidence or {}, request)
    if left and now.champion == left[-1].line.to:
        cut_off = left[-1].line
        ended = f"{why} (entry {left[-1].id}, which was cut off, is ended)"
        write(engine, "decided", replace(line, champion=cut_off.champion, to=cut_off.to, why=ended))
    else:
        with recorded(engine, line):
            rollback(names, who, why, key=key, check=check)
    return history(engine, gauntlet, limit=1)[-1]
