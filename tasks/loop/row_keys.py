"""What makes a row the same row in whatever file it comes: a digest of what names it, and one of what it says."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

import pandas as pd


def digests(rows: pd.DataFrame, columns: Sequence[str]) -> tuple[str, ...]:
    """Of the values of these columns, 32 hexadecimal digits a row; every digit of a number counts, an index does not."""
    values = [rows[name].tolist() for name in columns]
    names = "\0".join(map(str, columns))
    return tuple(
        hashlib.blake2b(f"{names}\0{row!r}".encode(), digest_size=16).hexdigest() for row in zip(*values, strict=True)
    )


def numbered(keys: Sequence[str]) -> tuple[str, ...]:
    """Equal rows of one file told apart by their number: the first of them, the second, …"""
    seen: Counter[str] = Counter()
    told = []
    for key in keys:
        seen[key] += 1
        told.append(key if seen[key] == 1 else f"{key}-{seen[key]}")
    return tuple(told)
