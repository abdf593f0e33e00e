"""Anomaly detection: which readings of a sensor are out of the ordinary, since when?

load ─> audit ─> train (each detector, side by side) ─> evaluate ─> audit-result
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
from gauntlet.tasks.sensors.load import ANOMALY

EXPERIMENT = ANOMALY.experiment
REGISTERED = tuple(candidate.name for candidate in ANOMALY.candidates)


@flow(
    name="anomaly",
    description=__doc__,
    flow_run_name=run_name,
    task_runner=Workers(),
)
def anomaly(
    data: Path | None = None, source: Source = "auto", seed: int = 7, allow_leakage: bool = False
) -> GauntletResult:
    """Train, judge by event and register detectors of faults in sensor streams.

    Args:
        data: Folder with sensors.csv and labels.csv, or NAB's machine temperature; empty for NAB where it is, else simulated ones.
        source: auto takes real files where they are and otherwise simulates some; every result says which it was.
        seed: The same seed and data give the same figures, to the digit.
        allow_leakage: Go on in spite of the audit's findings; everything is then marked as leaked.
    """
    return run_streams(ANOMALY, data, source, seed, allow_leakage, with_quality=False)
