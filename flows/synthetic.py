"""Synthetic validation: are these sensors' data worth training on, and would a fault in them be noticed?

load ─> audit ─> quality ─> train (each detector, side by side) ─> evaluate ─> audit-result
                             register (each version, side by side) <─ report ─┘
                                                  └─> crown
"""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from gauntlet.datasets.spec import Source
from gauntlet.flows._former import run_name
from gauntlet.flows._streams import run_streams
from gauntlet.flows._workers import Workers
from gauntlet.tasks.result import GauntletResult
from gauntlet.tasks.sensors.load import SYNTHETIC

EXPERIMENT = SYNTHETIC.experiment
REGISTERED = tuple(candidate.name for candidate in SYNTHETIC.candidates)


@flow(
    name="synthetic",
    description=__doc__,
    flow_run_name=run_name,
    task_runner=Workers(),
)
def synthetic(
    data: Path | None = None, source: Source = "auto", seed: int = 7, allow_leakage: bool = False
) -> GauntletResult:
    """Score the quality of sensor data, prove the score with injected faults, and register two validation models.

    Args:
        data: Folder with sensors.csv (sensor_id, timestamp, value), labels.csv and sensors.json beside it; empty for simulated ones.
        source: auto takes your own file where it is and otherwise simulates one; every result says which it was.
        seed: The same seed and data give the same figures, to the digit.
        allow_leakage: Go on in spite of the audit's findings; everything is then marked as leaked.
    """
    return run_streams(SYNTHETIC, data, source, seed, allow_leakage, with_quality=True)
