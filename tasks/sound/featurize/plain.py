"""The plain way, by librosa and one file at a time: what the features must agree with, and what they are timed against."""

from __future__ import annotations

import os
import tempfile
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from gauntlet.tasks.sound.featurize.clip import (
    FFT,
    FLOOR,
    GROUPS,
    HOP,
    LOUD,
    MELS,
    MFCCS,
    MODULATION_HZ,
    QUIET,
    RATE,
    ROLLOFF,
)


def librosa() -> ModuleType:
    """The library, with a place for its compiled code that can be written: without one, every call of it fails."""
    os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(tempfile.gettempdir()) / "gauntlet-numba"))
    import librosa as library

    return library


def load(path: Path, **options: Any) -> tuple[np.ndarray, int]:
    """As `librosa.load`, without the warnings that its back ends give of themselves when they are first looked for."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return librosa().load(path, **options)


def log_mel(signal: np.ndarray) -> np.ndarray:
    """Mel bands over time [dB], MELS x frames."""
    library = librosa()
    mel = library.feature.melspectrogram(y=signal, sr=RATE, n_fft=FFT, hop_length=HOP, n_mels=MELS)
    return library.power_to_db(mel, ref=1.0, amin=FLOOR, top_db=None)


def _zero_crossing_rate(library: ModuleType, signal: np.ndarray) -> np.ndarray:
    """Share of samples whose sign is not the one's before, 1 x frames, by librosa's definition and not by its function.

    That one is a gufunc which numba keeps compiled on disk; read from there by a second process, it has crashed (numba
    0.68, librosa 0.11).
    """
    padded = np.pad(signal, FFT // 2, mode="edge")
    frames = library.util.frame(np.where(np.abs(padded) <= 1e-10, 0, padded), frame_length=FFT, hop_length=HOP)
    crossed = np.diff(np.signbit(frames), axis=0)
    return np.asarray(crossed.sum(0, keepdims=True) / FFT)


def features(signal: np.ndarray) -> np.ndarray:
    """As `sound.features`, each quantity by its own call."""
    library = librosa()
    common = {"n_fft": FFT, "hop_length": HOP}
    decibels = log_mel(signal)
    cepstrum = library.feature.mfcc(S=decibels, n_mfcc=MFCCS)
    shape = np.concatenate(
        [
            library.feature.spectral_centroid(y=signal, sr=RATE, **common),
            library.feature.spectral_bandwidth(y=signal, sr=RATE, **common),
            library.feature.spectral_rolloff(y=signal, sr=RATE, roll_percent=ROLLOFF, **common),
            library.feature.rms(y=signal, frame_length=FFT, hop_length=HOP),
            _zero_crossing_rate(library, signal),
        ]
    )
    frames = decibels.shape[1]
    ordered = np.sort(decibels, axis=1)
    loud, quiet = round(LOUD * frames), round(QUIET * frames)
    bands = [decibels.mean(1), decibels.std(1), ordered[:, -loud:].mean(1), ordered[:, :quiet].mean(1)]
    others = [cepstrum.mean(1), cepstrum.std(1), shape.mean(1), shape.std(1)]
    return np.concatenate([*bands, *others, _modulations(decibels)])


def _modulations(decibels: np.ndarray) -> np.ndarray:
    frames = decibels.shape[1]
    hz = np.fft.rfftfreq(frames, HOP / RATE)
    rows = []
    for low, high in MODULATION_HZ:
        for group in np.split(decibels.astype(np.float64), GROUPS):
            envelope = group.mean(0)
            power = np.abs(np.fft.rfft((envelope - envelope.mean()) * np.hanning(frames))) ** 2 / frames
            rows.append(10 * np.log10(power[(hz >= low) & (hz < high)].mean() + FLOOR))
    return np.array(rows)


def notebook_features(path: Path) -> np.ndarray:
    """The usual notebook: load with resampling to 22,050 Hz and a mean of channels, then log-mel and MFCC pooled."""
    library = librosa()
    signal, rate = load(path)
    mel = library.power_to_db(library.feature.melspectrogram(y=signal, sr=rate))
    cepstrum = library.feature.mfcc(y=signal, sr=rate, n_mfcc=40)
    return np.concatenate([mel.mean(1), mel.std(1), cepstrum.mean(1), cepstrum.std(1)])
