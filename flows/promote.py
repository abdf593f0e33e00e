"""Compare challenger and champion on the frozen evaluation set and move the alias; or give it back to the previous one.

champion, challenger (verified, loaded) ─> contest (frozen rows, rows since) ─> decide ─> carry out ─> log
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact

from gauntlet.blocks import RetrainPolicy
from gauntlet.datasets.errors import BadInput, NotPromotable
from gauntlet.flows._loop import Loop, loop_run_name, name_run, open_loop, read_policy
from gauntlet.flows._promotion import holding_aliases, label, promote_challenger, reasons_of, recover_aliases
from gauntlet.tasks.claims import Hold
from gauntlet.tasks.gauntlets import in_loop, named
from gauntlet.tasks.loop import challenger as training
from gauntlet.tasks.loop.champion import champion_of
from gauntlet.tasks.promotion.carry_out import ROLLBACK, roll_back
from gauntlet.tasks.promotion.log import Entry, open_log
from gauntlet.tasks.promotion.move import standing
from gauntlet.tasks.promotion.smoke import examine
from gauntlet.tasks.registry.aliases import Holder
from gauntlet.tasks.registry.keys import signing_key
from gauntlet.tasks.registry.load import LoadedModel
from gauntlet.tasks.runtime.steps import run_id, say, step
from gauntlet.tasks.runtime.tracking import servers

find_champion = step(champion_of, "champion", calls_server=True)
compare = step(training.contest, "compare")


@flow(name="promote", description=__doc__, flow_run_name=loop_run_name)
def promote(
    gauntlet: str = "ai4i", rollback: bool = False, reason: str = "", by: str = "", seed: int = 7, request: str = ""
) -> dict[str, Any]:
    """Decide on the challenger, or roll the champion back.

    Args:
        gauntlet: Whose aliases.
        rollback: Give the alias back to the champion before.
        reason: Why, for the promotion log.
        by: Who asks, for the promotion log.
        seed: Of the paired bootstrap.
        request: An id of the caller's own. The same one again moves nothing and is told what came of the first time, as
            is a run that is retried.
    """
    loop, asked = open_loop(), Asked(gauntlet, by or "a person", request or run_id())
    with holding_aliases(loop, gauntlet) as hold:
        answer = _roll_back(loop, hold, asked, reason) if rollback else _decide(loop, hold, asked, seed)
    name_run(f"promote · {gauntlet} · {answer['verdict']}", gauntlet)
    return answer


@dataclass(frozen=True)
class Asked:
    """For which gauntlet, by whom, and under which id of the request."""

    gauntlet: str
    by: str
    request: str


def _move_back(loop: Loop, hold: Hold, asked: Asked, reason: str) -> Entry:
    """The alias goes back; the log's entry, whose `to` is champion again."""
    open_log(loop.engine)
    key, names = signing_key(loop.key_file).public_key(), named(asked.gauntlet).registered
    with servers(loop.connection):
        return roll_back(
            loop.engine,
            asked.gauntlet,
            names,
            asked.by,
            reason or "by hand",
            key=key,
            request=asked.request,
            check=hold.check,
        )


def _find_challenger(loop: Loop, gauntlet: str) -> tuple[Holder, LoadedModel] | None:
    """Who holds the alias, verified and loaded."""
    with servers(loop.connection):
        held = standing(named(gauntlet).registered).challenger
        return (held, examine(held, signing_key(loop.key_file).public_key())) if held else None


move_back = step(_move_back, "roll back", calls_server=True)
find_challenger = step(_find_challenger, "challenger", calls_server=True)


def _roll_back(loop: Loop, hold: Hold, asked: Asked, reason: str) -> dict[str, Any]:
    entry = move_back(loop, hold, asked, reason)
    gauntlet, champion = asked.gauntlet, label(entry.line.to)
    if entry.line.verdict != ROLLBACK:
        raise BadInput(
            None,
            f"the request {asked.request!r} was no rollback",
            saw=entry.line.verdict,
            do="give it an id of its own",
        )
    say(f"{gauntlet}: rolled back, {champion} is champion again")
    text = f"# {gauntlet}: rolled back\n\n{champion} is champion again. {reason}\n\nEntry {entry.id} of the promotion log, by {asked.by}."
    create_markdown_artifact(text, key=f"{gauntlet}-promotion", description="Rolled back, and why")
    loop.tell("promoted", f"{gauntlet}:{entry.id}", f"{gauntlet}: rolled back, {champion} is champion again.")
    return {"verdict": "rolled back", "champion": champion, "reasons": [reason or "by hand"]}


def _decide(loop: Loop, hold: Hold, asked: Asked, seed: int) -> dict[str, Any]:
    gauntlet = asked.gauntlet
    limits = read_policy(RetrainPolicy)  # before anything is moved
    ended, first = recover_aliases(loop, gauntlet, hold.check, asked.request)
    if first is not None:
        return _answer(first)
    champion = find_champion(in_loop(gauntlet), loop.connection, loop.key_file)
    found = find_challenger(loop, gauntlet)
    if found is None and ended:
        return {"verdict": "promote", "champion": champion.label, "reasons": ["a promotion that was cut off is done"]}
    if found is None:
        raise NotPromotable(f"{gauntlet} has no challenger. Run `gauntlet retrain {gauntlet}` first.")
    held, loaded = found
    judged = compare(champion, loaded.model, training.of_versions(champion, loaded), seed)
    entry = promote_challenger(
        loop,
        gauntlet,
        held,
        judged,
        limits.managed.get(gauntlet, limits.promotion),
        verdict=json.loads(loaded.files.get("retraining.json", b"{}")).get("verdict", "requested"),
        by=asked.by,
        check=hold.check,
        request=asked.request,
    )
    return _answer(entry)


def _answer(entry: Entry) -> dict[str, Any]:
    """What the flow hands back of a decision, now or when the same request comes again."""
    line, moved = entry.line, entry.event == "done"
    if line.verdict == ROLLBACK:
        raise BadInput(None, f"the request {line.request!r} was a rollback", do="give it an id of its own")
    return {
        "verdict": line.verdict if moved or line.verdict != "promote" else f"promote ({line.mode})",
        "champion": label(line.to if moved else line.champion),
        "reasons": reasons_of(entry),
    }
