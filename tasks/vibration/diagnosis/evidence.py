"""What the raw signals say at the end of a run: the failing element, its envelope spectrum, the spectra of the life."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy.fft

from gauntlet.datasets.io.signal_file import snapshot
from gauntlet.datasets.records.snapshot import Run, Snapshot, SnapshotFile
from gauntlet.tasks.vibration.definition import VibrationGauntlet
from gauntlet.tasks.vibration.diagnosis.element import Diagnosis, attribute_lines, diagnose
from gauntlet.tasks.vibration.diagnosis.envelope_spectrum import EnvelopeSpectra, envelope_spectra
from gauntlet.tasks.vibration.featurize.table import FeatureTable
from gauntlet.tasks.vibration.lives import Life

RECORDS = 3  # snapshots of the beginning and of the end that a diagnosis compares
IN_WATERFALL, WATERFALL_BINS = 80, 160


class Said(Protocol):
    """A verdict on a bearing, as far as a diagnosis needs it."""

    @property
    def onset(self) -> int | None:
        """The row since when."""

    @property
    def crosstalk_of(self) -> str | None:
        """The neighbour whose fault it is."""


@dataclass(frozen=True, eq=False)
class Waterfall:
    """Spectra over a life. `level`: natural log of the amplitude [g], snapshots x bins; `hours` and `hertz` of them."""

    hours: np.ndarray
    hertz: np.ndarray
    level: np.ndarray


@dataclass(frozen=True, eq=False)
class RunEvidence:
    """Of one run: a diagnosis per unit; of the unit that matters most, its envelope spectra and its waterfall."""

    run: Run
    diagnoses: dict[str, Diagnosis]
    unit: str | None
    spectra: EnvelopeSpectra | None
    waterfall: Waterfall | None


def place(run: str, unit: str) -> str:
    """A bearing by name: the run too, where that is not the same."""
    return unit if run == unit else f"{run}, {unit}"


def examine(
    table: FeatureTable, lives: Sequence[Life], verdicts: Mapping[str, Said], gauntlet: VibrationGauntlet
) -> RunEvidence:
    """The evidence of a run. A bearing without a life of its own (too few snapshots) is looked at as if it had alarmed.

    Args:
        verdicts: of the best candidate, by machine.
    """
    run = table.run
    first, last = _read(run, table.index[:RECORDS]), _read(run, table.index[-RECORDS:])
    alarmed = {unit: _alarmed(run.name, unit, lives, verdicts) for unit in run.units}
    enough = len(table.index) >= 2 * RECORDS
    found = {
        unit: diagnose(
            unit,
            _by_channel(run, last, unit),
            run.rate,
            run.bearing,
            run.shaft_hz,
            healthy=_by_channel(run, first, unit) if enough else None,
            alarmed=alarmed[unit],
            tolerance=gauntlet.tolerance,
        )
        for unit in run.units
    }
    told = attribute_lines(found)
    # A bearing that did not alarm has no fault to name, whatever lines reach its housing through the shaft.
    unit = _most_telling(told, alarmed)
    if unit is None:
        return RunEvidence(run, told, None, None, None)
    channels = _by_channel(run, last, unit)
    loudest = max(channels, key=lambda records: float(np.var(records[-1])))
    return RunEvidence(run, told, unit, envelope_spectra(loudest, run.rate), _waterfall(table, unit, lives))


def _alarmed(run: str, unit: str, lives: Sequence[Life], verdicts: Mapping[str, Said]) -> bool:
    life = next((life for life in lives if (life.run, life.unit) == (run, unit)), None)
    if life is None:
        return True
    said = verdicts[life.machine]
    return said.onset is not None and said.crosstalk_of is None


def _most_telling(told: dict[str, Diagnosis], alarmed: dict[str, bool]) -> str | None:
    named = [unit for unit, one in told.items() if one.element not in (None, "unknown")]
    if named:
        return max(named, key=lambda unit: told[unit].confidence)
    return next((unit for unit, alarm in alarmed.items() if alarm), None)


def _read(run: Run, index: np.ndarray) -> list[Snapshot]:
    files = {file.index: file for file in run.files}
    return [snapshot(run, files[int(i)]) for i in index]


def _by_channel(run: Run, records: Sequence[Snapshot], unit: str) -> list[list[np.ndarray]]:
    return [[record.samples[i] for record in records] for i, channel in enumerate(run.channels) if channel.unit == unit]


def _waterfall(table: FeatureTable, unit: str, lives: Sequence[Life]) -> Waterfall | None:
    """At most 80 snapshots, evenly spaced, of the unit's channel that is loudest at the end; None for a part of a life."""
    run, channels = table.run, table.unit_channels(unit)
    if not any((life.run, life.unit, life.basis) == (run.name, unit, "snapshots") for life in lives):
        return None
    channel = channels[int(np.argmax(table.column("std")[-1, channels]))]
    rows = np.unique(np.linspace(0, len(table.index) - 1, min(IN_WATERFALL, len(table.index))).round().astype(int))
    files: dict[int, SnapshotFile] = {file.index: file for file in run.files}
    levels = [_bins(snapshot(run, files[int(table.index[row])]).samples[channel]) for row in rows]
    hertz = (np.arange(WATERFALL_BINS) + 0.5) * run.rate / 2 / WATERFALL_BINS
    return Waterfall(table.seconds[rows] / 3600, hertz, np.array(levels))


def _bins(samples: np.ndarray) -> np.ndarray:
    power = np.abs(scipy.fft.rfft(samples - samples.mean())) ** 2 / len(samples) ** 2 * 2
    edges = np.linspace(0, len(power), WATERFALL_BINS + 1).astype(int)
    return np.asarray(0.5 * np.log(np.add.reduceat(power, edges[:-1]) + 1e-18))
