"""Load versions in a fresh process and compare their predictions: `python -m gauntlet.tasks.registry.fresh REQUEST.json`.

What only works in the process that trained it is found here, before an alias points at it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gauntlet.datasets.errors import GauntletError
from gauntlet.tasks.models.answer import answer


@dataclass(frozen=True, eq=False)
class Expectation:
    """What a version must answer to raw rows: a frame with a row per row."""

    name: str
    version: int
    rows: pd.DataFrame
    answer: pd.DataFrame


def confirm(expected: Sequence[Expectation], signing_key: Path) -> None:
    """Return when a new process loads every version and answers the same.

    Raises:
        GauntletError: one does not load or answers differently; the message says which and how.
    """
    with tempfile.TemporaryDirectory(prefix="gauntlet-fresh-") as folder:
        versions = []
        for place, one in enumerate(expected):
            rows, wanted = Path(folder) / f"{place}-rows.parquet", Path(folder) / f"{place}-answer.parquet"
            one.rows.to_parquet(rows)
            one.answer.to_parquet(wanted)
            versions.append({"name": one.name, "version": one.version, "rows": str(rows), "answer": str(wanted)})
        request = Path(folder) / "request.json"
        request.write_text(json.dumps({"key": str(signing_key), "versions": versions}))
        done = subprocess.run(
            [sys.executable, "-P", "-m", "gauntlet.tasks.registry.fresh", str(request)],
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no message"]
        raise GauntletError(f"a fresh process does not confirm the registered models: {lines[-1]}")


def _check(request: Mapping[str, Any]) -> None:
    # Imported late: the parent needs `confirm` only.
    from gauntlet.tasks.registry.keys import signing_key
    from gauntlet.tasks.registry.load import load

    key = signing_key(Path(str(request["key"]))).public_key()
    for one in request["versions"]:
        got = answer(load(one["name"], int(one["version"]), key).model, pd.read_parquet(one["rows"]))
        if difference := _difference(got, pd.read_parquet(one["answer"])):
            raise GauntletError(f"{one['name']} version {one['version']} answers otherwise, {difference}")


def _difference(got: pd.DataFrame, wanted: pd.DataFrame) -> str:
    """How two answers differ; empty when they do not."""
    if got.shape != wanted.shape or list(got.columns) != list(wanted.columns):
        return "in shape"
    left, right = got.to_numpy(np.float64), wanted.to_numpy(np.float64)
    if np.allclose(left, right, rtol=1e-9, atol=1e-12, equal_nan=True):
        return ""
    return f"by up to {np.nanmax(np.abs(left - right)):.3g}"


if __name__ == "__main__":
    try:
        _check(json.loads(Path(sys.argv[1]).read_text()))
    except GauntletError as error:
        sys.exit(str(error))
