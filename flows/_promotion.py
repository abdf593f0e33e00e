"""From a contest to an alias: decided, carried out, recorded, and told."""

from __future__ import annotations

from typing import Any

from prefect.artifacts import create_markdown_artifact

from blocks.policy import Promotion
from datasets.errors import NotPromotable
from flows._loop import Loop
from tasks.claims import Hold
from tasks.loop.adapters import registered_names
from tasks.loop.evaluation import Contest
from tasks.promotion.carry_out import carry_out
from tasks.promotion.decide import Decision, Occasion, decide
from tasks.promotion.log import open_log
from tasks.promotion.smoke import examine
from tasks.registry.aliases import Holder
from tasks.registry.signing import signing_key
from tasks.steps import say
from tasks.tracking import servers

OCCASIONS: dict[str, Occasion] = {"operating_change": "operating change", "maintenance": "maintenance"}


def promote_challenger(
    loop: Loop,
    gauntlet: str,
    challenger: Holder,
    contest: Contest,
    mode: Promotion,
    *,
    verdict: str,
    by: str,
    hold: Hold | None = None,
    again: bool = False,
) -> Decision:
    """The decision, after it was carried out where the mode lets it."""
    key = signing_key(loop.key_file).public_key()
    open_log(loop.engine)
    with servers(loop.connection):
        decision = decide(
            contest.frozen, contest.replays, _smoke(challenger, key), mode,
            occasion=OCCASIONS.get(verdict, "gain"), new_regime=contest.since,
        )  # fmt: skip
        names = registered_names(gauntlet)
        check = {"check": hold.check} if hold is not None else {}
        entry = carry_out(loop.engine, gauntlet, names, challenger, decision, by, key=key, again=again, **check)
    tell(loop, gauntlet, decision, f"{challenger.name} v{challenger.version}", entry.id)
    return decision


def _smoke(challenger: Holder, key: Any) -> bool:
    try:
        examine(challenger, key)
    except NotPromotable as error:
        say(str(error))
        return False
    return True


def tell(loop: Loop, gauntlet: str, decision: Decision, challenger: str, entry: int) -> None:
    """Why, as an artifact of the flow run and, where the alias moved, to the alert channel."""
    said = {
        "promote": "promoted" if decision.act else f"would be promoted ({decision.mode})",
        "keep": "not promoted",
        "refused": "refused",
    }
    line = f"{challenger}: {said[decision.verdict]}"
    reasons = "\n".join(f"- {reason}" for reason in decision.reasons)
    text = f"# {gauntlet}: {line}\n\n{reasons}\n\nEntry {entry} of the promotion log."
    create_markdown_artifact(text, key=f"{gauntlet}-promotion", description="Decision on the challenger, and why")
    say(f"{gauntlet}: {line}; {'; '.join(decision.reasons)}")
    if decision.act:
        loop.tell("promoted", f"{gauntlet}:{entry}", f"{gauntlet}: {challenger} is champion. {decision.reasons[0]}")
