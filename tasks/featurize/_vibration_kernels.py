"""Compiled loops under `vibration`: one pass per row, float64 accumulators, no GIL."""

from __future__ import annotations

import numba
import numpy as np

BINS = 64
# Sums may be reordered (so that they vectorise); NaN and infinity keep their meaning.
_SUMS = {"reassoc", "contract", "nsz"}


@numba.njit(nogil=True, cache=True, error_model="numpy", fastmath=_SUMS)
def time_moments(rows, out, centred):  # type: ignore[no-untyped-def]
    """Fills `out` (rows x 14, order of `vibration.TIME`) and `centred` (rows less their mean, float32)."""
    n = rows.shape[1]
    for r in range(rows.shape[0]):
        total = 0.0
        squares = 0.0
        absolute = 0.0
        roots = 0.0
        low = np.float64(rows[r, 0])
        high = low
        for i in range(n):
            v = np.float64(rows[r, i])
            a = abs(v)
            total += v
            squares += v * v
            absolute += a
            roots += np.sqrt(a)
            low = min(low, v)
            high = max(high, v)
        mean = total / n
        m2 = 0.0
        m3 = 0.0
        m4 = 0.0
        crossings = 0
        counts = np.zeros(BINS, np.int64)
        # Edges are set off from the extremes by odd shares, so that quantised samples do not fall on them.
        first = low - 0.0101 * (high - low)
        inverse = BINS / (1.0234 * (high - low)) if high > low else 0.0
        above = np.float64(rows[r, 0]) - mean >= 0
        for i in range(n):
            v = np.float64(rows[r, i])
            d = v - mean
            centred[r, i] = np.float32(d)
            q = d * d
            m2 += q
            m3 += q * d
            m4 += q * q
            now = d >= 0
            crossings += now != above
            above = now
        for i in range(n):
            k = np.uint64((np.float64(rows[r, i]) - first) * inverse)
            counts[min(k, np.uint64(BINS - 1))] += 1
        m2 /= n
        entropy = 0.0
        for c in counts:
            if c > 0:
                entropy -= c / n * np.log(c / n)
        rms = np.sqrt(squares / n)
        peak = max(abs(low), abs(high))
        absolute /= n
        roots = (roots / n) ** 2
        flat = m2 <= 0
        out[r, 0] = mean
        out[r, 1] = np.sqrt(m2)
        out[r, 2] = rms
        out[r, 3] = absolute
        out[r, 4] = peak
        out[r, 5] = high - low
        out[r, 6] = peak / rms if rms > 0 else 0.0
        out[r, 7] = peak / absolute if absolute > 0 else 0.0
        out[r, 8] = rms / absolute if absolute > 0 else 0.0
        out[r, 9] = peak / roots if roots > 0 else 0.0
        out[r, 10] = 0.0 if flat else m3 / n / m2**1.5
        out[r, 11] = 0.0 if flat else m4 / n / m2**2 - 3.0
        out[r, 12] = crossings / (n - 1)
        out[r, 13] = entropy


@numba.njit(nogil=True, cache=True, error_model="numpy", fastmath=_SUMS)
def spectrum_moments(spectra, resolution, n, bands, out):  # type: ignore[no-untyped-def]
    """Fills `out` (rows x 7 + bands, order of `vibration.FREQUENCY`) from complex rfft rows of the centred signal."""
    bins = spectra.shape[1]
    power = np.empty(bins)
    for r in range(spectra.shape[0]):
        total = 0.0
        first = 0.0
        best = 0.0
        at = 0
        high = 0.0
        for k in range(bins):
            z = spectra[r, k]
            p = np.float64(z.real) * z.real + np.float64(z.imag) * z.imag
            power[k] = p
            total += p
            first += p * k
            if p > best:
                best = p
                at = k
        for k in range((bins + 1) // 2, bins):
            high += power[k]
        if total <= 0:
            out[r] = 0.0
            continue
        centre = first / total
        second = 0.0
        fourth = 0.0
        running = 0.0
        roll = -1
        for b in range(bands):
            out[r, 7 + b] = 0.0
        for k in range(bins):
            p = power[k]
            d = (k - centre) ** 2
            second += p * d
            fourth += p * d * d
            running += p
            if roll < 0 and running >= 0.85 * total:
                roll = k
            out[r, 7 + k * bands // bins] += p / total
        second /= total
        out[r, 0] = at * resolution
        out[r, 1] = 2 * np.sqrt(best) / n
        out[r, 2] = centre * resolution
        out[r, 3] = np.sqrt(second) * resolution
        out[r, 4] = roll * resolution
        out[r, 5] = high / total
        out[r, 6] = fourth / total / second**2 if second > 0 else 0.0


@numba.njit(nogil=True, cache=True, error_model="numpy", fastmath=_SUMS)
def squared_envelope(analytic, squared, kurtosis):  # type: ignore[no-untyped-def]
    """Fills `squared` with |z|^2 (rows x m) and `kurtosis` with <|z|^4>/<|z|^2>^2 - 2 per row (Antoni 2006, eq. 8)."""
    m = analytic.shape[1]
    for r in range(analytic.shape[0]):
        s1 = 0.0
        s2 = 0.0
        for i in range(m):
            z = analytic[r, i]
            e = z.real * z.real + z.imag * z.imag
            squared[r, i] = e
            s1 += np.float64(e)
            s2 += np.float64(e) * np.float64(e)
        kurtosis[r] = s2 * m / (s1 * s1) - 2.0 if s1 > 0 else 0.0


@numba.njit(nogil=True, cache=True, error_model="numpy", fastmath=_SUMS)
def line_prominence(magnitude, bins, half_width, reach, out):  # type: ignore[no-untyped-def]
    """Fills `out[i]` with log(peak within `half_width[i]` bins of `bins[i]` / median of the bins within `reach`).

    A line past the end of the spectrum gives 0: no evidence.
    """
    last = len(magnitude) - 1
    for i in range(len(bins)):
        centre = int(np.round(bins[i]))
        if centre < 1 or centre + half_width[i] > last:
            out[i] = 0.0
            continue
        peak = 0.0
        for k in range(max(1, centre - half_width[i]), centre + half_width[i] + 1):
            peak = max(peak, magnitude[k])
        floor = np.median(magnitude[max(1, centre - reach) : min(last, centre + reach) + 1])
        out[i] = np.log(peak / floor) if floor > 0 and peak > 0 else 0.0
