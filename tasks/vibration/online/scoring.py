"""Score a file of snapshots: health index per row, and alarms as events with hysteresis, gone on with from file to file.

A memory is what the rule goes on from: by machine, where it stands, the time of its last row and every alarm so far. It
is kept per file under the time of its last row, so that a file scored again, after a cut, starts from the same one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from gauntlet.tasks.alarms.state import AlarmState, Event, advance, started
from gauntlet.tasks.drift.triage import AlarmSpan
from gauntlet.tasks.loop.champion import Champion
from gauntlet.tasks.loop.contract import Batch, Scored
from gauntlet.tasks.loop.maintenance import Event as WorkOrder
from gauntlet.tasks.loop.maintenance import events
from gauntlet.tasks.loop.store import memory_before
from gauntlet.tasks.models.machine_health import MACHINE
from gauntlet.tasks.runtime.connection import Connection
from gauntlet.tasks.runtime.tracking import servers
from gauntlet.tasks.vibration.evaluate import RULE
from gauntlet.tasks.vibration.online.monitor import TIME, Monitor, limit_of, monitor_of

Memory = Mapping[str, Mapping[str, Any]]


def score(batch: Batch, champion: Champion, connection: Connection) -> Scored:
    """The index of every running row and whether its machine's alarm stood after it."""
    rows = batch.rows
    if not len(rows):
        return Scored(rows, np.empty(0), np.empty(0, bool))
    seconds = rows[TIME].to_numpy(np.float64)
    span = float(seconds.min()), float(seconds.max())
    with servers(connection):
        before = memory_before(connection, champion.gauntlet, batch.group, span[0]) or {}
        orders = events(connection, champion.gauntlet)
    index = np.asarray(champion.loaded.model.decision_function(rows.drop(columns=TIME)), np.float64)
    alarm, memory = continued(champion, rows[MACHINE].to_numpy(), seconds, index, before, orders)
    return Scored(rows, index, alarm, span, memory)


def continued(
    champion: Champion,
    machines: np.ndarray,
    seconds: np.ndarray,
    index: np.ndarray,
    before: Memory,
    orders: Sequence[WorkOrder] = (),
) -> tuple[np.ndarray, dict[str, Any]]:
    """Whether the alarm stood after each row (rows,) bool, and the memory after these rows.

    A work order ends the alarm that it mended, and so does the baseline that was learnt after it: from then on the rule
    starts anew.
    """
    monitor, alarm, memory = monitor_of(champion), np.zeros(len(index), bool), dict(before)
    newest = monitor.newest(orders)
    for machine in dict.fromkeys(machines.tolist()):
        here = np.flatnonzero(machines == machine)
        healthy = champion.loaded.model.decision_function(_fitted(monitor, machine))
        limit, fresh = limit_of(champion, machine, healthy), started(healthy, RULE)
        state, last, spans = _recalled(memory.get(machine), fresh)
        for cut in _cuts(monitor, machine, newest.get(machine)):
            if cut <= last:
                state, spans = _ended(state, spans, cut, fresh)
        for part in _parts(seconds[here], [newest[machine].at_s] if machine in newest else [], last):
            if part.start_over is not None:
                state, spans = _ended(state, spans, part.start_over, fresh)
            place = here[part.rows]
            state, alarm[place], cleared = advance(state, index[place], seconds[place], RULE, limit)
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


def _cuts(monitor: Monitor, machine: str, order: WorkOrder | None) -> list[float]:
    """Times at which what stood before is over: the work order, and the end of the rows that its baseline was learnt from."""
    cuts = [order.at_s] if order is not None else []
    return [*cuts, monitor.baselines[machine].until_s] if machine in monitor.baselines else cuts


def _ended(state: AlarmState, spans: list[Event], cut: float, fresh: AlarmState) -> tuple[AlarmState, list[Event]]:
    """The alarm that was raised before the cut is over with it; one that was raised later stands."""
    if state.standing is None or state.standing.raised_s > cut:
        return state, spans
    return fresh, [*spans, replace(state.standing, cleared_s=cut)]


@dataclass(frozen=True, eq=False)
class _Part:
    """Rows that the rule goes through in one piece. `start_over`: time of the work order before them."""

    rows: np.ndarray
    start_over: float | None


def _parts(seconds: np.ndarray, cuts: Sequence[float], last: float) -> list[_Part]:
    inside = [cut for cut in cuts if last < cut <= seconds[-1]]
    if not inside:
        return [_Part(np.arange(len(seconds)), None)]
    cut = inside[0]
    before, after = np.flatnonzero(seconds < cut), np.flatnonzero(seconds >= cut)
    return [_Part(before, None), _Part(after, cut)]
