"""Compare challenger and champion on the frozen evaluation set and move the alias; or give it back to the previous one.

champion, challenger (verified, loaded) ─> contest (frozen rows, rows since) ─> decide ─> carry out ─> log
"""

from __future__ import annotations

import json
from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact

from gauntlet.blocks import RetrainPolicy
from gauntlet.datasets.errors import NotPromotable
from gauntlet.flows._loop import Loop, loop_run_name, name_run, open_loop, read_policy
from gauntlet.flows._promotion import holding_aliases, promote_challenger, recover_aliases
from gauntlet.tasks.claims import Hold
from gauntlet.tasks.gauntlets import in_loop, named
from gauntlet.tasks.loop import challenger as training
from gauntlet.tasks.loop.champion import champion_of
from gauntlet.tasks.promotion.carry_out import roll_back
from gauntlet.tasks.promotion.log import Entry, open_log
from gauntlet.tasks.promotion.move import standing
from gauntlet.tasks.promotion.smoke import examine
from gauntlet.tasks.registry.aliases import Holder
from gauntlet.tasks.registry.keys import signing_key
from gauntlet.tasks.registry.load import LoadedModel
from gauntlet.tasks.runtime.steps import say, step
from gauntlet.tasks.runtime.tracking import servers

find_champion = step(champion_of, "champion", calls_server=True)
compare = step(training.contest, "compare")


@flow(name="promote", description=__doc__, flow_run_name=loop_run_name)
def promote(
    gauntlet: str = "ai4i", rollback: bool = False, reason: str = "", by: str = "", seed: int = 7
) -> dict[str, Any]:
    """Decide on the challenger, or roll the champion back.

    Args:
        gauntlet: Whose aliases.
        rollback: Give the alias back to the champion before.
        reason: Why, for the promotion log.
        by: Who asks, for the promotion log.
        seed: Of the paired bootstrap.
    """
    loop = open_loop()
    with holding_aliases(loop, gauntlet) as hold:
        who = by or "a person"
        told = _roll_back(loop, hold, gauntlet, who, reason) if rollback else _decide(loop, hold, gauntlet, who, seed)
    name_run(f"promote · {gauntlet} · {told['verdict']}", gauntlet)
    return told


def _move_back(loop: Loop, hold: Hold, gauntlet: str, by: str, reason: str) -> tuple[Entry, Holder | None]:
    """The alias goes back; the log's entry and who is champion now."""
    open_log(loop.engine)
    key, names = signing_key(loop.key_file).public_key(), named(gauntlet).registered
    with servers(loop.connection):
        entry = roll_back(loop.engine, gauntlet, names, by, reason or "by hand", key=key, check=hold.check)
        return entry, standing(names).champion


def _find_challenger(loop: Loop, gauntlet: str) -> tuple[Holder, LoadedModel] | None:
    """Who holds the alias, verified and loaded."""
    with servers(loop.connection):
        held = standing(named(gauntlet).registered).challenger
        return (held, examine(held, signing_key(loop.key_file).public_key())) if held else None


move_back = step(_move_back, "roll back", calls_server=True)
find_challenger = step(_find_challenger, "challenger", calls_server=True)


def _roll_back(loop: Loop, hold: Hold, gauntlet: str, by: str, reason: str) -> dict[str, Any]:
    entry, now = move_back(loop, hold, gauntlet, by, reason)
    champion = f"{now.name} v{now.version}" if now else "none"
    say(f"{gauntlet}: rolled back, {champion} is champion again")
    text = f"# {gauntlet}: rolled back\n\n{champion} is champion again. {reason}\n\nEntry {entry.id} of the promotion log, by {by}."
    create_markdown_artifact(text, key=f"{gauntlet}-promotion", description="Rolled back, and why")
    loop.tell("promoted", f"{gauntlet}:{entry.id}", f"{gauntlet}: rolled back, {champion} is champion again.")
    return {"verdict": "rolled back", "champion": champion, "reasons": [reason or "by hand"]}


def _decide(loop: Loop, hold: Hold, gauntlet: str, by: str, seed: int) -> dict[str, Any]:
    limits = read_policy(RetrainPolicy)  # before anything is moved
    ended = recover_aliases(loop, gauntlet, hold.check)
    champion = find_champion(in_loop(gauntlet), loop.connection, loop.key_file)
    found = find_challenger(loop, gauntlet)
    if found is None and ended:
        return {"verdict": "promote", "champion": champion.label, "reasons": ["a promotion that was cut off is done"]}
    if found is None:
        raise NotPromotable(f"{gauntlet} has no challenger. Run `gauntlet retrain {gauntlet}` first.")
    held, loaded = found
    judged = compare(champion, loaded.model, training.of_versions(champion, loaded), seed)
    mode = limits.managed.get(gauntlet, limits.promotion)
    trained_for = json.loads(loaded.files.get("retraining.json", b"{}")).get("verdict", "requested")
    decision = promote_challenger(loop, gauntlet, held, judged, mode, verdict=trained_for, by=by, check=hold.check)
    return {
        "verdict": decision.verdict if decision.act or decision.verdict != "promote" else f"promote ({decision.mode})",
        "champion": f"{held.name} v{held.version}" if decision.act else champion.label,
        "reasons": list(decision.reasons),
    }
