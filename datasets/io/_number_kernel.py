"""The compiled loop under `signal_text`: decimal text to float32, exact or refused, without the GIL."""

from __future__ import annotations

import numpy as np

from gauntlet.datasets.io.compiled import compiled

OK, NOT_A_NUMBER, TOO_FEW, TOO_MANY, TOO_LONG, ROWS_PAST_END = range(6)

# Clinger (1990): a decimal m * 10**k is correctly rounded by one double multiplication or division when m < 2**53 and
# |k| <= 22, because both operands are exact. Everything outside is refused, not approximated.
_EXACT_MANTISSA = 2**53
_POWERS = np.array([10.0**k for k in range(23)])


# Rows of fields "d.ddd", each with or without a minus sign, are read eight bytes at a time and without a branch per
# field: the signs of a vibration are a coin toss, and a branch on them costs more than the rest of the field.
_MAX_DECIMALS = 5  # digit, point, decimals and separator fill the eight bytes


@compiled(nogil=True, error_model="numpy")
def _decimals(text, start, point):  # type: ignore[no-untyped-def]
    """Digits after the point of the first field if it is of the fixed shape, else 0."""
    n = len(text)
    i = start + 1 if start < n and text[start] == 45 else start
    if i + 2 >= n or text[i + 1] != point:
        return 0
    end = i + 2
    while end < n and 48 <= text[end] <= 57:
        end += 1
    return end - i - 2 if end - i - 2 <= _MAX_DECIMALS else 0


@compiled(nogil=True, error_model="numpy")
def _eight(text, i):  # type: ignore[no-untyped-def]
    """Eight bytes as one number, the first lowest: the compiler makes one load of it."""
    word = np.uint64(text[i])
    for k in range(1, 8):
        word |= np.uint64(text[i + np.uint64(k)]) << np.uint64(8 * k)
    return word


@compiled(nogil=True, error_model="numpy")
def _fixed_row(text, i, separator, point, decimals, slot, out, row):  # type: ignore[no-untyped-def]
    """Where the next row begins, or 0 if this row is not of the fixed shape (then `out[:, row]` is not filled).

    The caller grants that eight bytes can be read wherever a field of such a row begins.
    """
    last = np.uint64(len(slot) - 1)
    power = _POWERS[decimals]
    past = np.uint64(decimals + 2)
    shift = np.uint64(8 * (7 - decimals))  # so that the last digit is the highest byte, before it zeros
    zeros = np.uint64(0x3030303030303030) << shift
    wrong = np.uint64(0)
    for column in range(np.uint64(len(slot))):
        minus = np.uint64(text[i] == 45)
        i += minus
        word = _eight(text, i)
        digits = (((word >> np.uint64(8)) & ~np.uint64(0xFF)) | (word & np.uint64(0xFF))) << shift
        digits ^= zeros
        wrong |= ((digits + np.uint64(0x7676767676767676)) | digits) & np.uint64(0x8080808080808080)  # a byte above 9
        wrong |= ((word >> np.uint64(8)) & np.uint64(0xFF)) ^ point
        # Neighbouring digits, then pairs, then fours are joined by one multiplication each.
        digits = (digits * np.uint64(2561)) >> np.uint64(8) & np.uint64(0x00FF00FF00FF00FF)
        digits = (digits * np.uint64(6553601)) >> np.uint64(16) & np.uint64(0x0000FFFF0000FFFF)
        mantissa = np.int64((digits * np.uint64(42949672960001)) >> np.uint64(32))
        i += past
        if slot[column] >= 0:
            signed = (mantissa ^ -np.int64(minus)) + np.int64(minus)
            out[slot[column], row] = np.float32(signed / power)
        if column < last:
            wrong |= np.uint64(text[i]) ^ separator
            i += np.uint64(1)
    i += np.uint64(text[i] == 13)
    wrong |= np.uint64(text[i]) ^ np.uint64(10)
    return i + np.uint64(1) if wrong == 0 else np.uint64(0)


@compiled(nogil=True, error_model="numpy")
def parse_rows(text, start, separator, point, columns, slot, out):  # type: ignore[no-untyped-def]
    """(status, lines read, column) after filling `out` (signals x rows, float32).

    `text` uint8; `slot[c]` is the row of `out` for column c, or -1. Blank lines at the end are ignored; CR and spaces
    around a field are skipped. Status is OK or the first refusal, at the line and column returned.
    """
    # Unsigned indices: a signed one costs a test for "counted from the end" at every byte.
    n = np.uint64(len(text))
    one = np.uint64(1)
    i = np.uint64(start)
    row = np.uint64(0)
    rows = np.uint64(out.shape[1])
    last = np.uint64(columns - 1)
    decimals = _decimals(text, start, point)
    longest = np.uint64(columns * (decimals + 4) + 8)
    missed = np.uint64(0)
    while i < n:
        # Given up for the rest of the file when rows of another shape are more than a few.
        if decimals > 0 and i + longest < n and row < rows and missed <= np.uint64(8) + (row >> np.uint64(2)):
            after = _fixed_row(text, i, np.uint64(separator), np.uint64(point), decimals, slot, out, row)
            if after > 0:
                i = after
                row += one
                continue
            missed += one
        if text[i] <= 32:
            j = i  # a blank line may only be followed by blank lines
            while j < n and (text[j] == 10 or text[j] == 13 or text[j] == 32):
                j += one
            if j == n:
                break
            if text[i] == 10 or text[i] == 13:
                return TOO_FEW, row, np.uint64(0)
        if row == rows:
            return ROWS_PAST_END, row, np.uint64(0)
        column = np.uint64(0)
        while column <= last:
            while i < n and text[i] == 32:
                i += one
            negative = False
            if i < n and (text[i] == 45 or text[i] == 43):
                negative = text[i] == 45
                i += one
            mantissa = np.int64(0)
            begin = i
            while i < n:
                d = np.int64(text[i]) - 48
                if d < 0 or d > 9:
                    break
                mantissa = mantissa * 10 + d
                i += one
            digits = np.int64(i - begin)
            scale = np.int64(0)
            if i < n and text[i] == point:
                i += one
                begin = i
                while i < n:
                    d = np.int64(text[i]) - 48
                    if d < 0 or d > 9:
                        break
                    mantissa = mantissa * 10 + d
                    i += one
                scale = -np.int64(i - begin)
                digits -= scale
            if digits == 0:
                return NOT_A_NUMBER, row, column
            if digits > 18 or mantissa >= _EXACT_MANTISSA:  # 18 digits cannot overflow the mantissa
                return TOO_LONG, row, column
            if i < n and (text[i] == 101 or text[i] == 69):
                i += one
                minus = False
                if i < n and (text[i] == 45 or text[i] == 43):
                    minus = text[i] == 45
                    i += one
                power = np.int64(0)
                begin = i
                while i < n and text[i] >= 48 and text[i] <= 57:
                    power = power * 10 + (np.int64(text[i]) - 48)
                    i += one
                if i == begin:
                    return NOT_A_NUMBER, row, column
                if i - begin > np.uint64(3):
                    return TOO_LONG, row, column
                scale += -power if minus else power
            if scale < -22 or scale > 22:
                return TOO_LONG, row, column
            if slot[column] >= 0:
                value = mantissa / _POWERS[-scale] if scale < 0 else mantissa * _POWERS[scale]
                out[slot[column], row] = np.float32(-value if negative else value)
            while i < n and text[i] == 32:
                i += one
            if column < last:
                if i < n and text[i] == separator:
                    i += one
                elif i >= n or text[i] == 10 or text[i] == 13:
                    return TOO_FEW, row, column + one
                else:
                    return NOT_A_NUMBER, row, column
            column += one
        if i < n and text[i] == separator:
            i += one  # some exports end each line with a separator
            if i < n and text[i] != 10 and text[i] != 13:
                return TOO_MANY, row, column
        if i < n and text[i] == 13:
            i += one
        if i < n:
            if text[i] != 10:
                return NOT_A_NUMBER, row, last
            i += one
        row += one
    return OK, row, np.uint64(0)
