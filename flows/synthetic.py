"""Synthetic validation: are these sensors' data worth training on, and would a fault in them be noticed?

load ─> audit ─> assess quality ─> featurize ─> train (each detector, side by side) ─> evaluate ─> audit result
                                                                     │
       assign alias <─ register (each version, side by side) <─ collect artifacts <─ build report
"""

from __future__ import annotations

from pathlib import Path

from gauntlet.datasets.spec import Source
from gauntlet.flows._gauntlet import gauntlet_flow
from gauntlet.flows._streams import run_streams
from gauntlet.tasks.result import GauntletResult
from gauntlet.tasks.sensors.gauntlets import SYNTHETIC


@gauntlet_flow(SYNTHETIC)
def synthetic(
    data: Path | None = None, source: Source = "auto", seed: int = 7, allow_leakage: bool = False
) -> GauntletResult:
    """Score the quality of sensor data, prove the score with injected faults, and register two validation models."""
    return run_streams(SYNTHETIC, locals())
