"""Judge the newest window: faults of the feed and of sensors, drift against the reference, and what is to be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gauntlet.blocks import DriftPolicy
from gauntlet.tasks.drift.faults import data_faults
from gauntlet.tasks.drift.history import Persistence
from gauntlet.tasks.drift.report import Columns, DriftReport, compare
from gauntlet.tasks.drift.sensors import sensor_faults
from gauntlet.tasks.drift.triage import Evidence, Verdict, triage
from gauntlet.tasks.loop.champion import Champion
from gauntlet.tasks.loop.contract import Window
from gauntlet.tasks.runtime.connection import Connection

EVENT = "gauntlet.drift.detected"


def newest_windows(champion: Champion, policy: DriftPolicy, connection: Connection) -> Sequence[Window]:
    """The newest scored rows of everything that is judged by itself; none before any scoring."""
    return champion.adapter.windows(champion, policy, connection)


@dataclass(frozen=True, eq=False)
class Judged:
    """A window judged: `drift` None where it could not be compared."""

    window: Window
    drift: DriftReport | None
    verdict: Verdict
    at: str

    @property
    def document(self) -> dict[str, Any]:
        """What is kept of it, and what the event says."""
        drift = self.drift
        return {
            "gauntlet": self.window.gauntlet,
            "key": self.window.key,
            "model": self.window.champion.loaded.name,
            "version": self.window.champion.loaded.version,
            "verdict": self.verdict.kind,
            "action": self.verdict.action,
            "may_retrain": self.verdict.may_retrain,
            "drifted": bool(drift is not None and drift.drifted),
            "share": drift.share if drift is not None else None,
            "features": list(self.verdict.features),
            "evidence": list(self.verdict.evidence),
            "rows": len(self.window.window),
            "files": [manifest.file for manifest in self.window.manifests],
            "source": "simulated"
            if any(manifest.source == "simulated" for manifest in self.window.manifests)
            else "real",
            "at": self.at,
            **self._place,
        }

    @property
    def _place(self) -> dict[str, Any]:
        """Of rows in time: which machine or shaft, and from when to when."""
        known = self.window.known
        if known is None:
            return {}
        return {"group": self.window.group, "from_s": float(known.seconds[0]), "to_s": float(known.seconds[-1])}


def judge(
    window: Window, before: Sequence[dict[str, Any]], policy: DriftPolicy, seed: int = 7, now: datetime | None = None
) -> Judged:
    """The verdict on a window.

    Args:
        before: documents of earlier windows, oldest first; those of another version of the model do not count.
        now: By the clock that all share; this process' own where none is given.
    """
    features, known = list(window.features), window.known
    reference, newest = window.reference[features], window.window.reindex(columns=features)
    seconds, interval_s = (known.seconds, known.interval_s) if known else (None, None)
    broken = data_faults(reference, newest, seconds, interval_s=interval_s)
    sensors = () if broken else sensor_faults(reference, newest)
    drift = None
    if not broken:
        columns = Columns(label="label" if "label" in window.window else None)
        drift = compare(window.reference, window.window, seed, columns=columns, level=policy.false_alarm_rate)
    now = now or datetime.now(UTC)
    verdict = triage(
        Evidence(
            now_s=float(known.seconds[-1]) if known else now.timestamp(),
            drift=drift,
            drifted_before=[one["drifted"] for one in before if _same(one, window)],
            persistence=Persistence(policy.at_least, policy.of_last),
            data_faults=broken,
            sensor_faults=sensors,
            alarms=known.alarms if known else (),
            maintenance=known.maintenance if known else None,
            neighbours=known.neighbours if known else (),
        )
    )
    return Judged(window, drift, verdict, now.isoformat(timespec="microseconds"))


def _same(document: dict[str, Any], window: Window) -> bool:
    """Whether an earlier verdict is on the same rows' kind: this version, and this machine or shaft."""
    loaded = window.champion.loaded
    version = (document["model"], document["version"]) == (loaded.name, loaded.version)
    return version and document.get("group", "") == window.group
