"""Anomaly detection: what is out of the ordinary in these sensors, and since when?

load ─> audit ─> featurize ─> train (each detector, side by side) ─> evaluate ─> audit result
                                                                     │
       assign alias <─ register (each version, side by side) <─ collect artifacts <─ build report
"""

from __future__ import annotations

from pathlib import Path

from gauntlet.datasets.spec import Source
from gauntlet.flows._gauntlet import gauntlet_flow
from gauntlet.flows._streams import run_streams
from gauntlet.tasks.result import GauntletResult
from gauntlet.tasks.sensors.gauntlets import ANOMALY


@gauntlet_flow(ANOMALY)
def anomaly(
    data: Path | None = None, source: Source = "auto", seed: int = 7, allow_leakage: bool = False
) -> GauntletResult:
    """Train, judge by event and register detectors of faults in sensor streams."""
    return run_streams(ANOMALY, locals())
