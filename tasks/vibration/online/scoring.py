"""Score snapshots: health index per row, and alarms as events with hysteresis, gone on with from file to file.

A memory is what the rule goes on from: by machine, where it stands, the time of its last row and every alarm so far.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np
import pandas as pd

from gauntlet.tasks.alarms.state import AlarmState, Event, advance, started
from gauntlet.tasks.drift.triage import AlarmSpan
from gauntlet.tasks.loop.champion import Champion
from gauntlet.tasks.loop.contract import Batch, Follower, Memory, Rule, Scored
from gauntlet.tasks.loop.maintenance import events
from gauntlet.tasks.runtime.connection import Connection
from gauntlet.tasks.runtime.tracking import servers
from gauntlet.tasks.vibration.evaluate import RULE
from gauntlet.tasks.vibration.online.monitor import TIME, Monitor, limit_of, monitor_of


def score(batch: Batch, champion: Champion) -> Scored:
    """The index of every running row; alarms follow from all rows in the order of time."""
    rows = batch.rows
    index = np.asarray(champion.loaded.model.decision_function(rows.drop(columns=TIME)), np.float64)
    return Scored(rows, index, np.zeros(len(rows), bool))


def follow(champion: Champion, connection: Connection) -> Follower:
    """The alarm rule at the champion's limits, started anew after each work order.

    A work order ends the alarm that it mended, and so does the baseline that was learnt after it.
    """
    monitor = monitor_of(champion)
    with servers(connection):
        orders = events(connection, champion.gauntlet)
    cuts: dict[str, list[float]] = {}
    for order in orders:
        for machine in monitor.named_by(order):
            cuts.setdefault(machine, []).append(order.at_s)
    rules = rules_of(champion)
    return Follower(rules, partial(continued, cuts=cuts, own=rules), spans_of)


@lru_cache(maxsize=4)
def rules_of(champion: Champion) -> dict[str, dict[str, float]]:
    """By machine: `limit` on the index, where it stands after the healthy beginning (`smooth`), and, of a baseline that was
    learnt anew, the time [s since 1970] until which (`until_s`)."""
    monitor, rules = monitor_of(champion), {}
    for machine in monitor.machines:
        healthy = champion.loaded.model.decision_function(_fitted(monitor, machine))
        rule = {"limit": limit_of(champion, machine, healthy), "smooth": started(healthy, RULE).smooth}
        if machine in monitor.baselines:
            rule["until_s"] = monitor.baselines[machine].until_s
        rules[machine] = rule
    return rules


def continued(
    before: Memory,
    machines: np.ndarray,
    seconds: np.ndarray,
    index: np.ndarray,
    rules: Mapping[str, Rule],
    cuts: Mapping[str, Sequence[float]],
    own: Mapping[str, Rule],
) -> tuple[np.ndarray, dict[str, Any]]:
    """Whether the alarm stood after each row (rows,) bool, and the memory after these rows, which are in the order of time.

    Args:
        cuts: when the work orders on a machine were closed [s since 1970]. `own`: rules where `rules` has none.
    """
    alarm, memory = np.zeros(len(index), bool), dict(before)
    for machine in dict.fromkeys(machines.tolist()):
        here = np.flatnonzero(machines == machine)
        rule, closed = rules.get(machine) or own[machine], sorted(cuts.get(machine, ()))
        fresh = AlarmState(rule["smooth"])
        state, last, spans = _recalled(memory.get(machine), fresh)
        for cut in [*closed, *([rule["until_s"]] if "until_s" in rule else [])]:
            if cut <= last:
                state, spans = _ended(state, spans, cut, fresh)
        for cut_before, places in _parts(seconds[here], closed, last):
            if cut_before is not None:
                state, spans = _ended(state, spans, cut_before, fresh)
            place = here[places]
            state, alarm[place], cleared = advance(state, index[place], seconds[place], RULE, rule["limit"])
            spans = [*spans, *cleared]
        memory[machine] = {
            "last_s": float(seconds[here].max()),
            "state": asdict(state),
            "alarms": [asdict(span) for span in spans],
        }
    return alarm, memory


def spans_of(memory: Memory) -> tuple[AlarmSpan, ...]:
    """Every alarm that a memory holds, by machine, those that stand last."""
    found = []
    for machine, one in memory.items():
        standing = one["state"]["standing"]
        for event in [*one["alarms"], *([standing] if standing else [])]:
            found.append(AlarmSpan(event["onset_s"], event["raised_s"], event["cleared_s"], machine))
    return tuple(found)


def _fitted(monitor: Monitor, machine: str) -> pd.DataFrame:
    return monitor.healthy(machine).drop(columns=[TIME, "regime"]).reset_index(drop=True)


def _recalled(one: Mapping[str, Any] | None, fresh: AlarmState) -> tuple[AlarmState, float, list[Event]]:
    if one is None:
        return fresh, -np.inf, []
    standing = one["state"]["standing"]
    state = AlarmState(**{**one["state"], "standing": Event(**standing) if standing else None})
    return state, float(one["last_s"]), [Event(**event) for event in one["alarms"]]


def _ended(state: AlarmState, spans: list[Event], cut: float, fresh: AlarmState) -> tuple[AlarmState, list[Event]]:
    """The alarm that was raised before the cut is over with it; one that was raised later stands."""
    if state.standing is None or state.standing.raised_s > cut:
        return state, spans
    return fresh, [*spans, replace(state.standing, cleared_s=cut)]


def _parts(seconds: np.ndarray, cuts: Sequence[float], last: float) -> list[tuple[float | None, np.ndarray]]:
    """(time of the work order before them, places) of rows that the rule goes through in one piece."""
    inside = [cut for cut in cuts if last < cut <= seconds[-1]]
    pieces = np.split(np.arange(len(seconds)), np.searchsorted(seconds, inside, side="left"))
    return list(zip([None, *inside], pieces, strict=True))
