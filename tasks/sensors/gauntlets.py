"""The gauntlets on single sensor streams, as data."""

from __future__ import annotations

from dataclasses import dataclass

from gauntlet.tasks.gauntlet import Gauntlet


@dataclass(frozen=True)
class Candidate:
    """A detector under its registered name; see `StreamDetector`. `features`: the empty tuple stands for all."""

    name: str
    kind: str
    features: tuple[str, ...] = ()


@dataclass(frozen=True)
class SensorGauntlet(Gauntlet):
    """`simple`: the alarm without a model that candidates have to beat. `takes_nab`: NAB's machine temperature is read,
    too, where it is. `with_quality`: the data are scored for their quality, and the score proved with injected faults.
    """

    simple: str = ""
    takes_nab: bool = False
    with_quality: bool = False


PROTOCOL = (
    "learnt from the first 40% of each sensor (NAB: its probation, 750 rows at most), limits included: the forest's "
    "leaves 0.1% of the sound rows above it; every later row by rows before it only, missing readings "
    "carried forward and never filled back; by event, flags within 6 h are one alarm, an alarm up to 24 h "
    "behind a fault is neither hit nor false; 95 % bootstrap intervals over blocks of 14 days of a sensor"
)
SYNTHETIC = SensorGauntlet(
    name="synthetic",
    kind="sensors",
    experiment="Synthetic_Data_Validation",
    dataset="sensors",
    question="Sensors: are these data worth training on?",
    purpose=(
        "Scores the quality of sensor data, proves the score with injected faults and registers the two validation models."
    ),
    candidates=(
        Candidate("realistic_sensor_validation_isolation_forest", "forest"),
        Candidate("synthetic_validation_isolation_forest", "forest", ("level", "step")),
    ),
    primary_metric="f1",
    protocol=PROTOCOL,
    cron="0 3 * * 6",
    simple="plausibility_rules",
    with_quality=True,
)
ANOMALY = SensorGauntlet(
    name="anomaly",
    kind="sensors",
    experiment="Anomaly Detection",
    dataset="sensors",
    question="Sensors: what is out of the ordinary, since when?",
    purpose="Judges detectors of faults in sensor streams by event: precision, recall and delay.",
    candidates=(
        Candidate("anomaly_detector_refined_v2", "forest"),
        Candidate("anomaly_detector_robust_limit", "limit"),
    ),
    primary_metric="f1",
    protocol=PROTOCOL,
    cron="30 3 * * 6",
    simple="robust_z",
    takes_nab=True,
)
GAUNTLETS = (SYNTHETIC, ANOMALY)
