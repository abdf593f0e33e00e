"""The inner loops of the sound features, compiled: one pass over a clip's frames while they are in the cache."""

from __future__ import annotations

import numpy as np

from gauntlet.datasets.io.compiled import compiled


@compiled(fastmath=True, nogil=True)
def frame_shape(
    spectrum: np.ndarray, first: np.ndarray, offsets: np.ndarray, weights: np.ndarray, rolloff: float
) -> tuple[np.ndarray, np.ndarray]:
    """(mel energies frames x bands, [centroid, bandwidth, rolloff] in bins frames x 3) of frames x bins complex64.

    Band b sums power times `weights[offsets[b]:offsets[b + 1]]` from bin `first[b]` on. Centroid, bandwidth and rolloff
    weigh bins by magnitude, as librosa does.
    """
    frames, bins = spectrum.shape
    mel = np.empty((frames, len(first)), np.float32)
    shape = np.empty((frames, 3), np.float32)
    power = np.empty(bins, np.float32)
    magnitude = np.empty(bins, np.float32)
    for t in range(frames):
        total = np.float32(0.0)
        moment = np.float32(0.0)
        for f in range(bins):
            value = spectrum[t, f]
            power[f] = value.real * value.real + value.imag * value.imag
            magnitude[f] = np.sqrt(power[f])
            total += magnitude[f]
            moment += magnitude[f] * np.float32(f)
        for band in range(len(first)):
            energy = np.float32(0.0)
            low, start = offsets[band], first[band]
            for j in range(offsets[band + 1] - low):
                energy += power[start + j] * weights[low + j]
            mel[t, band] = energy
        safe = total if total > 0 else np.float32(1.0)
        centre = moment / safe
        spread = np.float32(0.0)
        for f in range(bins):
            away = np.float32(f) - centre
            spread += magnitude[f] * away * away
        goal, part, place = np.float32(rolloff) * total, np.float32(0.0), 0
        for f in range(bins):
            part += magnitude[f]
            place = f
            if part >= goal:
                break
        shape[t, 0] = centre
        shape[t, 1] = np.sqrt(spread / safe)
        shape[t, 2] = place
    return mel, shape


@compiled(fastmath=True, nogil=True)
def level_and_crossings(signal: np.ndarray, hop: int) -> np.ndarray:
    """[effective value, zero crossings per sample] of each centred frame of two hops, frames x 2.

    A frame is two blocks of one hop; blocks are summed once and shared by the frames that overlap.
    """
    n = len(signal)
    frames = 1 + n // hop
    energy = np.zeros(frames + 1, np.float32)
    crossed = np.zeros(frames + 1, np.int64)
    at_edge = np.zeros(frames + 1, np.int64)
    below = np.empty(n, np.uint8)
    for i in range(n):
        below[i] = signal[i] < np.float32(-1e-10)
    for block in range(1, frames + 1):  # block 0 is the padding in front
        start, end = (block - 1) * hop, min(block * hop, n)
        total, changes = np.float32(0.0), 0
        for i in range(start, end):
            total += signal[i] * signal[i]
        for i in range(max(start, 1), end):
            changes += below[i] != below[i - 1]
        energy[block], crossed[block] = total, changes
        at_edge[block] = start > 0 and start < n and below[start] != below[start - 1]
    out = np.empty((frames, 2), np.float32)
    for t in range(frames):
        out[t, 0] = np.sqrt((energy[t] + energy[t + 1]) / (2 * hop))
        # The change into the first sample of a frame is not inside of it.
        out[t, 1] = (crossed[t] + crossed[t + 1] - at_edge[t]) / (2 * hop)
    return out
