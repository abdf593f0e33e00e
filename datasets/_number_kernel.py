"""The compiled loop under `signal_text`: decimal text to float32, exact or refused, without the GIL."""

from __future__ import annotations

import numba
import numpy as np

OK, NOT_A_NUMBER, TOO_FEW, TOO_MANY, TOO_LONG, ROWS_PAST_END = range(6)

# Clinger (1990): a decimal m * 10**k is correctly rounded by one double multiplication or division when m < 2**53 and
# |k| <= 22, because both operands are exact. Everything outside is refused, not approximated.
_EXACT_MANTISSA = 2**53
_POWERS = np.array([10.0**k for k in range(23)])


@numba.njit(nogil=True, cache=True, error_model="numpy")
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
    while i < n:
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
