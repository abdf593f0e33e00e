"""The same features the plain way, one channel at a time with pandas, scipy.stats and FFTs in float64.

It is the denominator of the benchmark and the independent truth of the tests; nothing else calls it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import scipy.fft
import scipy.ndimage
import scipy.stats

from gauntlet.datasets.bearing import ELEMENTS
from gauntlet.datasets.records.snapshot import Run
from gauntlet.tasks.vibration.featurize.snapshot import BANDS, LEVELS, SLIP


def read(run: Run, path: Path) -> np.ndarray:
    """Samples, float64, channels x n, by `pandas.read_csv`."""
    layout = run.layout
    assert layout is not None
    separator = "\t" if run.dataset == "nasa" else ","
    frame = pd.read_csv(path, sep=separator, header=0 if layout.header else None)
    return frame.iloc[:, list(layout.signal)].to_numpy().T


def features(run: Run, samples: np.ndarray) -> np.ndarray:
    """channels x features, in the order of `vibration.FEATURES`."""
    return np.array([[*_time(x), *_frequency(x, run.rate), *_envelope(x, run)] for x in samples])


def _time(x: np.ndarray) -> list[float]:
    size = np.abs(x)
    rms, absolute, peak = np.sqrt(np.mean(x**2)), size.mean(), size.max()
    width = np.ptp(x)
    counts, _ = np.histogram(x, bins=64, range=(x.min() - 0.0101 * width, x.max() + 0.0133 * width))
    above = x - x.mean() >= 0
    return [
        x.mean(),
        x.std(),
        rms,
        absolute,
        peak,
        np.ptp(x),
        peak / rms,
        peak / absolute,
        rms / absolute,
        peak / np.mean(np.sqrt(size)) ** 2,
        scipy.stats.skew(x),
        scipy.stats.kurtosis(x),
        np.count_nonzero(np.diff(above)) / (len(x) - 1),
        scipy.stats.entropy(counts),
    ]


def _frequency(x: np.ndarray, rate: float) -> list[float]:
    spectrum = np.abs(scipy.fft.rfft(x - x.mean()))
    hertz = scipy.fft.rfftfreq(len(x), 1 / rate)
    share = spectrum**2 / np.sum(spectrum**2)
    centre = np.sum(share * hertz)
    spread = np.sqrt(np.sum(share * (hertz - centre) ** 2))
    top = np.argmax(share)
    band = np.arange(len(share)) * BANDS // len(share)
    return [
        hertz[top],
        2 * spectrum[top] / len(x),
        centre,
        spread,
        hertz[np.searchsorted(np.cumsum(share), 0.85)],
        share[2 * np.arange(len(share)) >= len(share)].sum(),
        np.sum(share * (hertz - centre) ** 4) / spread**4,
        *np.bincount(band, share, BANDS),
    ]


def _envelope(x: np.ndarray, run: Run) -> list[float]:
    spectrum = scipy.fft.fft(x - x.mean())
    nyquist_bins = len(x) // 2
    best: tuple[float, int, int, np.ndarray] = (-np.inf, 0, 0, np.empty(0))
    for level in LEVELS:
        width = nyquist_bins // level
        for band in range(level):
            analytic = scipy.fft.ifft(spectrum[band * width : (band + 1) * width]) * 2 * width / len(x)
            square = np.abs(analytic) ** 2
            kurtosis = np.mean(square**2) / np.mean(square) ** 2 - 2
            if kurtosis > best[0]:
                best = (kurtosis, level, band, square)
    kurtosis, level, band, square = best
    edge = run.rate / 2 / level
    magnitude = np.abs(scipy.fft.rfft(square - square.mean()))
    found = [kurtosis, band * edge, (band + 1) * edge, float(np.sqrt(square.mean()))]
    return [*found, *_lines(magnitude, run, run.rate / len(x))]


def _lines(magnitude: np.ndarray, run: Run, resolution: float) -> list[float]:
    hertz = run.bearing.fault_frequencies(run.shaft_hz)
    side = {"outer": run.shaft_hz, "inner": run.shaft_hz, "rolling": hertz["cage"], "cage": hertz["cage"] / 2}

    def prominence(frequency: float) -> float:
        k = round(frequency / resolution)
        half = max(1, round(SLIP * frequency / resolution))
        reach = max(24, round(25.0 / resolution))
        if k < 1 or k + half > len(magnitude) - 1:
            return 0.0
        around = magnitude[max(1, k - reach) : k + reach + 1]
        return float(np.log(magnitude[max(1, k - half) : k + half + 1].max() / np.median(around)))

    values: list[float] = []
    for element in ELEMENTS:
        first = hertz[element] * (2 if element == "rolling" else 1)
        values += [prominence(first * h) for h in (1, 2, 3)]
        values.append((prominence(first - side[element]) + prominence(first + side[element])) / 2)
    return values
