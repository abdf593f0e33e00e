"""Retrain one gauntlet's champion, if the policy lets it, and let the challenger prove itself.

policy ─> claim (one at a time, cooldown) ─> recover (what was cut off before) ─> champion ─> gather ─> train ─> compare ─> register ─> promote ─> event, alert
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.events import emit_event
from prefect.states import State

from gauntlet.blocks import RetrainPolicy
from gauntlet.datasets.address import masked
from gauntlet.datasets.errors import BadInput
from gauntlet.flows._loop import Loop, loop_run_name, name_run, open_loop, read_policy, refused, send_events
from gauntlet.flows._promotion import holding_aliases, label, promote_challenger, recover_aliases
from gauntlet.tasks.claims import AHEAD, Hold, Refusal, database_time, first_seen, holding, refuse
from gauntlet.tasks.gauntlets import in_loop
from gauntlet.tasks.loop import challenger
from gauntlet.tasks.loop.champion import Champion, champion_of
from gauntlet.tasks.loop.contract import Contest, NotYet
from gauntlet.tasks.loop.maintenance import event_of, keep
from gauntlet.tasks.promotion.log import Entry, answered, open_log
from gauntlet.tasks.promotion.smoke import examine
from gauntlet.tasks.registry.aliases import CHALLENGER, Holder, give
from gauntlet.tasks.registry.keys import signing_key
from gauntlet.tasks.registry.load import LoadedModel
from gauntlet.tasks.registry.register import register
from gauntlet.tasks.registry.submission import Submission
from gauntlet.tasks.result import Registered
from gauntlet.tasks.runtime.steps import run_id, say, step
from gauntlet.tasks.runtime.tracking import experiment, servers, tracked

MAY_RETRAIN = ("operating_change", "maintenance", "requested")
CLAIM = timedelta(minutes=2)  # without a heartbeat; a worker that is killed holds the claim no longer than that
PATIENCE = timedelta(minutes=3)  # with somebody who moves the aliases by hand, or who was killed doing so

find_champion = step(champion_of, "champion", calls_server=True)
keep_order = step(keep, "work order", calls_server=True)
gather = step(challenger.gather, "gather", calls_server=True)
train = step(challenger.train, "train")
compare = step(challenger.contest, "compare")


def _register(
    loop: Loop, entry: Submission, gauntlet: str, new_rows: int, request: str, check: Callable[[], None]
) -> Registered:
    """The challenger's version, registered once, with its alias; `check` raises when the right to was lost."""
    check()
    challenger.remember(loop.engine, gauntlet, request, entry, new_rows)
    with servers(loop.connection):
        place = experiment("Retraining", loop.connection, "Challengers, trained on rows that were scored since.")
        with tracked(
            loop.connection, place, f"retrain {gauntlet}", {"gauntlet": gauntlet, "prefect_flow_run": run_id()}
        ) as run:
            version = register(entry, run, loop.connection, loop.key_file)
        check()
        give(version.name, version.version, CHALLENGER)
    return version


def _take_up(loop: Loop, work: Mapping[str, Any], check: Callable[[], None]) -> tuple[Registered, LoadedModel] | None:
    """The version of a work that was cut off, with the alias, loaded; None where it was cut off before its registration."""
    with servers(loop.connection):
        keys = signing_key(loop.key_file)
        version = challenger.registered_as(work, keys)
        if version is None:
            return None
        check()
        give(version.name, version.version, CHALLENGER)
        say(f"{version.name} v{version.version} was registered by this request before: it is not trained again")
        return version, examine(Holder(version.name, version.version), keys.public_key())


register_challenger = step(_register, "register", calls_server=True)
take_up = step(_take_up, "take up", calls_server=True)


@flow(name="retrain", description=__doc__, flow_run_name=loop_run_name)
def retrain(
    gauntlet: str = "ai4i",
    reason: str = "",
    verdict: str = "requested",
    requested_by: str = "",
    machine: str = "",
    work_order: str = "",
    action: str = "",
    closed: datetime | None = None,
    unit: str = "",
    part: str = "",
    note: str = "",
    seed: int = 7,
    request: str = "",
) -> dict[str, Any] | State[Any]:
    """Train a challenger on rows that were scored since, judge it on the frozen evaluation set, and promote it if it is better.

    Args:
        gauntlet: Whose champion is retrained.
        reason: Why, in words; it stands in the run, in the version and in the promotion log.
        verdict: What the drift check found; only an operating change, a maintenance event or a person's request retrains.
        requested_by: Who asks.
        machine: Of a maintenance event: which machine.
        work_order: Its number in the maintenance system.
        action: repaired, part_replaced, adjusted or inspected.
        closed: When the machine was back in service.
        unit: Which part of the machine.
        part: The new part's number.
        note: Anything else.
        seed: The same seed and rows give the same version.
        request: An id of the caller's own. The same one again moves nothing and is told what came of the first time, as
            is a run that is retried.
    """
    loop, request = open_loop(), request or run_id() or f"call {uuid.uuid4()}"
    if machine and closed is None:  # the work order of a request that comes twice is one
        closed = first_seen(loop.engine, "work order", request)
    event = {
        "machine": machine,
        "work_order": work_order,
        "action": action,
        "closed": closed,
        "unit": unit,
        "part": part,
    }
    known = {name: value for name, value in event.items() if value}
    if known and verdict == "requested":
        verdict = "maintenance"
    why = {
        "reason": reason or (f"{action or 'maintenance'} of {machine}" if machine else "requested"),
        "verdict": verdict,
        "requested_by": requested_by,
        "note": note,
        **known,
    }
    if verdict == "maintenance" and (order := event_of(why)) is not None:
        now = database_time(loop.engine)
        if order.at_s > (now + AHEAD).timestamp():
            raise BadInput(
                None,
                f"the work order {order.words} is closed in the future",
                saw=f"{closed}",
                expected=f"at most ten minutes later than {now:%Y-%m-%d %H:%M} UTC",
                do="set the clock of the system that sent it, and send it again",
            )
        keep_order(loop.connection, gauntlet, order)  # also where nothing is retrained now: later drift checks know it
    open_log(loop.engine)
    if (first := answered(loop.engine, gauntlet, request)) is not None:
        return _ended(loop, gauntlet, first, why)
    limits = read_policy(RetrainPolicy)
    if (said := _forbidden(limits, gauntlet, verdict)) is not None:
        refuse(loop.engine, f"retrain:{gauntlet}", run_id() or "a call", said[0], said[1])
        return _refused(loop, gauntlet, said[1])
    hours, minutes = timedelta(hours=limits.cooldown_h), timedelta(minutes=limits.timeout_min)
    try:
        with holding(
            loop.engine, f"retrain:{gauntlet}", run_id() or request, CLAIM, cooldown=hours, alone=True, longest=minutes
        ) as hold:
            if isinstance(hold, Refusal):
                return _refused(loop, gauntlet, str(hold))
            return _retrain(loop, hold, limits, gauntlet, why, seed, request)
    except NotYet as error:  # the claim is given back without a cooldown: the next drift check may ask again
        return _refused(loop, gauntlet, str(error))
    except Exception as error:
        cause = masked(str(error))
        _tell(loop, "failed", gauntlet, {"error": cause, **why}, f"{gauntlet}: retraining failed. {cause}", request)
        raise


def _forbidden(limits: RetrainPolicy, gauntlet: str, verdict: str) -> tuple[str, str] | None:
    """Why the policy forbids it: a word for the log and a sentence."""
    if not limits.enabled:
        return "disabled", "retraining is switched off in the retrain policy"
    if limits.gauntlets and gauntlet not in limits.gauntlets:
        return "not chosen", f"the retrain policy names {', '.join(limits.gauntlets)}, not {gauntlet}"
    if verdict not in MAY_RETRAIN:
        return "verdict", f"a {verdict.replace('_', ' ')} is no reason to retrain"
    return None


def _refused(loop: Loop, gauntlet: str, said: str) -> State[Any]:
    say(f"{gauntlet} is not retrained: {said}")
    create_markdown_artifact(
        f"# {gauntlet}: not retrained\n\n{said}", key=f"{gauntlet}-retraining", description="Refused, and why"
    )
    name_run(f"retrain · {gauntlet} · refused", gauntlet, "refused")
    loop.tell("refused", run_id() or said, f"{gauntlet} is not retrained: {said}")
    return refused({"gauntlet": gauntlet, "state": "refused", "why": said})


def _retrain(
    loop: Loop, hold: Hold, limits: RetrainPolicy, gauntlet: str, why: Mapping[str, Any], seed: int, request: str
) -> dict[str, Any]:
    with holding_aliases(loop, gauntlet, PATIENCE) as aliases:
        _, first = recover_aliases(loop, gauntlet, aliases.check, request)
    if first is not None:
        return _ended(loop, gauntlet, first, why)
    champion = find_champion(in_loop(gauntlet), loop.connection, loop.key_file)
    version, new_rows, judged = _challenge(loop, hold, limits, champion, why, seed, request)
    mode = limits.managed.get(gauntlet, limits.promotion)
    with holding_aliases(loop, gauntlet, PATIENCE) as aliases:

        def check() -> None:
            hold.check()
            aliases.check()

        row = promote_challenger(
            loop,
            gauntlet,
            Holder(version.name, version.version),
            judged,
            mode,
            verdict=str(why["verdict"]),
            by=str(why.get("requested_by") or "retrain"),
            check=check,
            request=request,
            facts={"retrained from": champion.label, "new rows": new_rows},
        )
    return _ended(loop, gauntlet, row, why)


def _challenge(
    loop: Loop,
    hold: Hold,
    limits: RetrainPolicy,
    champion: Champion,
    why: Mapping[str, Any],
    seed: int,
    request: str,
) -> tuple[Registered, int, Contest]:
    """The challenger's version, its new rows and how it did beside the champion: trained now, or by this request before."""
    gauntlet = champion.gauntlet
    work = challenger.remembered(loop.engine, gauntlet, request)
    before = take_up(loop, work, hold.check) if work is not None else None
    if work is not None and before is not None:
        version, loaded = before
        judged = compare(champion, loaded.model, challenger.of_versions(champion, loaded), seed)
        return version, int(work["new_rows"]), judged
    training_data = gather(champion, limits.lookback_days, loop.connection, why)
    pipeline = train(champion, training_data)
    judged = compare(champion, pipeline, training_data, seed)
    entry = challenger.entry(champion, pipeline, training_data, judged.metrics, why, seed)
    version = register_challenger(loop, entry, gauntlet, training_data.new_rows, request, hold.check)
    return version, training_data.new_rows, judged


def _ended(loop: Loop, gauntlet: str, row: Entry, why: Mapping[str, Any]) -> dict[str, Any]:
    """What the promotion log says of a retraining that was brought to its end, told once."""
    made, rows = label(row.line.to), row.line.evidence.get("new rows", 0)
    result = {
        "gauntlet": gauntlet,
        "state": "completed",
        "champion": row.line.evidence.get("retrained from", label(row.line.champion)),
        "challenger": made,
        "new_rows": rows,
        "decision": row.line.verdict,
        **why,
    }
    name_run(f"retrain · {gauntlet} · {row.line.verdict}", gauntlet, row.line.verdict)
    _tell(loop, "completed", gauntlet, result, f"{gauntlet}: {made} retrained on {rows:,} new rows.", row.line.request)
    return result


def _tell(loop: Loop, state: str, gauntlet: str, payload: Mapping[str, Any], text: str, request: str) -> None:
    emit_event(
        event=f"gauntlet.retraining.{state}",
        id=uuid.uuid5(uuid.NAMESPACE_URL, f"gauntlet:retrain:{gauntlet}:{request}:{state}"),
        resource={"prefect.resource.id": f"gauntlet.model.{gauntlet}", "gauntlet.retraining": state},
        payload={name: str(value) for name, value in payload.items()},
    )
    send_events()
    loop.tell("retrained" if state == "completed" else "failed", f"{request}:{state}", text)
