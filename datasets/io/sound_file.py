"""One channel of one WAV file as float32, checked: what cannot be used says why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile

from gauntlet.datasets.errors import BadInput

Channel = int | Literal["mean"]

RATE = 16_000
FULL_SCALE = 32_768.0
# A sound card that overloads holds many samples at the rail; a loud clip touches it once or twice.
CLIPPED_SHARE = 1e-3
SHORTEST = 0.9


@dataclass(frozen=True)
class Expected:
    """What every clip of a set must be: samples per second, and seconds."""

    rate: int = RATE
    seconds: float = 10.0


def samples(path: Path, channel: Channel = 0) -> tuple[np.ndarray, int]:
    """(one channel as int16 or the mean of all as float32 in the same units, rate [Hz]); shape (n,).

    Read as int16, since converting all eight channels costs ten times the reading.

    Raises:
        BadInput: empty, not a WAV file, cut off before its first sample, or without this channel.
    """
    try:
        if path.stat().st_size == 0:
            raise BadInput(path, "the file is empty", expected="a WAV file")
        with soundfile.SoundFile(path) as file:
            if file.format not in ("WAV", "WAVEX"):
                raise BadInput(path, "not a WAV file", saw=file.format, expected="RIFF/WAVE")
            rate, channels = file.samplerate, file.channels
            content = file.read(dtype="int16", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise BadInput(path, f"not a WAV file ({error.error_string.rstrip('.')})", expected="RIFF/WAVE") from None
    except OSError as error:
        raise BadInput(path, f"cannot be read ({error.strerror})") from None
    if not len(content):
        raise BadInput(path, "the file holds no sample")
    if channel == "mean":
        return _mean(content), rate
    if not 0 <= channel < channels:
        expected = "0" if channels == 1 else f"0 to {channels - 1}"
        raise BadInput(path, f"there is no channel {channel}", expected=f"{expected}, or mean")
    return np.ascontiguousarray(content[:, channel]), rate


def _mean(content: np.ndarray) -> np.ndarray:
    # Channel by channel: numpy's mean over so short an axis is seven times slower.
    total = content[:, 0].astype(np.int32)
    for k in range(1, content.shape[1]):
        total += content[:, k]
    return total.astype(np.float32) / np.float32(content.shape[1])


def check(counts: np.ndarray, rate: int, expected: Expected, path: Path) -> None:
    """Nothing, when the clip is as long, as fast and as loud as a clip must be.

    Raises:
        BadInput: another sampling rate, too short, silent or clipped.
    """
    if rate != expected.rate:
        raise BadInput(path, f"sampled at {rate:,} Hz", expected=f"{expected.rate:,} Hz", do="resample it")
    seconds = len(counts) / rate
    if seconds < SHORTEST * expected.seconds:
        raise BadInput(path, f"the clip is short: {seconds:.2f} s", expected=f"{expected.seconds:g} s")
    low, high = float(counts.min()), float(counts.max())
    if high - low <= 2:
        raise BadInput(path, "the clip is silent", saw=f"{low:g} to {high:g} of ±{FULL_SCALE:.0f} throughout")
    share = float(((counts >= FULL_SCALE - 1) | (counts <= -FULL_SCALE)).mean())
    if share > CLIPPED_SHARE:
        raise BadInput(path, "the clip is clipped", saw=f"{share:.1%} of samples at full scale", do="record it lower")


def as_float(counts: np.ndarray) -> np.ndarray:
    """Samples between -1 and 1, float32, as `soundfile` and `librosa` give them."""
    return counts.astype(np.float32) / np.float32(FULL_SCALE)


def waveform(path: Path, channel: Channel = 0, expected: Expected | None = None) -> np.ndarray:
    """One channel between -1 and 1, float32, shape (n,); with `expected` it is checked.

    Raises:
        BadInput: see `samples` and `check`.
    """
    counts, rate = samples(path, channel)
    if expected is not None:
        check(counts, rate, expected, path)
    return as_float(counts)


def usual_length(paths: list[Path]) -> float:
    """The commonest length [s] in the headers of up to 25 of these files; 10 s where none can be read."""
    step = max(1, len(paths) // 25)
    seconds = []
    for path in paths[::step][:25]:
        try:
            seconds.append(round(soundfile.info(path).duration, 1))
        except (soundfile.LibsndfileError, OSError):
            continue
    return max(set(seconds), key=lambda length: (seconds.count(length), length)) if seconds else Expected().seconds
