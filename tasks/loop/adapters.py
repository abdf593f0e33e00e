"""How new data of a gauntlet are read and scored with its champion: a table, one entry per gauntlet that can be."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from datasets import ai4i
from datasets.errors import BadInput
from datasets.provenance import provenance
from datasets.spec import Provenance


@dataclass(frozen=True)
class InputFile:
    """One file to be scored, known by its content: a copy under another name is the same input."""

    path: Path
    sha256: str
    source: Provenance


@dataclass(frozen=True, eq=False)
class Batch:
    """The rows of a file as the model takes them; `labels` int64 (n,), None where the file has none."""

    rows: pd.DataFrame
    labels: np.ndarray | None


@dataclass(frozen=True, eq=False)
class Scored:
    """What the model says: `features` it looked at, `score` higher is worse, `alarm` its decision; n rows each."""

    features: pd.DataFrame
    score: np.ndarray
    alarm: np.ndarray


@dataclass(frozen=True)
class Adapter:
    """`target`: name of the label in the table and in the reference of the models."""

    target: str
    files: Callable[[Path], list[InputFile]]
    read: Callable[[InputFile], Batch]
    score: Callable[[Any, pd.DataFrame], Scored]
    primary_metric: str


def adapter(gauntlet: str) -> Adapter:
    """The adapter of a gauntlet.

    Raises:
        BadInput: its models cannot score new data by themselves.
    """
    if gauntlet not in ADAPTERS:
        raise BadInput(None, f"{gauntlet} has no scoring", expected=" or ".join(ADAPTERS))
    return ADAPTERS[gauntlet]


def registered_names(gauntlet: str) -> tuple[str, ...]:
    """The names that a gauntlet registers models under."""
    return tuple(import_module(f"flows.{gauntlet}").REGISTERED)


def _tables(folder: Path) -> list[InputFile]:
    """The CSV and TSV files of a folder in the order of their names, or the one file."""
    if not folder.exists():
        raise BadInput(folder, "there is no such folder or file", do="check --data")
    files = sorted(folder.glob("*.[ct]sv")) if folder.is_dir() else [folder]
    if not files:
        raise BadInput(folder, "no table to score", expected="files that end in .csv or .tsv")
    return [InputFile(one, hashlib.sha256(one.read_bytes()).hexdigest(), provenance(one)) for one in files]


def _process_rows(file: InputFile) -> Batch:
    table = ai4i.read(file.path, labelled=False)
    target = ai4i.SPEC.target
    labels = table.frame[target].to_numpy(np.int64) if target in table.frame else None
    return Batch(table.frame[list(ai4i.SPEC.features)], labels)


def _process_scores(model: Any, rows: pd.DataFrame) -> Scored:
    features = model[:-1].transform(rows)
    return Scored(features, model.predict_proba(rows)[:, 1], np.asarray(model.predict(rows)).astype(bool))


ADAPTERS: dict[str, Adapter] = {
    "ai4i": Adapter(ai4i.SPEC.target, _tables, _process_rows, _process_scores, "pr_auc"),
}
