"""One registered model for many machines: a column names each row's machine, and what was learnt of it answers."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
import pandas as pd


def rows_by_machine(X: pd.DataFrame, column: str, known: Collection[str]) -> Iterator[tuple[str, np.ndarray]]:
    """(machine, its rows, (n,) bool), the machines in the order in which they first come.

    Raises:
        ValueError: a machine that nothing was learnt of.
    """
    named = X[column].astype(str).to_numpy()
    for machine in dict.fromkeys(named.tolist()):
        if machine not in known:
            some = ", ".join(sorted(known)[:5]) + (" …" if len(known) > 5 else "")
            raise ValueError(f"column {column!r}: nothing was learnt of {machine!r}; expected one of {some}")
        yield machine, named == machine
