"""Compare challenger and champion on the frozen evaluation set and move the alias; or give it back to the previous one.

champion, challenger (verified, loaded) ─> contest (frozen rows, rows since) ─> decide ─> carry out ─> log
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact

from blocks import RetrainPolicy
from datasets.errors import GauntletError, NotPromotable
from flows._loop import Loop, loop_run_name, name_run, open_loop
from flows._promotion import promote_challenger
from tasks.claims import Refusal, holding
from tasks.loop import challenger as training
from tasks.loop.adapters import adapter, registered_names
from tasks.loop.champion import champion_of
from tasks.loop.evaluation import contest
from tasks.loop.policy import policy
from tasks.promotion.carry_out import roll_back
from tasks.promotion.log import open_log
from tasks.promotion.move import standing
from tasks.promotion.smoke import examine
from tasks.registry.aliases import Holder
from tasks.registry.signing import signing_key
from tasks.steps import run_id, say, step
from tasks.tracking import servers

find_champion = step(champion_of, "champion", calls_server=True)
compare = step(contest, "compare")


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
    holder = run_id() or "promote by hand"
    with holding(loop.engine, f"promote:{gauntlet}", holder, timedelta(minutes=2)) as hold:
        if isinstance(hold, Refusal):
            raise GauntletError(str(hold))
        who = by or "a person"
        told = _roll_back(loop, gauntlet, who, reason) if rollback else _decide(loop, hold, gauntlet, who, seed)
    name_run(f"promote · {gauntlet} · {told['verdict']}", gauntlet)
    return told


def _roll_back(loop: Loop, gauntlet: str, by: str, reason: str) -> dict[str, Any]:
    open_log(loop.engine)
    key, names = signing_key(loop.key_file).public_key(), registered_names(gauntlet)
    with servers(loop.connection):
        entry = roll_back(loop.engine, gauntlet, names, by, reason or "by hand", key=key)
        now = standing(names).champion
    champion = f"{now.name} v{now.version}" if now else "none"
    say(f"{gauntlet}: rolled back, {champion} is champion again")
    text = f"# {gauntlet}: rolled back\n\n{champion} is champion again. {reason}\n\nEntry {entry.id} of the promotion log, by {by}."
    create_markdown_artifact(text, key=f"{gauntlet}-promotion", description="Rolled back, and why")
    loop.tell("promoted", f"{gauntlet}:{entry.id}", f"{gauntlet}: rolled back, {champion} is champion again.")
    return {"verdict": "rolled back", "champion": champion, "reasons": [reason or "by hand"]}


def _decide(loop: Loop, hold: Any, gauntlet: str, by: str, seed: int) -> dict[str, Any]:
    adapter(gauntlet)
    names = registered_names(gauntlet)
    champion = find_champion(gauntlet, loop.connection, loop.key_file)
    with servers(loop.connection):
        held = standing(names).challenger
        if held is None:
            raise NotPromotable(f"{gauntlet} has no challenger. Run `gauntlet retrain {gauntlet}` first.")
        loaded = examine(held, signing_key(loop.key_file).public_key())
    limits = policy(RetrainPolicy)
    judged = compare(champion, loaded.model, training.of_versions(champion, loaded), seed)
    mode = limits.managed.get(gauntlet, limits.promotion)
    trained_for = json.loads(loaded.files.get("retraining.json", b"{}")).get("verdict", "requested")
    decision = promote_challenger(loop, gauntlet, held, judged, mode, verdict=trained_for, by=by, hold=hold)
    with servers(loop.connection):
        now: Holder | None = standing(names).champion
    return {
        "verdict": decision.verdict if decision.act or decision.verdict != "promote" else f"promote ({decision.mode})",
        "champion": f"{now.name} v{now.version}" if now else "none",
        "reasons": list(decision.reasons),
    }
