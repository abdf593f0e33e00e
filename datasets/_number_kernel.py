"""The compiled loop under `signal_text`: decimal text to float32, exact or refused, without the GIL."""

from __future__ import annotations

import numba
import numpy as np

OK, NOT_A_NUMBER, TOO_FEW, TOO_MANY, TOO_LONG, ROWS_PAST_END = range(6)

# Clinger (1990): a decimal m * 10**k is correctly rounded by one double multiplication or division when m < 2**53 and
# |k| <= 22, because both operands are exact. Everything outside is refused, not approximated.
_EXACT_MANTISSA = 2**53
_POWERS = np.array([10.0**k for k in range(23)])


@numba.njit(nogil=True, cache=True)
def parse_rows(text, start, separator, point, columns, slot, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """(status, lines read, column) after filling `out` (signals x rows, float32).

    `text` uint8; `slot[c]` is the row of `out` for column c, or -1. Blank lines at the end are ignored; CR and spaces
    around a field are skipped. Status is OK or the first refusal, at the line and column returned.
    """
    n = len(text)
    i = start
    row = 0
    rows = out.shape[1]
    while i < n:
        # A blank line may only be followed by blank lines.
        if text[i] == 10 or text[i] == 13:
            j = i
            while j < n and (text[j] == 10 or text[j] == 13 or text[j] == 32):
                j += 1
            if j == n:
                break
            if text[i] == 13 and text[i + 1] == 10:
                return TOO_FEW, row, 0
            return TOO_FEW, row, 0
        if row == rows:
            return ROWS_PAST_END, row, 0
        for column in range(columns):
            while i < n and text[i] == 32:
                i += 1
            negative = False
            if i < n and (text[i] == 45 or text[i] == 43):
                negative = text[i] == 45
                i += 1
            mantissa = np.int64(0)
            digits = 0
            scale = 0
            seen_point = False
            while i < n:
                c = text[i]
                d = np.int64(c) - 48
                if 0 <= d <= 9:
                    mantissa = mantissa * 10 + d
                    digits += 1
                    if mantissa >= _EXACT_MANTISSA or digits > 300:
                        return TOO_LONG, row, column
                    if seen_point:
                        scale -= 1
                elif c == point and not seen_point:
                    seen_point = True
                else:
                    break
                i += 1
            if digits == 0:
                return NOT_A_NUMBER, row, column
            if i < n and (text[i] == 101 or text[i] == 69):
                i += 1
                minus = False
                if i < n and (text[i] == 45 or text[i] == 43):
                    minus = text[i] == 45
                    i += 1
                power = 0
                power_digits = 0
                while i < n and 48 <= text[i] <= 57:
                    power = power * 10 + (np.int64(text[i]) - 48)
                    power_digits += 1
                    i += 1
                    if power_digits > 3:
                        return TOO_LONG, row, column
                if power_digits == 0:
                    return NOT_A_NUMBER, row, column
                scale += -power if minus else power
            if scale < -22 or scale > 22:
                return TOO_LONG, row, column
            value = mantissa / _POWERS[-scale] if scale < 0 else mantissa * _POWERS[scale]
            if slot[column] >= 0:
                out[slot[column], row] = np.float32(-value if negative else value)
            while i < n and text[i] == 32:
                i += 1
            if column < columns - 1:
                if i < n and text[i] == separator:
                    i += 1
                elif i >= n or text[i] == 10 or text[i] == 13:
                    return TOO_FEW, row, column + 1
                else:
                    return NOT_A_NUMBER, row, column
        if i < n and text[i] == separator and separator != 32:
            i += 1  # some exports end each line with a separator
            while i < n and text[i] == 32:
                i += 1
            if i < n and text[i] != 10 and text[i] != 13:
                return TOO_MANY, row, columns
        if i < n and text[i] == 13:
            i += 1
        if i < n:
            if text[i] != 10:
                return NOT_A_NUMBER, row, columns - 1
            i += 1
        row += 1
    return OK, row, 0
