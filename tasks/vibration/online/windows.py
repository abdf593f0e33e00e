"""The newest scored snapshots of each shaft beside the healthy rows of its bearings, with alarms and work orders known."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import pandas as pd

from gauntlet.blocks import DriftPolicy
from gauntlet.tasks.drift.triage import AlarmSpan, Maintenance
from gauntlet.tasks.loop.alarm_states import current
from gauntlet.tasks.loop.champion import Champion
from gauntlet.tasks.loop.contract import Known, Manifest, Window
from gauntlet.tasks.loop.maintenance import Event as WorkOrder
from gauntlet.tasks.loop.maintenance import events
from gauntlet.tasks.loop.portions import ALARM, SCORE, manifests, unaltered
from gauntlet.tasks.models.machine_health import MACHINE
from gauntlet.tasks.runtime.connection import Connection
from gauntlet.tasks.runtime.tracking import servers
from gauntlet.tasks.vibration.evaluate import RULE
from gauntlet.tasks.vibration.online.monitor import DAY_S, TIME, Monitor, monitor_of
from gauntlet.tasks.vibration.online.scoring import spans_of

ALL_OF = 3  # bearings at least: two may fail together
BESIDE = "relative_level"  # says of the others what their own levels say better


def windows(champion: Champion, policy: DriftPolicy, connection: Connection) -> list[Window]:
    """One per shaft: its newest snapshots, `policy.window_snapshots` of them or as many as there are."""
    with servers(connection):
        scored = [
            manifest
            for manifest in manifests(connection, champion.gauntlet)
            if manifest.rows and manifest.last_s is not None
        ]
        orders = events(connection, champion.gauntlet)
    groups: dict[str, list[Manifest]] = defaultdict(list)
    for one in sorted(scored, key=lambda one: (one.last_s or 0.0, one.sha256)):
        groups[one.group].append(one)
    found = []
    for group, taken in groups.items():
        if set(monitor_of(champion).on_shaft(group)):
            found += _window(champion, group, taken, orders, policy.window_snapshots, connection)
    return found


def _window(
    champion: Champion,
    group: str,
    scored: Sequence[Manifest],
    orders: Sequence[WorkOrder],
    count: int,
    connection: Connection,
) -> list[Window]:
    """None where not a row can be relied on."""
    monitor = monitor_of(champion)
    machines = monitor.on_shaft(group)
    with servers(connection):
        taken, rows = _newest(scored, count, connection)
        spans = spans_of(current(champion, connection, group))
    if not taken:
        return []
    window = side_by_side(rows, champion)
    seconds = window.pop(TIME).to_numpy(np.float64)
    regime = champion.loaded.model.regime_of(rows.drop(columns=[TIME, SCORE, ALARM]))
    reference = healthy_side_by_side(champion, machines, int(np.bincount(regime).argmax()))
    names = [str(name) for name in reference if name in window]
    reference = reference[names]
    pending = {machine: order for machine, order in monitor.pending(orders).items() if machine in machines}
    known = Known(
        seconds=seconds,
        interval_s=monitor.machines[machines[0]].interval_s,
        alarms=telling(spans, monitor, orders),
        maintenance=_newest_order(pending),
        neighbours=_neighbours(names),
    )
    parts = [champion.label, group, str(count), *(manifest.sha256 for manifest in taken), *map(str, known.alarms)]
    key = hashlib.sha256("|".join(parts).encode()).hexdigest()
    return [Window(champion.gauntlet, champion, tuple(taken), reference, window, tuple(names), key, group, known)]


def _newest(scored: Sequence[Manifest], count: int, connection: Connection) -> tuple[list[Manifest], pd.DataFrame]:
    """The newest files that hold so many snapshots, oldest first, and their rows."""
    taken: list[Manifest] = []
    parts: list[pd.DataFrame] = []
    times: set[float] = set()
    for one in reversed(scored):
        for _, rows in unaltered(connection, [one]):
            taken.insert(0, one)
            parts.insert(0, rows)
        if not parts:
            continue
        times |= set(parts[0][TIME].tolist())
        if len(times) >= count:
            break
    if not parts:
        return [], pd.DataFrame()
    rows = pd.concat(parts, ignore_index=True)
    first = sorted(times)[-count:][0]
    return taken, rows[rows[TIME] >= first].drop_duplicates([MACHINE, TIME], keep="last").reset_index(drop=True)


def side_by_side(rows: pd.DataFrame, champion: Champion) -> pd.DataFrame:
    """A row per snapshot: its time, and every feature of every bearing as "FEATURE CHANNEL @ MACHINE"."""
    parts: dict[str, pd.Series] = {}
    for machine, own in rows.groupby(MACHINE, sort=False):
        own = own.drop_duplicates(TIME, keep="last").set_index(TIME)
        parts |= {f"{name} @ {machine}": own[name] for name in _features(champion, str(machine)) if name in own}
    return pd.DataFrame(parts).sort_index().rename_axis(TIME).reset_index()


def healthy_side_by_side(champion: Champion, machines: Sequence[str], regime: int = 0) -> pd.DataFrame:
    """The healthy rows of all bearings of a shaft, the last ones beside each other; a newer baseline has fewer of them."""
    monitor = monitor_of(champion)
    parts: dict[str, pd.Series] = {}
    longest = max(len(monitor.healthy(machine, regime)) for machine in machines)
    for machine in machines:
        own = monitor.healthy(machine, regime).reset_index(drop=True)
        own.index += longest - len(own)
        parts |= {f"{name} @ {machine}": own[name] for name in _features(champion, machine)}
    return pd.DataFrame(parts, index=range(longest))


def _features(champion: Champion, machine: str) -> list[str]:
    return [name for name in champion.loaded.model.columns_[machine] if not name.startswith(BESIDE)]


def _neighbours(names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The same feature of all bearings of the shaft: a change of operation moves them together."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name in names:
        groups[name.partition(" @ ")[0]].append(name)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


def telling(spans: Sequence[AlarmSpan], monitor: Monitor, orders: Sequence[WorkOrder]) -> tuple[AlarmSpan, ...]:
    """The alarms that still say something of the machine as it is now.

    Not those that a work order mended, nor those of the baseline of before it: until the new one was learnt, or for a
    day while it is not. Nor those of the neighbours that came with a mended one and cleared after it was mended. Nor
    those that all bearings of a shaft raised together: a fault starts on one, a change of load or speed on all.
    """
    newest = monitor.newest(orders)
    over = {machine: max(order.at_s, stale_until(monitor, machine, order)) for machine, order in newest.items()}
    told = []
    for span in spans:
        if span.machine in over and span.raised_s <= over[span.machine]:
            continue
        if any(_came_with(span, one, newest) for one in spans if one.machine in newest):
            continue
        if together(span, spans, monitor):
            continue
        told.append(span)
    return tuple(told)


def stale_until(monitor: Monitor, machine: str, order: WorkOrder) -> float:
    """Until when alarms after a work order are those of the baseline of before it."""
    learnt = monitor.baselines.get(machine)
    return learnt.until_s if learnt is not None and learnt.event_s >= order.at_s else order.at_s + DAY_S


def together(span: AlarmSpan, spans: Sequence[AlarmSpan], monitor: Monitor) -> bool:
    """Whether every bearing of a shaft of three or more raised an alarm within the time that one takes to be certain."""
    shaft = monitor.on_shaft(monitor.group_of(span.machine))
    within = RULE.sustained * monitor.machines[span.machine].interval_s
    near = {one.machine for one in spans if abs(one.onset_s - span.onset_s) <= within}
    return len(shaft) >= ALL_OF and near >= set(shaft)


def _came_with(span: AlarmSpan, mended: AlarmSpan, newest: dict[str, WorkOrder]) -> bool:
    at_s = newest[mended.machine].at_s
    heard = span.machine != mended.machine and mended.raised_s <= span.raised_s <= at_s
    return heard and span.cleared_s is not None and mended.cleared_s is not None and mended.cleared_s <= at_s


def _newest_order(pending: dict[str, WorkOrder]) -> Maintenance | None:
    if not pending:
        return None
    machine = max(pending, key=lambda name: pending[name].at_s)
    return Maintenance(pending[machine].at_s, pending[machine].words, machine)
