"""Envelope spectra of several bands of a signal, as the prominence of each bin over its local noise floor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft
from scipy.ndimage import maximum_filter1d, median_filter

PARTS = (1, 2, 3, 4, 6, 8)  # the 1/3-binary tree of the fast kurtogram: Antoni, MSSP 21 (2007), fig. 4
FLOOR_HZ = 40.0
CEILING = 6.0  # a line is as convincing at e^6 times the floor as at more
LEAST_BAND_HZ = 700.0  # narrower bands do not hold the harmonics


@dataclass(frozen=True, eq=False)
class EnvelopeSpectra:
    """`prominence[band]`: natural log of (bin / local median), float64; `amplitude`: full-band spectrum in g^2.

    `bands`: (low, high) in Hz; `resolution` in Hz per bin; `seconds`: length of one record.
    """

    bands: tuple[tuple[float, float], ...]
    prominence: tuple[np.ndarray, ...]
    amplitude: np.ndarray
    resolution: float

    @property
    def seconds(self) -> float:
        """Length of one record: the reciprocal of the resolution."""
        return 1 / self.resolution


def envelope_spectra(records: Sequence[np.ndarray], rate: float, longest_hz: float = 2000.0) -> EnvelopeSpectra:
    """The spectra of records of one channel (1-D, equal length), mean power over the records, then prominence."""
    n = len(records[0])
    cuts = [
        (k * (n // 2 // parts), (k + 1) * (n // 2 // parts))
        for parts in PARTS
        if rate / 2 / parts >= LEAST_BAND_HZ
        for k in range(parts)
    ]
    bins = int(longest_hz * n / rate)
    power = [np.zeros(min(bins, (high - low) // 2)) for low, high in cuts]
    whole = np.zeros(len(power[0]))
    for record in records:
        spectrum = scipy.fft.rfft(record - np.mean(record, dtype=np.float64))
        for i, (low, high) in enumerate(cuts):
            analytic = scipy.fft.ifft(spectrum[low:high], scipy.fft.next_fast_len(high - low)) * 2 * (high - low) / n
            square = np.abs(analytic) ** 2
            lines = np.abs(scipy.fft.rfft(square - square.mean()))[: len(power[i])] / len(square)
            if i == 0:
                whole += lines**2 / len(records)
            power[i] += (lines / max(square.mean(), 1e-30)) ** 2 / len(records)
    resolution = rate / n
    prominence = tuple(_prominence(np.sqrt(p), resolution) for p in power)
    return EnvelopeSpectra(
        tuple((low * resolution, high * resolution) for low, high in cuts), prominence, np.sqrt(whole), resolution
    )


def _prominence(magnitude: np.ndarray, resolution: float) -> np.ndarray:
    width = max(21, round(FLOOR_HZ / resolution)) | 1
    floor = median_filter(magnitude, width, mode="nearest")
    ratio = np.log(np.maximum(magnitude, 1e-30) / np.maximum(floor, 1e-30))
    # A line between two bins is split: the greater neighbour within one bin stands for it.
    return np.asarray(np.minimum(maximum_filter1d(ratio, 3), CEILING))
