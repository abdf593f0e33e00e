"""Models that are fitted anew at every origin, side by side in processes of their own, which say nothing."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from gauntlet.tasks.models.forecasters import classical
from gauntlet.tasks.models.forecasters.prophet import ProphetForecaster, fitted_json


@dataclass(frozen=True, eq=False)
class Refit:
    """One fit and its forecast: `values` (n,) up to the origin in z-scores, every `step_s` from `start`.

    `settings`: Prophet's own, or the classical forecaster's arguments.
    """

    kind: str
    values: np.ndarray
    start: str
    step_s: float
    season: int
    horizon: int
    settings: Mapping[str, Any] = field(default_factory=dict)

    def times(self) -> pd.DatetimeIndex:
        """The times of the values, (n,)."""
        seconds = np.rint(np.arange(len(self.values)) * self.step_s * 1e3).astype("timedelta64[ms]")
        return pd.DatetimeIndex(np.datetime64(self.start, "ms") + seconds)


def run(refit: Refit) -> np.ndarray:
    """The forecast of a fit to these values, (horizon,)."""
    times = refit.times()
    if refit.kind == "prophet":
        text = fitted_json(refit.values, times, refit.season, refit.settings)
        return (
            ProphetForecaster(step_s=refit.step_s)
            .with_json(text)
            .forecast(refit.values[None, -1:], times[-1:], refit.horizon)[0]
        )
    model = classical.ClassicalForecaster(**refit.settings)
    return model.forecast(refit.values[None, -model.lookback :], times[-1:], refit.horizon)[0]


@contextmanager
def workers(count: int) -> Iterator[ProcessPoolExecutor | None]:
    """Processes for `run_all`, None for none: then it works in this one.

    They are spawned, since OpenMP hangs after a fork.
    """
    if count <= 1:
        yield None
        return
    pool = ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"), initializer=_silence)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def run_all(fits: Sequence[Refit], pool: ProcessPoolExecutor | None) -> list[np.ndarray]:
    """The forecasts of all fits, in their order."""
    if pool is None:
        return [run(fit) for fit in fits]
    return list(pool.map(run, fits, chunksize=1))


def _silence() -> None:
    """Nothing that a worker or a program it starts prints reaches the terminal; errors come back as exceptions."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
