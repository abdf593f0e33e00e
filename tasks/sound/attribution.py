"""Where the score of a clip comes from: which bands, and which moments."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.io.sound_file import waveform
from gauntlet.tasks.sound.featurize.clip import HOP, MELS, RATE, features, log_mel
from gauntlet.tasks.sound.featurize.table import SoundTable
from gauntlet.tasks.sound.split import Parts, Split

WINDOW_S = 0.5
REFERENCES = 30
TOP = 12


@dataclass(frozen=True, eq=False)
class ExaminedClip:
    """A clip of the judged part, looked at closely.

    `decibels`, `deviation`: mel bands over time, MELS x frames, [dB] and in standard deviations from the normal
    training clips of the band. `moments`: (start [s], by how much the margin falls without that half second). `bands`:
    what each mel band adds to the squared distance. All empty where there are only tables of features.
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
    """The most normal and the most abnormal of the judged clips of one machine, by the champion."""

    cell: str
    normal: ExaminedClip
    abnormal: ExaminedClip


def attribute(table: SoundTable, parts: Split, model: Any, scores: np.ndarray) -> Attribution:
    """The two clips of the cell that holds the largest margin of all."""
    judged = np.concatenate([one.test for one in parts.parts])
    loudest = judged[np.argmax(scores[judged])]
    cell = str(table.rows["cell"].iloc[loudest])
    part = next(one for one in parts.parts if one.cell == cell)
    quietest = part.test[np.argmin(scores[part.test])]
    normal_bands = _band_statistics(table, part)
    examined = [_examined(table, row, model, cell, float(scores[row]), normal_bands) for row in (quietest, loudest)]
    return Attribution(cell, examined[0], examined[1])


def _signal(table: SoundTable, row: int) -> np.ndarray:
    return waveform(Path(table.path) / str(table.rows["file"].iloc[row]), table.channel)


def _band_statistics(table: SoundTable, part: Parts) -> tuple[np.ndarray, np.ndarray] | None:
    """(mean, deviation) of each mel band over frames of normal training clips; None for tables."""
    if table.layout == "tables":
        return None
    chosen = part.train[:: max(1, len(part.train) // REFERENCES)]
    frames = np.concatenate([log_mel(_signal(table, row)) for row in chosen])
    return frames.mean(0), np.maximum(frames.std(0), 0.1)


def _examined(
    table: SoundTable, row: int, model: Any, cell: str, margin: float, normal: tuple[np.ndarray, np.ndarray] | None
) -> ExaminedClip:
    name, abnormal = str(table.rows["file"].iloc[row]), bool(table.abnormal[row])
    added = model.detectors_[cell].distance_parts(table.values[row : row + 1])[0]
    order = np.argsort(-added)[:TOP]
    top = tuple((table.features[k], float(added[k])) for k in order)
    nothing = np.empty((0, 0))
    if normal is None:
        return ExaminedClip(name, abnormal, margin, nothing, nothing, nothing, np.empty(0), top)
    signal = _signal(table, row)
    decibels = log_mel(signal)

    def rescored(shortened: np.ndarray) -> float:
        frame = pd.DataFrame([features(shortened)], columns=list(table.features))
        return float(model.decision_function(frame.assign(cell=cell))[0])

    deviation = (decibels - normal[0]) / normal[1]
    moments = _moments(signal, margin, rescored)
    return ExaminedClip(name, abnormal, margin, decibels.T, deviation.T, moments, _by_band(table.features, added), top)


def _moments(signal: np.ndarray, margin: float, rescored: Callable[[np.ndarray], float]) -> np.ndarray:
    """(start [s], fall of the margin) for each half second that is cut out of the clip, n x 2."""
    width = int(WINDOW_S * RATE) // HOP * HOP
    rows = []
    for start in range(0, len(signal) - width + 1, width):
        try:
            without = rescored(np.delete(signal, slice(start, start + width)))
        except BadInput:  # a clip of one second leaves nothing to listen to
            break
        rows.append((start / RATE, margin - without))
    return np.array(rows).reshape(-1, 2)


def _by_band(names: tuple[str, ...], added: np.ndarray) -> np.ndarray:
    """The sum over the pooled statistics of each mel band, shape (MELS,)."""
    bands = np.zeros(MELS)
    for name, value in zip(names, added, strict=True):
        if found := re.fullmatch(r"logmel_\w+_(\d\d)", name):
            bands[int(found[1])] += value
    return bands
