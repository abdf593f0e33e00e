"""Train a candidate on healthy beginnings only, limit included, then ask it about every row, each by its past."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gauntlet.datasets.errors import BadInput
from gauntlet.tasks.contract import Trained
from gauntlet.tasks.models.stream_detector import StreamDetector
from gauntlet.tasks.models.stream_features import NAMES
from gauntlet.tasks.sensors.featurize import Readings
from gauntlet.tasks.sensors.gauntlets import Candidate


@dataclass(frozen=True, eq=False)
class TrainedStreamDetector(Trained):
    """What the detector says of every row, (rows,) in the frame's order."""

    score: np.ndarray
    flags: np.ndarray


def train(candidate: Candidate, prepared: Readings, seed: int) -> TrainedStreamDetector:
    """The candidate, fitted and asked.

    Raises:
        BadInput: a sensor has too few healthy readings to learn from.
    """
    streams = prepared.streams
    unfitted = StreamDetector(candidate.kind, seed, list(candidate.features or NAMES))
    try:
        model = unfitted.fit(streams.healthy())
    except ValueError as error:
        raise BadInput(streams.path, str(error)) from None
    score = model.decision_function(streams.frame)
    return TrainedStreamDetector(candidate, model, score, score > model.threshold_)
