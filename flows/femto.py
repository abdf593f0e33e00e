"""FEMTO / PRONOSTIA

load ─> featurize (chunks of files, side by side) ─> assemble ─> audit ─> train (each detector, side by side) ─> evaluate
                                                        │                                                         │
                                            diagnose (each run, side by side) <── verdicts ──────────────────────<┤
                                                        │                            remaining-life ──────────────┘
                                        register (each version, side by side) <─ report
                                                        └─> crown
"""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from gauntlet.datasets.spec import Source
from gauntlet.flows._former import run_name
from gauntlet.flows._vibration import run_vibration
from gauntlet.flows._workers import Workers
from gauntlet.tasks.result import GauntletResult
from gauntlet.tasks.vibration.gauntlets import FEMTO

EXPERIMENT = FEMTO.experiment
REGISTERED = FEMTO.registered


@flow(
    name="femto",
    description=__doc__,
    flow_run_name=run_name,
    task_runner=Workers(),
)
def femto(
    data: Path | None = None, source: Source = "auto", seed: int = 7, allow_leakage: bool = False
) -> GauntletResult:
    """Find the failing bearing, its element and the onset in raw vibration snapshots; register the detectors.

    Args:
        data: Folder of snapshots in the publisher's layout, whole or in part; empty for the published or simulated ones.
        source: auto takes the real files where they are and otherwise simulates some; every result says which it was.
        seed: The same seed and data give the same figures, to the digit.
        allow_leakage: Go on in spite of the audit's findings; everything is then marked as leaked.
    """
    return run_vibration(FEMTO, data, source, seed, allow_leakage)
