"""Judge the newest window: faults of the feed and of sensors, drift against the reference, and what is to be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from blocks import DriftPolicy
from tasks.drift.faults import data_faults
from tasks.drift.history import Persistence
from tasks.drift.report import Columns, DriftReport, compare
from tasks.drift.sensors import sensor_faults
from tasks.drift.triage import Evidence, Verdict, triage
from tasks.loop.window import Window

EVENT = "gauntlet.drift.detected"


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
            "files": [one.file for one in self.window.manifests],
            "source": "simulated" if any(one.source == "simulated" for one in self.window.manifests) else "real",
            "at": self.at,
        }


def judge(window: Window, before: Sequence[dict[str, Any]], policy: DriftPolicy, seed: int = 7) -> Judged:
    """The verdict on a window.

    Args:
        before: documents of earlier windows, oldest first; those of another version of the model do not count.
    """
    features = list(window.features)
    reference, newest = window.reference[features], window.window.reindex(columns=features)
    broken = data_faults(reference, newest)
    sensors = () if broken else sensor_faults(reference, newest)
    drift = None
    if not broken:
        columns = Columns(label="label" if "label" in window.window else None)
        drift = compare(window.reference, window.window, seed, columns=columns, level=policy.false_alarm_rate)
    version = (window.champion.loaded.name, window.champion.loaded.version)
    now = datetime.now(UTC)
    verdict = triage(
        Evidence(
            now_s=now.timestamp(),
            drift=drift,
            drifted_before=[one["drifted"] for one in before if (one["model"], one["version"]) == version],
            persistence=Persistence(policy.at_least, policy.of_last),
            data_faults=broken,
            sensor_faults=sensors,
        )
    )
    return Judged(window, drift, verdict, now.isoformat(timespec="seconds"))
