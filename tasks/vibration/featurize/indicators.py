"""Condition indicators of a unit: what its detectors look at, of the features of its channels."""

from __future__ import annotations

import numpy as np

from gauntlet.datasets.bearing import ELEMENTS
from gauntlet.tasks.vibration.featurize.snapshot import FEATURES
from gauntlet.tasks.vibration.featurize.table import FeatureTable


def condition_indicators(table: FeatureTable, unit: str) -> np.ndarray:
    """Rows of a unit, files x (channels * 16): log levels in g (whole and per band), shape of amplitudes and
    envelope, mean log prominence of each family of fault lines.

    Levels are logarithms because wear multiplies them; band energies are shares and are turned back into levels.
    """
    values = table.values[:, table.unit_channels(unit), :]
    column = {name: values[:, :, i] for i, name in enumerate(FEATURES)}
    tiny = 1e-12
    level = column["std"]
    bands = [np.log(level * np.sqrt(column[f"band_energy_{i}"]) + tiny) for i in range(1, 9)]
    rows = [
        np.log(level + tiny),
        np.log(column["peak_to_peak"] + tiny),
        np.log(column["kurtosis"] + 3.0 + tiny),
        *bands,
    ]
    rows += [np.log(np.maximum(column["envelope_kurtosis"], -1.9) + 2.0)]
    rows += [sum(column[f"{element}_line_{k}"] for k in (1, 2, 3)) / 3 for element in ELEMENTS]
    return np.concatenate(rows, axis=1)
