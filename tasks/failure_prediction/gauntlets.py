"""The gauntlets on sensors over time and failures to warn of, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gauntlet.tasks.gauntlet import Gauntlet, Parameter

Question = Literal["status", "warning", "residual"]


@dataclass(frozen=True)
class Candidate:
    """A model to be trained. `most_rows`: of more training rows, so many evenly spaced ones are taken.

    `question`: status - is the machine NORMAL or not, from the readings of the moment (the published question); as a
    warning it can only see what already looks like a repair. residual - what the other sensors do not explain; knows
    healthy rows only. warning - rows within the horizon of a failure against all others, from every feature.
    """

    name: str
    kind: str
    question: Question
    most_rows: int


PUMP = Gauntlet(
    name="pump",
    kind="failure_prediction",
    experiment="Classification Gauntlet (Pump)",
    dataset="pump",
    question="Pump: will it break?",
    purpose="Warns of pump failures hours ahead, judged failure by failure, and classifies the pump's status.",
    candidates=(
        Candidate("pump_randomforest_baseline", "randomforest", "status", 2_500),
        Candidate("pump_svc_baseline", "svc", "status", 3_000),
        Candidate("pump_lightgbm_baseline", "lightgbm", "status", 7_500),
        Candidate("pump_warning_residual", "residual", "residual", 20_000),
        Candidate("pump_warning_lightgbm", "lightgbm", "warning", 5_000),
    ),
    primary_metric="pr_auc",
    protocol=(
        "leave one failure out: whole blocks from recovery to recovery held out, training rows within 24 h of them left out; "
        "limits chosen by scores held out inside the training blocks; a decision every 15 minutes; 95 % intervals over blocks"
    ),
    cron="0 3 * * 5",
    parameters={
        "horizon_h": Parameter(24.0, "A row is positive when the machine breaks within this many hours."),
        "price_of_miss": Parameter(20_000.0, "What a failure without a warning costs."),
        "price_of_false_alarm": Parameter(500.0, "What an inspection for nothing costs."),
    },
)
GAUNTLETS = (PUMP,)
