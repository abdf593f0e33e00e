"""Train a candidate: a detector per bearing, fitted on its healthy beginning, asked for the index of its whole life."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gauntlet.tasks.contract import Trained
from gauntlet.tasks.models.machine_health import MachineHealth
from gauntlet.tasks.vibration.assemble import PreparedLives
from gauntlet.tasks.vibration.candidates import fit
from gauntlet.tasks.vibration.definition import Candidate
from gauntlet.tasks.vibration.lives import Life, healthy_rows


@dataclass(frozen=True, eq=False)
class TrainedHealth(Trained):
    """`scores`: the health index over every life, by machine."""

    candidate: Candidate
    model: MachineHealth
    scores: Mapping[str, np.ndarray]


def train(candidate: Candidate, prepared: PreparedLives, seed: int) -> TrainedHealth:
    """The candidate, fitted on healthy beginnings only, then asked for the index of every row."""
    return trained_on(candidate, prepared.lives, seed)


def trained_on(candidate: Candidate, lives: Sequence[Life], seed: int) -> TrainedHealth:
    """The same of any lives."""
    model = fit(candidate, healthy_rows(lives), seed)
    return TrainedHealth(candidate, model, {life.machine: model.decision_function(life.rows) for life in lives})
