"""From a contest to an alias: decided, carried out, recorded, and told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from prefect.artifacts import create_markdown_artifact

from gauntlet.blocks.policy import Promotion
from gauntlet.datasets.errors import GauntletError, NotPromotable
from gauntlet.flows._loop import Loop
from gauntlet.tasks.claims import Hold, Refusal, holding
from gauntlet.tasks.gauntlets import named
from gauntlet.tasks.loop.contract import Contest
from gauntlet.tasks.promotion.carry_out import carry_out, recover
from gauntlet.tasks.promotion.decide import Occasion, decide
from gauntlet.tasks.promotion.log import Entry, answered, open_log, unfinished
from gauntlet.tasks.promotion.smoke import examine
from gauntlet.tasks.registry.aliases import Holder
from gauntlet.tasks.registry.keys import Verifier, signing_key
from gauntlet.tasks.runtime.steps import run_id, say, step
from gauntlet.tasks.runtime.tracking import servers

OCCASIONS: dict[str, Occasion] = {"operating_change": "operating change", "maintenance": "maintenance"}
CLAIM = timedelta(minutes=2)  # without a heartbeat; a promotion that is killed keeps others out no longer than that
POLL_S = 2.0


@contextmanager
def holding_aliases(loop: Loop, gauntlet: str, patience: timedelta = timedelta(0)) -> Iterator[Hold]:
    """The right to move a gauntlet's aliases: one at a time, be it by hand or after a retraining.

    Raises:
        GauntletError: another has it, and still has after `patience`.
    """
    until = time.monotonic() + patience.total_seconds()
    while True:
        with holding(loop.engine, f"promote:{gauntlet}", run_id() or "promote by hand", CLAIM) as hold:
            if not isinstance(hold, Refusal):
                yield hold
                return
        if time.monotonic() > until:
            raise GauntletError(str(hold))
        time.sleep(POLL_S)


def _recover(loop: Loop, gauntlet: str, check: Callable[[], None], request: str) -> tuple[list[Entry], Entry | None]:
    """End what a promotion that was cut off left, in the registry and in the log.

    The intentions that were carried out, and what came of this request where it was made before.
    """
    open_log(loop.engine)
    left = unfinished(loop.engine, gauntlet)
    with servers(loop.connection):
        now = recover(loop.engine, gauntlet, named(gauntlet).registered, check=check)
    for one in left:
        say(f"entry {one.id} of the promotion log was cut off: {now.champion} is champion")
    return [one for one in left if one.line.to == now.champion], answered(loop.engine, gauntlet, request)


recover_aliases = step(_recover, "recover", calls_server=True)


def promote_challenger(
    loop: Loop,
    gauntlet: str,
    challenger: Holder,
    contest: Contest,
    mode: Promotion,
    *,
    verdict: str,
    by: str,
    check: Callable[[], None],
    request: str,
    facts: Mapping[str, Any] | None = None,
    again: bool = False,
) -> Entry:
    """The decision's row of the log, after it was carried out where the mode lets it.

    Args:
        check: raises when the right to was lost.
        request: the id of what asks: asked again, nothing is moved again.
        facts: for the log, beside the decision's own evidence.
    """
    entry = move_aliases(
        loop,
        gauntlet,
        challenger,
        contest,
        mode,
        verdict=verdict,
        by=by,
        check=check,
        request=request,
        facts=facts or {},
        again=again,
    )
    tell(loop, gauntlet, entry)
    return entry


def _move(
    loop: Loop,
    gauntlet: str,
    challenger: Holder,
    contest: Contest,
    mode: Promotion,
    *,
    verdict: str,
    by: str,
    check: Callable[[], None],
    request: str,
    facts: Mapping[str, Any],
    again: bool,
) -> Entry:
    """Decide, carry out, record; safe to repeat when a server went away in the middle."""
    key = signing_key(loop.key_file).public_key()
    open_log(loop.engine)
    with servers(loop.connection):
        decision = decide(
            contest.frozen,
            contest.replays,
            _smoke(challenger, key),
            mode,
            occasion=OCCASIONS.get(verdict, "gain"),
            new_regime=contest.since,
        )
        names = named(gauntlet).registered
        decision = replace(decision, evidence={**decision.evidence, **facts})
        return carry_out(
            loop.engine,
            gauntlet,
            names,
            challenger,
            decision,
            by,
            key=key,
            again=again,
            request=request,
            check=check,
        )


move_aliases = step(_move, "promote", calls_server=True)


def _smoke(challenger: Holder, key: Verifier) -> bool:
    try:
        examine(challenger, key)
    except NotPromotable as error:
        say(str(error))
        return False
    return True


def tell(loop: Loop, gauntlet: str, entry: Entry) -> None:
    """Why, as an artifact of the flow run and, where the alias moved, to the alert channel."""
    moved, challenger, reasons = entry.event == "done", label(entry.line.to), reasons_of(entry)
    said = {
        "promote": "promoted" if moved else f"would be promoted ({entry.line.mode})",
        "keep": "not promoted",
        "refused": "refused",
    }
    line = f"{challenger}: {said[entry.line.verdict]}"
    listed = "\n".join(f"- {reason}" for reason in reasons)
    text = f"# {gauntlet}: {line}\n\n{listed}\n\nEntry {entry.id} of the promotion log."
    create_markdown_artifact(text, key=f"{gauntlet}-promotion", description="Decision on the challenger, and why")
    say(f"{gauntlet}: {line}; {'; '.join(reasons)}")
    if moved:
        loop.tell("promoted", f"{gauntlet}:{entry.id}", f"{gauntlet}: {challenger} is champion. {reasons[0]}")


def reasons_of(entry: Entry) -> list[str]:
    """Of a decision, one sentence each; of anything else what the log says."""
    return list(entry.line.evidence.get("reasons") or [entry.line.why])


def label(version: Holder | None) -> str:
    """Name and version, "none" where nobody holds the alias."""
    return f"{version.name} v{version.version}" if version else "none"
