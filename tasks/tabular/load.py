"""The process table: the published file, the user's own in its format, or a simulated one; never a silent mix."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gauntlet.datasets import dataset
from gauntlet.datasets.source import read_located
from gauntlet.datasets.spec import Provenance, Table
from gauntlet.tasks.gauntlet import Gauntlet, Request
from gauntlet.tasks.metrics.cross_validation import Folds, stratified_folds

MODES = ("TWF", "HDF", "PWF", "OSF")


@dataclass(frozen=True, eq=False)
class ProcessTable:
    """The rows that models see (`X`), the labels (`y`), and what only the analysis may look at (`modes`)."""

    gauntlet: Gauntlet
    request: Request
    spec: Table
    X: pd.DataFrame
    y: np.ndarray
    modes: dict[str, np.ndarray]
    source: Provenance
    path: Path
    columns: tuple[str, ...]
    sha256: str
    bytes: int
    published: bool


def load(gauntlet: Gauntlet, request: Request) -> ProcessTable:
    """The table with the columns that models are given: with `columns` "all" also those that know the label."""
    module = dataset(gauntlet.dataset)
    spec: Table = module.SPEC
    table = read_located(module, request.source, request.data, request.root, request.seed)
    all_columns = request.parameters["columns"] == "all"
    consequences = [column for column in spec.consequences if all_columns and column in table.frame]
    return ProcessTable(
        gauntlet,
        request,
        spec,
        X=table.frame[[*spec.features, *consequences]].astype(dict.fromkeys(consequences, np.float64)),
        y=table.frame[spec.target].to_numpy(dtype=np.int64),
        modes={mode: table.frame[mode].to_numpy() for mode in MODES if mode in table.frame},
        source=table.source,
        path=table.path,
        columns=tuple(table.frame.columns),
        sha256=table.sha256,
        bytes=table.bytes,
        published=table.published,
    )


def split(table: ProcessTable, seed: int) -> Folds:
    """Five stratified folds, shuffled twice, before anything is fitted."""
    return stratified_folds(table.y, seed)
