"""XJTU-SY: which element of a bearing fails, since when, and how long will it last?

load ─> featurize (chunks of files) ─> assemble ─> audit ─> train (each detector) ─> evaluate ─> audit result
                                                                                        │
                     judge machines <─┬─ diagnose (each run: which element?) <──────────┤
                           │          └─ remaining life <───────────────────────────────┘
                     build report ─> collect artifacts ─> register (each version) ─> assign alias
"""

from __future__ import annotations

from pathlib import Path

from gauntlet.datasets.spec import Source
from gauntlet.flows._gauntlet import gauntlet_flow
from gauntlet.flows._vibration import vibration_run
from gauntlet.tasks.result import GauntletResult
from gauntlet.tasks.vibration.gauntlets import XJTU


@gauntlet_flow(XJTU)
def xjtu(
    data: Path | None = None, source: Source = "auto", seed: int = 7, allow_leakage: bool = False
) -> GauntletResult:
    """Find the failing bearing, its element and the onset in raw vibration snapshots; register the detectors."""
    return vibration_run(XJTU, locals())
