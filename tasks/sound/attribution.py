"""Where the score of a clip comes from: which features, which bands, and which moments."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.io.sound_file import waveform
from gauntlet.tasks.models.base import START
from gauntlet.tasks.sound.featurize import SoundFeatures
from gauntlet.tasks.sound.featurize.clip import HOP, MELS, RATE, features, log_mel
from gauntlet.tasks.sound.featurize.table import SoundTable
from gauntlet.tasks.sound.split import CellSplit
from gauntlet.tasks.sound.train import TrainedSound

WINDOW_S = 0.5
REFERENCES = 30
TOP = 12


@dataclass(frozen=True, eq=False)
class ClipAttribution:
    """A judged clip, looked at closely.

    `decibels`, `deviation`: mel bands over time, MELS x frames, [dB] and in standard deviations from the normal
    training clips of the band. `moments`: (start [s], by how much the margin falls without that half second). `bands`:
    what each mel band adds to the margin. All empty where there are only tables of features. `top`: the features that
    add most to it.
    """

    name: str
    abnormal: bool
    margin: float
    decibels: np.ndarray
    deviation: np.ndarray
    moments: np.ndarray
    bands: np.ndarray
    top: tuple[tuple[str, float], ...]


@dataclass(frozen=True, eq=False)
class Attribution:
    """The clips of one machine with the smallest and the largest score of those that are judged."""

    cell: str
    normal: ClipAttribution
    abnormal: ClipAttribution


def attribute(prepared: SoundFeatures, best: TrainedSound) -> Attribution:
    """The two clips of the cell that holds the largest margin of all, by the best detector."""
    table, scores = prepared.table, best.scores
    highest = prepared.judged[np.argmax(scores[prepared.judged])]
    cell = str(table.rows["cell"].iloc[highest])
    part = next(part for part in prepared.split.parts if part.cell == cell)
    lowest = part.test[np.argmin(scores[part.test])]
    usual = _band_statistics(table, part)
    normal, abnormal = (_attribute_clip(prepared, row, best, cell, usual) for row in (lowest, highest))
    return Attribution(cell, normal, abnormal)


def _signal(table: SoundTable, row: int) -> np.ndarray:
    return waveform(Path(table.path) / str(table.rows["file"].iloc[row]), table.channel)


def _band_statistics(table: SoundTable, part: CellSplit) -> tuple[np.ndarray, np.ndarray] | None:
    """(mean, deviation) of each mel band over frames of normal training clips; None for tables."""
    if table.layout == "tables":
        return None
    chosen = part.train[:: max(1, len(part.train) // REFERENCES)]
    frames = np.concatenate([log_mel(_signal(table, row)) for row in chosen])
    return frames.mean(0), np.maximum(frames.std(0), 0.1)


def _attribute_clip(
    prepared: SoundFeatures, row: int, best: TrainedSound, cell: str, usual: tuple[np.ndarray, np.ndarray] | None
) -> ClipAttribution:
    table, margin = prepared.table, float(best.scores[row])
    name, abnormal = str(table.rows["file"].iloc[row]), bool(table.abnormal[row])
    parts = best.model.contributions(prepared.rows(np.array([row]))).drop(columns=START).iloc[0]
    top = tuple((str(feature), float(part)) for feature, part in parts.sort_values(ascending=False)[:TOP].items())
    nothing = np.empty((0, 0))
    if usual is None:
        return ClipAttribution(name, abnormal, margin, nothing, nothing, nothing, np.empty(0), top)
    signal = _signal(table, row)
    decibels = log_mel(signal)
    deviation = (decibels - usual[0]) / usual[1]
    moments = _moments(signal, margin, _scorer(best.model, table.features, cell))
    bands = _by_band(table.features, parts.to_numpy())
    return ClipAttribution(name, abnormal, margin, decibels.T, deviation.T, moments, bands, top)


def _scorer(model: Any, names: Sequence[str], cell: str) -> Callable[[np.ndarray], float]:
    """The margin of a signal of this machine."""

    def margin(signal: np.ndarray) -> float:
        frame = pd.DataFrame([features(signal)], columns=list(names))
        return float(model.decision_function(frame.assign(cell=cell))[0])

    return margin


def _moments(signal: np.ndarray, margin: float, margin_of: Callable[[np.ndarray], float]) -> np.ndarray:
    """(start [s], fall of the margin) for each half second that is cut out of the clip, n x 2."""
    width = int(WINDOW_S * RATE) // HOP * HOP
    rows = []
    for start in range(0, len(signal) - width + 1, width):
        try:
            without = margin_of(np.delete(signal, slice(start, start + width)))
        except BadInput:  # of a clip of one second too little is left
            break
        rows.append((start / RATE, margin - without))
    return np.array(rows).reshape(-1, 2)


def _by_band(names: Sequence[str], parts: np.ndarray) -> np.ndarray:
    """The sum over the pooled statistics of each mel band, shape (MELS,)."""
    bands = np.zeros(MELS)
    for name, part in zip(names, parts, strict=True):
        if match := re.fullmatch(r"logmel_\w+_(\d\d)", name):
            bands[int(match[1])] += part
    return bands
