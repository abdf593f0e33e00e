"""Work orders that were closed, kept in S3 so that every later drift check, scoring and retraining knows them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from gauntlet.tasks.loop.store import dated, put_document
from gauntlet.tasks.runtime.connection import Connection
from gauntlet.tasks.runtime.tracking import servers

LOOKED_AT_ONLY = "inspected"  # nothing of the machine changed: its baseline stands


@dataclass(frozen=True)
class Event:
    """A work order: on which machine or unit of it, when the machine was back in service [s since 1970], what was done."""

    machine: str
    unit: str
    at_s: float
    action: str
    work_order: str

    @property
    def words(self) -> str:
        """For the evidence."""
        order = f", work order {self.work_order}" if self.work_order else ""
        place = f"{self.machine} {self.unit}".strip()
        return f"{place} {self.action.replace('_', ' ') or 'maintained'}{order}"


def event_of(why: Mapping[str, Any]) -> Event | None:
    """The work order behind a retraining, None where none is; without a date it was closed now."""
    if not why.get("machine"):
        return None
    closed = why.get("closed") or datetime.now(UTC)
    closed = datetime.fromisoformat(closed) if isinstance(closed, str) else closed
    closed = closed if closed.tzinfo else closed.replace(tzinfo=UTC)
    text = {name: str(why.get(name) or "") for name in ("machine", "unit", "action", "work_order")}
    return Event(at_s=closed.timestamp(), **text)


def keep(connection: Connection, gauntlet: str, event: Event) -> None:
    """The event in S3; the same one again changes nothing."""
    text = json.dumps(asdict(event), sort_keys=True)
    key = f"maintenance/{gauntlet}/{event.at_s:016.3f}-{hashlib.sha256(text.encode()).hexdigest()[:12]}.json"
    with servers(connection):
        put_document(connection, key, asdict(event))


def events(connection: Connection, gauntlet: str) -> tuple[Event, ...]:
    """All that is known, oldest first; without inspections, which change nothing, and what a wrong clock dated ahead."""
    known = [(latest, Event(**one)) for latest, one in dated(connection, f"maintenance/{gauntlet}/")]
    found = [one for latest, one in known if one.at_s <= latest.timestamp() and one.action != LOOKED_AT_ONLY]
    return tuple(sorted(found, key=lambda one: one.at_s))
