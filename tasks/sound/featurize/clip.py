"""Features of one clip: log-mel bands, MFCC, spectral shape and temporal modulation, pooled over time.

Definitions are librosa's (Hann window of 1,024, hop 512, centred frames, Slaney mel scale and norm, dB without a floor
relative to the clip), computed in one pass: one FFT per frame serves everything, the mel filters are kept sparse.

Pooling: mean and standard deviation describe a machine that hums on; the mean of the loudest twentieth of the frames,
and of the quietest quarter, keep the clicks of a valve and the pauses between strokes, which a mean over ten seconds
washes away. The modulation spectrum says how often they come.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy.fft

from gauntlet.datasets.errors import BadInput
from gauntlet.tasks.sound.featurize._kernels import frame_shape, level_and_crossings

VERSION = 1
RATE = 16_000
FFT, HOP, MELS, MFCCS = 1024, 512, 64, 13
ROLLOFF = 0.85
LOUD, QUIET = 0.05, 0.25
FLOOR = 1e-10
GROUPS = 8  # neighbouring mel bands whose envelopes are looked at together
MODULATION_HZ = ((0.5, 1.0), (1.0, 2.0), (2.0, 4.0), (4.0, 8.0), (8.0, 15.0))
SHAPE = ("centroid", "bandwidth", "rolloff", "rms", "zero_crossings")

FEATURES = (
    *(f"logmel_{pool}_{band:02d}" for pool in ("mean", "std", "loud", "quiet") for band in range(MELS)),
    *(f"mfcc_{pool}_{k:02d}" for pool in ("mean", "std") for k in range(MFCCS)),
    *(f"{name}_{pool}" for pool in ("mean", "std") for name in SHAPE),
    *(f"modulation_{low:g}_{high:g}_{group}" for low, high in MODULATION_HZ for group in range(GROUPS)),
)


@lru_cache(maxsize=1)
def _window() -> np.ndarray:
    # Periodic, as librosa's.
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FFT) / FFT)).astype(np.float32)


@lru_cache(maxsize=1)
def mel_filters() -> np.ndarray:
    """Slaney's triangles, each of unit area, MELS x (FFT / 2 + 1) float32, from 0 Hz to half the rate (librosa.filters.mel)."""
    edges = _mel_to_hz(np.linspace(0.0, _hz_to_mel(RATE / 2), MELS + 2))
    bins = np.fft.rfftfreq(FFT, 1 / RATE)
    rise = (bins[None] - edges[:-2, None]) / np.diff(edges)[:-1, None]
    fall = (edges[2:, None] - bins[None]) / np.diff(edges)[1:, None]
    weights = np.maximum(0.0, np.minimum(rise, fall)) * (2.0 / (edges[2:] - edges[:-2]))[:, None]
    return weights.astype(np.float32)


def _hz_to_mel(hz: float) -> float:
    return 15.0 + 27.0 * np.log(hz / 1000.0) / np.log(6.4) if hz >= 1000.0 else hz * 3.0 / 200.0


def _mel_to_hz(mel: np.ndarray) -> np.ndarray:
    return np.where(mel < 15.0, 200.0 * mel / 3.0, 1000.0 * np.exp(np.log(6.4) / 27.0 * (mel - 15.0)))


@lru_cache(maxsize=1)
def _sparse_mel() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(first bin of each band, offsets into the weights, weights)."""
    filters = mel_filters()
    used = [np.flatnonzero(row) for row in filters]
    first = np.array([row[0] if len(row) else 0 for row in used], np.int64)
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in used])]).astype(np.int64)
    weights = np.concatenate([filters[band][row] for band, row in enumerate(used)])
    return first, offsets, weights


@lru_cache(maxsize=1)
def _dct() -> np.ndarray:
    """The first MFCCS rows of the orthonormal DCT-II, MFCCS x MELS float32."""
    k, m = np.arange(MFCCS)[:, None], np.arange(MELS)[None]
    rows = np.cos(np.pi * k * (2 * m + 1) / (2 * MELS)) * np.sqrt(2.0 / MELS)
    rows[0] /= np.sqrt(2.0)
    return rows.astype(np.float32)


@lru_cache(maxsize=4)
def _modulation(frames: int) -> tuple[np.ndarray, np.ndarray]:
    """(Hann window of this length, bands x frequencies averaging matrix), for envelopes sampled once per hop."""
    hz = np.fft.rfftfreq(frames, HOP / RATE)
    inside = np.array([(hz >= low) & (hz < high) for low, high in MODULATION_HZ], np.float64)
    return np.hanning(frames), inside / np.maximum(inside.sum(1, keepdims=True), 1)


def spectrum(signal: np.ndarray) -> np.ndarray:
    """The short-time Fourier transform, complex64, (1 + n // HOP) x (FFT / 2 + 1); librosa's transposed."""
    padded = np.pad(signal, FFT // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT)[::HOP]
    return scipy.fft.rfft(frames * _window(), axis=1, overwrite_x=True)


def log_mel(signal: np.ndarray) -> np.ndarray:
    """Mel bands over time [dB], float32, frames x MELS."""
    return _in_decibels(frame_shape(spectrum(signal), *_sparse_mel(), ROLLOFF)[0])


def _in_decibels(mel: np.ndarray) -> np.ndarray:
    return 10.0 * np.log10(np.maximum(mel, FLOOR))


def features(signal: np.ndarray) -> np.ndarray:
    """The features of one clip, float64, shape (len(FEATURES),), in the order of `FEATURES`.

    Args:
        signal: float32 between -1 and 1 at 16 kHz, shape (n,).

    Raises:
        BadInput: under one second, which is less than two periods of the slowest modulation.
    """
    if len(signal) < RATE:
        raise BadInput(None, f"a clip of {len(signal):,} samples", expected=f"at least {RATE:,}, which is one second")
    mel, shape = frame_shape(spectrum(signal), *_sparse_mel(), ROLLOFF)
    decibels = _in_decibels(mel)
    shape = np.concatenate([shape * (RATE / FFT), level_and_crossings(signal, HOP)], axis=1)
    cepstrum = decibels @ _dct().T
    bands = [decibels.mean(0), decibels.std(0), *_loud_and_quiet(decibels)]
    others = [cepstrum.mean(0), cepstrum.std(0), shape.mean(0), shape.std(0)]
    return np.concatenate([*bands, *others, _modulations(decibels)], dtype=np.float64)


def _loud_and_quiet(decibels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Per band, the mean over the loudest and over the quietest frames."""
    frames = len(decibels)
    loud, quiet = max(1, round(LOUD * frames)), max(1, round(QUIET * frames))
    parted = np.partition(np.ascontiguousarray(decibels.T), (quiet, frames - loud), axis=1)
    return parted[:, frames - loud :].mean(1), parted[:, :quiet].mean(1)


def _modulations(decibels: np.ndarray) -> np.ndarray:
    """How strongly the level of each group of bands swings [dB of squared dB], per modulation band, bands x GROUPS flat."""
    window, averaging = _modulation(len(decibels))
    envelope = decibels.reshape(len(decibels), GROUPS, -1).mean(2, dtype=np.float64)
    swing = np.abs(np.fft.rfft((envelope - envelope.mean(0)) * window[:, None], axis=0)) ** 2 / len(decibels)
    return (10.0 * np.log10(averaging @ swing + FLOOR)).ravel()
