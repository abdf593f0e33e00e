"""Load versions in a fresh process and compare their predictions: `python -m tasks.registry.fresh REQUEST.json`.

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

from datasets.errors import GauntletError


@dataclass(frozen=True)
class Expectation:
    """What a version must answer: raw rows in, `answers` out (rows,)."""

    name: str
    version: int
    answer: np.ndarray


def answers(model: Any, rows: pd.DataFrame) -> np.ndarray:
    """What a model says of raw rows, (rows,): the probability of a failure, or the value it predicts."""
    if hasattr(model, "predict_proba"):
        return np.asarray(model.predict_proba(rows)[:, 1])
    return np.asarray(model.predict(rows))


def confirm(rows: pd.DataFrame, expected: Sequence[Expectation], signing_key: Path) -> None:
    """Return when a new process loads every version and predicts the same.

    Raises:
        GauntletError: one does not load or answers differently; the message says which and how.
    """
    with tempfile.TemporaryDirectory(prefix="gauntlet-fresh-") as folder:
        rows.to_parquet(Path(folder) / "rows.parquet")
        request = Path(folder) / "request.json"
        request.write_text(
            json.dumps(
                {
                    "rows": str(Path(folder) / "rows.parquet"),
                    "key": str(signing_key),
                    "versions": [{**vars(one), "answer": one.answer.tolist()} for one in expected],
                }
            )
        )
        answer = subprocess.run(
            [sys.executable, "-m", "tasks.registry.fresh", str(request)], capture_output=True, text=True, check=False
        )
    if answer.returncode:
        lines = [line for line in answer.stderr.splitlines() if line.strip()] or ["no message"]
        raise GauntletError(f"a fresh process does not confirm the registered models: {lines[-1]}")


def _check(request: Mapping[str, object]) -> None:
    # Imported late: the parent needs `confirm` only.
    from tasks.registry.load import load
    from tasks.registry.signing import signing_key

    rows = pd.read_parquet(str(request["rows"]))
    key = signing_key(Path(str(request["key"]))).public_key()
    for one in request["versions"]:  # type: ignore[attr-defined]
        got = answers(load(one["name"], int(one["version"]), key).model, rows)
        if not np.allclose(got, one["answer"], rtol=1e-9, atol=1e-12):
            worst = float(np.max(np.abs(got - np.asarray(one["answer"]))))
            raise GauntletError(f"{one['name']} version {one['version']} predicts otherwise, by up to {worst:.3g}")


if __name__ == "__main__":
    try:
        _check(json.loads(Path(sys.argv[1]).read_text()))
    except GauntletError as error:
        sys.exit(str(error))
