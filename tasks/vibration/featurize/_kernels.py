"""Compiled loops under `vibration`: one pass per row, float64 accumulators, no GIL."""

from __future__ import annotations

import numpy as np

from gauntlet.datasets.io.compiled import compiled

BINS = 64
# Sums may be reordered (so that they vectorise); NaN and infinity keep their meaning.
_SUMS = {"reassoc", "contract", "nsz"}


@compiled(nogil=True, error_model="numpy")
def _range(bits):  # type: ignore[no-untyped-def]
    """(smallest, greatest) of float32 numbers given as their int32 `bits`.

    As integers with the negative ones mirrored they keep their order, and unlike floats they vectorise without the
    promise that none is NaN.
    """
    low = np.int32(2147483647)
    high = np.int32(-2147483648)
    for i in range(len(bits)):
        key = np.int32(bits[i] ^ ((bits[i] >> 31) & 0x7FFFFFFF))
        low = min(low, key)
        high = max(high, key)
    ends = np.array([low, high], np.int32)
    for i in range(2):
        ends[i] ^= (ends[i] >> 31) & 0x7FFFFFFF
    as_float = ends.view(np.float32)
    return np.float64(as_float[0]), np.float64(as_float[1])


@compiled(nogil=True, error_model="numpy", fastmath=_SUMS)
def _entropy(row, low, high, place):  # type: ignore[no-untyped-def]
    """Shannon entropy [nat] of a histogram of `BINS` bins over a little more than `low` to `high`.

    `place`: room for as many int32.
    """
    # Edges are set off from the extremes by odd shares, so that quantised samples do not fall on them.
    first = low - 0.0101 * (high - low)
    inverse = BINS / (1.0234 * (high - low)) if high > low else 0.0
    n = len(row)
    for i in range(n):
        place[i] = min(max(np.int32((np.float64(row[i]) - first) * inverse), np.int32(0)), np.int32(BINS - 1))
    # Four tables, because a count that was just written has to arrive before it can be raised again.
    counts = np.zeros((4, BINS), np.int32)
    for i in range(0, n - 3, 4):
        for k in range(4):
            counts[k, np.uint64(place[np.uint64(i + k)])] += np.int32(1)
    for i in range(n - n % 4, n):
        counts[0, place[i]] += np.int32(1)
    entropy = 0.0
    for k in range(BINS):
        share = (counts[0, k] + counts[1, k] + counts[2, k] + counts[3, k]) / n
        if share > 0:
            entropy -= share * np.log(share)
    return entropy


@compiled(nogil=True, error_model="numpy", fastmath=_SUMS)
def _sums(row):  # type: ignore[no-untyped-def]
    """Sums of the values, their squares, sizes and square roots of sizes; the roots are rounded to float32."""
    total = 0.0
    squares = 0.0
    absolute = 0.0
    roots = 0.0
    for i in range(len(row)):
        size = abs(row[i])
        v = np.float64(row[i])
        total += v
        squares += v * v
        absolute += np.float64(size)
        roots += np.float64(np.sqrt(size))
    return total, squares, absolute, roots


@compiled(nogil=True, error_model="numpy", fastmath=_SUMS)
def _centre(row, mean, centred):  # type: ignore[no-untyped-def]
    """Sums of the second to fourth powers about `mean`; fills `centred`, float32."""
    m2 = 0.0
    m3 = 0.0
    m4 = 0.0
    for i in range(len(row)):
        d = np.float64(row[i]) - mean
        centred[i] = np.float32(d)
        q = d * d
        m2 += q
        m3 += q * d
        m4 += q * q
    return m2, m3, m4


@compiled(nogil=True, error_model="numpy")
def _sign_changes(bits):  # type: ignore[no-untyped-def]
    """How often the sign changes between float32 numbers given as int32 `bits`."""
    changes = np.int32(0)
    for i in range(1, len(bits)):
        changes += np.int32(((bits[i] ^ bits[i - 1]) >> 31) & 1)
    return changes


@compiled(nogil=True, error_model="numpy", fastmath=_SUMS)
def time_moments(rows, out, centred):  # type: ignore[no-untyped-def]
    """Fills `out` (rows x 14, order of `vibration.TIME`) and `centred` (rows less their mean, float32)."""
    n = rows.shape[1]
    place = np.empty(n, np.int32)
    for r in range(rows.shape[0]):
        total, squares, absolute, roots = _sums(rows[r])
        low, high = _range(rows[r].view(np.int32))
        mean = total / n
        m2, m3, m4 = _centre(rows[r], mean, centred[r])
        m2 /= n
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
        out[r, 12] = _sign_changes(centred[r].view(np.int32)) / (n - 1)
        out[r, 13] = _entropy(rows[r], low, high, place)


@compiled(nogil=True, error_model="numpy", fastmath=_SUMS)
def _power(spectrum, power):  # type: ignore[no-untyped-def]
    """Sums of |z|^2 and of |z|^2 k over the bins k; fills `power`, float32."""
    total = 0.0
    first = 0.0
    for k in range(len(spectrum)):
        z = spectrum[k]
        p = z.real * z.real + z.imag * z.imag
        power[k] = p
        total += np.float64(p)
        first += np.float64(p) * np.float64(np.int32(k))  # a conversion from 64 bits would not vectorise
    return total, first


@compiled(nogil=True, error_model="numpy", fastmath=_SUMS)
def _spread(power, from_centre):  # type: ignore[no-untyped-def]
    """Sums of the powers, times the second and the fourth power of the distance; the first bin's is `from_centre`."""
    share = 0.0
    second = 0.0
    fourth = 0.0
    for k in range(len(power)):
        p = np.float64(power[k])
        d = np.float64(np.int32(k)) + from_centre
        q = d * d
        share += p
        second += q * p
        fourth += q * q * p
    return share, second, fourth


@compiled(nogil=True, error_model="numpy")
def _reaches(power, before, goal):  # type: ignore[no-untyped-def]
    """The first bin at which `before` and the powers so far sum up to `goal`; the last one if none."""
    for k in range(len(power)):
        before += np.float64(power[k])
        if before >= goal:
            return k
    return len(power) - 1


@compiled(nogil=True, error_model="numpy")
def spectrum_moments(spectra, resolution, n, bands, out):  # type: ignore[no-untyped-def]
    """Fills `out` (rows x 7 + bands, order of `vibration.FREQUENCY`) from complex rfft rows of the centred signal.

    `bands` is even: the upper half of the spectrum is the upper half of the bands.
    """
    bins = spectra.shape[1]
    power = np.empty(bins, np.float32)
    for r in range(spectra.shape[0]):
        total, first = _power(spectra[r], power)
        if total <= 0:
            out[r] = 0.0
            continue
        best = np.float32(_range(power.view(np.int32))[1])
        at = 0
        while power[at] < best:
            at += 1
        centre = first / total
        second = 0.0
        fourth = 0.0
        running = 0.0
        high = 0.0
        roll = -1
        for b in range(bands):
            low = (b * bins + bands - 1) // bands  # where k * bands // bins becomes b
            part = power[low : ((b + 1) * bins + bands - 1) // bands]
            share, second_of_band, fourth_of_band = _spread(part, low - centre)
            second += second_of_band
            fourth += fourth_of_band
            if roll < 0 and running + share >= 0.85 * total:
                roll = low + _reaches(part, running, 0.85 * total)
            running += share
            high += share if 2 * b >= bands else 0.0
            out[r, 7 + b] = share / total
        second /= total
        out[r, 0] = at * resolution
        out[r, 1] = 2 * np.sqrt(np.float64(best)) / n
        out[r, 2] = centre * resolution
        out[r, 3] = np.sqrt(second) * resolution
        out[r, 4] = roll * resolution
        out[r, 5] = high / total
        out[r, 6] = fourth / total / second**2 if second > 0 else 0.0


@compiled(nogil=True, error_model="numpy", fastmath=_SUMS)
def _envelope_sums(band):  # type: ignore[no-untyped-def]
    s1 = 0.0
    s2 = 0.0
    for i in range(len(band)):
        z = band[i]
        e = np.float64(z.real * z.real + z.imag * z.imag)
        s1 += e
        s2 += e * e
    return s1, s2


@compiled(nogil=True, error_model="numpy")
def keep_best(analytic, level, best, squared):  # type: ignore[no-untyped-def]
    """Where a band of this level beats `best`, fills `squared[r, :width]` with its |z|^2 less their mean.

    `analytic`: rows * level x width. `best`: rows x 4 of level, band, kurtosis <|z|^4>/<|z|^2>^2 - 2 (Antoni 2006,
    eq. 8), mean of |z|^2.
    """
    m = analytic.shape[1]
    for r in range(len(best)):
        winner = -1
        for band in range(level):
            s1, s2 = _envelope_sums(analytic[r * level + band])
            kurtosis = s2 * m / (s1 * s1) - 2.0 if s1 > 0 else 0.0
            if kurtosis > best[r, 2]:
                winner = band
                best[r, 0], best[r, 1], best[r, 2], best[r, 3] = level, band, kurtosis, s1 / m
        if winner >= 0:
            mean = np.float32(best[r, 3])
            for i in range(m):
                z = analytic[r * level + winner, i]
                squared[r, i] = z.real * z.real + z.imag * z.imag - mean


@compiled(nogil=True, error_model="numpy")
def _bin(parts, turns, k):  # type: ignore[no-untyped-def]
    """Size of bin k of the spectrum of a real signal whose every ways-th samples have the spectra `parts`.

    The first stage of a decimation in time (Cooley and Tukey 1965), taken only where a bin is asked for. `parts`:
    size / ways / 2 + 1 x ways; `turns`: exp(-2 pi i t / size) for t < size.
    """
    ways = parts.shape[1]
    size = len(turns)
    length = size // ways
    at = k
    while at >= length:
        at -= length
    mirrored = at > length // 2
    at = length - at if mirrored else at
    total = np.complex64(0)
    turn = 0
    for j in range(ways):
        z = parts[at, j]
        total += (np.conj(z) if mirrored else z) * turns[turn]
        turn += k  # k < size: one subtraction keeps it on the circle
        turn -= size if turn >= size else 0
    return np.sqrt(total.real * total.real + total.imag * total.imag)


@compiled(nogil=True, error_model="numpy")
def _prominence(size, centre, half, reach):  # type: ignore[no-untyped-def]
    """log(peak within `half` bins of `centre` / median of the bins within `reach`), 0 where there is neither."""
    last = len(size) - 1
    peak = size[max(1, centre - half) : centre + half + 1].max()
    floor = np.median(size[max(1, centre - reach) : min(last, centre + reach) + 1])
    return np.log(np.float64(peak) / floor) if floor > 0 and peak > 0 else 0.0


@compiled(nogil=True, error_model="numpy")
def line_prominence(parts, turns, bins, half_width, reach, rows, out):  # type: ignore[no-untyped-def]
    """Fills `out[rows]` (order of `vibration.LINES`) with the prominence of the lines, of the sidebands the mean of two.

    `parts`: len(rows) spectra, `turns`: see `_bin`. `bins`, `half_width`: five per element, harmonics 1 to 3, then the
    sidebands. A line past the end of the spectrum gives 0: no evidence.
    """
    last = len(turns) // 2
    size = np.empty(last + 1, np.float32)
    for g in range(len(rows)):
        known = np.zeros(last + 1, np.bool_)
        for i in range(len(bins)):
            centre = int(np.round(bins[i]))
            half = half_width[i]
            value = 0.0
            if centre >= 1 and centre + half <= last:
                for k in range(max(1, centre - max(reach, half)), min(last, centre + max(reach, half)) + 1):
                    if not known[k]:
                        size[k] = _bin(parts[g], turns, k)
                        known[k] = True
                value = _prominence(size, centre, half, reach)
            element, part = divmod(i, 5)
            if part < 4:
                out[rows[g], 4 * element + part] = value
            else:
                out[rows[g], 4 * element + 3] = (out[rows[g], 4 * element + 3] + value) / 2
