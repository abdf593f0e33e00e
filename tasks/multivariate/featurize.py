"""What may be learnt from: the baseline of each run, its first rows, and the sensors that stand still over it."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from gauntlet.datasets import dataset
from gauntlet.datasets.skab import BEGINNING, SKAB
from gauntlet.tasks.contract import Prepared, Summary
from gauntlet.tasks.multivariate.load import LoadedRuns
from gauntlet.tasks.multivariate.setting import drift, steady_sensors
from gauntlet.tasks.result import InputSummary, Quarantined


@dataclass(frozen=True, eq=False)
class Runs(Prepared):
    """`baselines`: the first rows of each run. `drift`: of each sensor over a baseline. `steady`: sensors that stand still."""

    rig: SKAB
    baselines: tuple[pd.DataFrame, ...]
    drift: pd.Series
    steady: tuple[str, ...]


def featurize(loaded: LoadedRuns) -> Runs:
    """The runs as candidates are trained and judged on them."""
    rig, gauntlet = loaded.rig, loaded.gauntlet
    baselines = tuple(run.values.iloc[:BEGINNING] for run in rig.runs)
    summary = Summary(
        dataset=dataset(gauntlet.dataset).SPEC,
        source=rig.source,
        data_hash=rig.sha256,
        input=InputSummary(
            files=len(rig.runs),
            rows=rig.rows,
            bytes=rig.bytes,
            quarantined=tuple(Quarantined(file, reason) for file, reason in rig.quarantined),
        ),
        size=f"{len(rig.runs)} runs, {rig.rows:,} rows",
        place=rig.path.name,
        protocol=gauntlet.protocol,
    )
    return Runs(gauntlet, loaded.request, summary, rig, baselines, drift(baselines), steady_sensors(baselines))
