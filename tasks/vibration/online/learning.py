"""Which scored rows a monitor may learn from, since when, and which of them are set apart to judge it by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from gauntlet.tasks.drift.learnable import FailureSpan, learnable_rows
from gauntlet.tasks.drift.triage import AlarmSpan, Maintenance
from gauntlet.tasks.loop.champion import Champion
from gauntlet.tasks.loop.maintenance import Event
from gauntlet.tasks.models.machine_health import MACHINE
from gauntlet.tasks.vibration.online.monitor import TIME, Monitor
from gauntlet.tasks.vibration.online.windows import stale_until, together

APART = 0.2  # the latest share of new rows, which no version learns


def clear_of_faults(
    rows: pd.DataFrame, spans: Sequence[AlarmSpan], monitor: Monitor, group: str, orders: Sequence[Event]
) -> pd.DataFrame:
    """Rows of a shaft apart from alarms of any of its bearings and from failures that are known; oldest first.

    A failing bearing is heard in all of them. Of a machine that was mended, rows since the newest work order only.

    Args:
        spans: every alarm, also those that a work order has ended since: what was mended was a fault before.
    """
    rows, newest = rows.sort_values(TIME, kind="stable"), monitor.newest(orders)
    heard, known = _of_faults(spans, monitor, newest), failures(monitor, group)
    parts = []
    for machine, own in rows.groupby(MACHINE, sort=False):
        order = newest.get(str(machine))
        mended = Maintenance(order.at_s, order.words) if order is not None else None
        parts.append(own[learnable_rows(own[TIME].to_numpy(np.float64), heard, known, maintenance=mended).rows])
    return pd.concat(parts).sort_values(TIME, kind="stable") if parts else rows


def _of_faults(spans: Sequence[AlarmSpan], monitor: Monitor, newest: Mapping[str, Event]) -> list[AlarmSpan]:
    """The alarms behind which a fault may be: none of a baseline that a work order has outdated, none of all bearings."""
    found = []
    for span in spans:
        order = newest.get(span.machine)
        if together(span, spans, monitor):
            continue
        if (
            order is not None
            and span.raised_s > order.at_s
            and span.raised_s <= stale_until(monitor, span.machine, order)
        ):
            continue
        if order is not None and span.raised_s <= order.at_s:
            span = replace(span, cleared_s=min(order.at_s, np.inf if span.cleared_s is None else span.cleared_s))
        found.append(span)
    return found


def failures(monitor: Monitor, group: str) -> list[FailureSpan]:
    """The past failures of a shaft on the clock of its rows, from the published onset to the end."""
    spans = []
    for life in monitor.lives:
        if life.run == group and life.fails and life.start is not None and life.onset is not None:
            start = life.start.timestamp()
            spans.append(FailureSpan(start + float(life.seconds[life.onset]), start + float(life.seconds[-1])))
    return spans


def set_apart(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows to fit on and, of every machine the latest fifth, rows to judge by."""
    rank = rows.groupby(MACHINE)[TIME].rank(pct=True, method="first")
    held = (rank > 1 - APART).to_numpy()
    return rows[~held].reset_index(drop=True), rows[held].reset_index(drop=True)


def since_the_change(
    documents: Sequence[Mapping[str, Any]], champion: Champion, groups: Sequence[str]
) -> dict[str, float]:
    """By shaft whose newest verdict is an operating change: the first row of the unbroken line of drifted windows."""
    version = (champion.loaded.name, champion.loaded.version)
    found: dict[str, float] = {}
    for group in groups:
        own = [
            document
            for document in documents
            if (document["model"], document["version"]) == version and document.get("group") == group
        ]
        if not own or own[-1]["verdict"] != "operating_change":
            continue
        for one in reversed(own):
            if not one["drifted"]:
                break
            found[group] = min(found.get(group, np.inf), float(one["from_s"]))
    return found
