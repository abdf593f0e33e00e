"""Features of vibration snapshots: time, frequency, envelope, fault lines; batched over channels.

Signals are float32 rows in g. Moments are accumulated in float64; the tables agree with scipy to 1e-4 (tested).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.fft

from gauntlet.datasets.bearing import ELEMENTS, Bearing
from gauntlet.tasks.vibration.featurize import _kernels as kernel

VERSION = 2  # goes into the cache's key: raise it whenever a number changes
BANDS = 8
LEVELS = (2, 4, 8)

TIME = (
    "mean", "std", "rms", "absolute_mean", "peak", "peak_to_peak", "crest_factor", "impulse_factor", "shape_factor",
    "clearance_factor", "skewness", "kurtosis", "zero_crossing_rate", "entropy",
)  # fmt: skip
FREQUENCY = (
    "dominant_frequency", "dominant_amplitude", "spectral_centroid", "spectral_spread", "spectral_rolloff",
    "high_freq_energy", "spectral_kurtosis", *(f"band_energy_{i}" for i in range(1, BANDS + 1)),
)  # fmt: skip
ENVELOPE = ("envelope_kurtosis", "envelope_band_low", "envelope_band_high", "envelope_rms")
LINES = tuple(f"{element}_{part}" for element in ELEMENTS for part in ("line_1", "line_2", "line_3", "sideband"))
_EDGES = [int(edge) for edge in np.cumsum([0, len(TIME), len(FREQUENCY), len(ENVELOPE)])]
FEATURES = (*TIME, *FREQUENCY, *ENVELOPE, *LINES)

# The published notebooks' sets: XJTU's eleven per channel (22 for two channels), and ten of IMS.
XJTU_11 = (
    "rms", "peak_to_peak", "kurtosis", "skewness", "std", "mean", "crest_factor", "dominant_frequency",
    "dominant_amplitude", "spectral_centroid", "high_freq_energy",
)  # fmt: skip
NASA_10 = (
    "rms", "peak_to_peak", "kurtosis", "skewness", "std", "mean", "crest_factor", "dominant_frequency",
    "spectral_centroid", "high_freq_energy",
)  # fmt: skip

SLIP = 0.02  # rolling elements slip and shaft speed is nominal: a line is looked for within this share of its place


@dataclass(frozen=True)
class LineTable:
    """Where the fault lines of a machine lie: bins of the envelope spectrum, half widths, reach of the noise floor."""

    bins: np.ndarray
    half_width: np.ndarray
    reach: int


@lru_cache(maxsize=64)
def line_table(bearing: Bearing, shaft_hz: float, resolution: float) -> LineTable:
    """Lines in the order of `LINES`, the sideband as two entries (below, above); rolling lines are those of 2 x BSF.

    Sidebands: shaft speed around the first line of a race, cage speed around a roller's, half an order for the cage
    (it has none, and the entry is then noise).
    """
    hertz = bearing.fault_frequencies(shaft_hz)
    spacing = {"outer": shaft_hz, "inner": shaft_hz, "rolling": hertz["cage"], "cage": hertz["cage"] / 2}
    places: list[float] = []
    for element in ELEMENTS:
        first = hertz[element] * (2 if element == "rolling" else 1)
        places += [first, 2 * first, 3 * first, first - spacing[element], first + spacing[element]]
    bins = np.array(places) / resolution
    half = np.maximum(1, np.round(SLIP * bins)).astype(np.int64)
    return LineTable(bins, half, max(24, round(25.0 / resolution)))


def features(samples: np.ndarray, rate: float, bearing: Bearing, shaft_hz: float) -> np.ndarray:
    """Features of signal rows, float64, rows x len(FEATURES); any even length, lengths of small factors are fast.

    Args:
        samples: float32, rows x n, in g. 4 to 16 rows at a time stay in cache.
        rate: Hz.
    """
    rows, n = samples.shape
    out = np.empty((rows, len(FEATURES)))
    space = _SPACE.fit(rows, n)
    kernel.time_moments(np.ascontiguousarray(samples), out[:, : _EDGES[1]], space.centred)
    spectra = scipy.fft.rfft(space.centred, axis=1)
    kernel.spectrum_moments(spectra, rate / n, n, BANDS, out[:, _EDGES[1] : _EDGES[2]])
    best = _envelope(spectra, space)
    level, band, kurtosis, mean = best.T
    edge = rate / 2 / level
    at = _EDGES[2]
    out[:, at], out[:, at + 1], out[:, at + 2] = kurtosis, band * edge, (band + 1) * edge
    # A cut holds half of the band's spectrum (its positive side), transformed at its own length.
    out[:, at + 3] = np.sqrt(mean) * (2 * ((spectra.shape[1] - 1) // level) / n)
    table = line_table(bearing, shaft_hz, rate / n)
    for same in LEVELS:
        chosen = np.flatnonzero(level == same)
        if len(chosen):
            size = (spectra.shape[1] - 1) // same
            # One row does not fill the lanes of a vector, its four interleaved quarters do.
            quarters = space.squared[chosen, :size].reshape(len(chosen), -1, 4 if size % 8 == 0 else 1)
            parts = scipy.fft.rfft(quarters, axis=1)
            kernel.line_prominence(
                parts, _turns(size), table.bins, table.half_width, table.reach, chosen, out[:, _EDGES[3] :]
            )
    return out


@lru_cache(maxsize=16)
def _turns(size: int) -> np.ndarray:
    return np.exp(-2j * np.pi * np.arange(size) / size).astype(np.complex64)


def _envelope(spectra: np.ndarray, space: _Space) -> np.ndarray:
    """(level, band, kurtosis, mean of the squared envelope) per row; `space.squared` holds the latter less its mean.

    The band is the one whose complex envelope has the greatest kurtosis among 2, 4 and 8 equal parts of the spectrum:
    the dyadic paving of the fast kurtogram (Antoni 2007), by cutting the spectrum instead of by a filter tree. The
    envelope of a band of w bins is 2w samples long in the time of the signal, hence the same line spacing.
    """
    rows, bins = spectra.shape
    best = np.full((rows, 4), -np.inf)
    for level in LEVELS:
        width = (bins - 1) // level
        cut = space.cut[: rows * width * level].reshape(rows, width * level)
        np.copyto(cut, spectra[:, : width * level])
        analytic = scipy.fft.ifft(cut.reshape(rows * level, width), axis=1, overwrite_x=True)
        kernel.keep_best(analytic, level, best, space.squared)
    return best


class _Space(threading.local):
    """Arrays that a thread uses for every snapshot: fresh ones cost a page fault for every 4 kB of them."""

    def __init__(self) -> None:
        self.shape = (0, 0)

    def fit(self, rows: int, n: int) -> _Space:
        if self.shape != (rows, n):
            self.shape = (rows, n)
            self.centred = np.empty((rows, n), np.float32)
            self.cut = np.empty(rows * (n // 2), np.complex64)
            self.squared = np.empty((rows, n // 2 // min(LEVELS)), np.float32)
        return self


_SPACE = _Space()


def subset(table: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """The named columns of a table whose last axis is `FEATURES`."""
    return table[..., [FEATURES.index(name) for name in names]]
