"""Settings chosen by Optuna inside the training part: a fixed number of trials, resumed where they were cut off.

The trial of number n is drawn by a sampler seeded with the seed and n from what the trials before it found, so that an
interrupted search ends where an uninterrupted one does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.storages import InMemoryStorage

from gauntlet.tasks.forecasting import boosted
from gauntlet.tasks.forecasting.refits import Refit, run_all
from gauntlet.tasks.forecasting.trial_journal import journal_storage
from gauntlet.tasks.forecasting.windows import Split, spaced
from gauntlet.tasks.models.forecasters.prophet import SPACE

BOOSTED_SPACE: Mapping[str, tuple[float, float, bool]] = {
    "n_estimators": (40, 400, True),
    "learning_rate": (0.02, 0.2, True),
    "num_leaves": (4, 63, True),
    "min_child_samples": (10, 400, True),
    "reg_lambda": (0.1, 100.0, True),
}
WHOLE = frozenset({"n_estimators", "num_leaves", "min_child_samples"})
ORIGINS = 4
_OVER = optuna.trial.TrialState.COMPLETE


@dataclass(frozen=True)
class Trial:
    """One try: its settings and its mean squared error inside the training part, in z-scores."""

    study: str
    number: int
    settings: Mapping[str, float]
    error: float


@dataclass(frozen=True)
class Tuned:
    """The best settings of each study, and every trial."""

    prophet: Mapping[str, float]
    boosted: Mapping[str, float]
    trials: tuple[Trial, ...]


def search(
    study: str,
    space: Mapping[str, tuple[float, float, bool]],
    error: Callable[[dict[str, float]], float],
    trials: int,
    seed: int,
    file: Path | None,
    first: Mapping[str, float] | None = None,
) -> tuple[Trial, ...]:
    """`trials` trials, those in `file` included, the best first.

    Args:
        first: settings to begin with, as those that a model has without tuning.
        file: journal of the trials; None keeps none.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = journal_storage(file) if file is not None else InMemoryStorage()
    while True:
        # A study of its own for every trial: its sampler's state must not depend on how many ran in this process.
        current = optuna.create_study(study_name=study, storage=storage, load_if_exists=True, direction="minimize")
        done = [trial for trial in current.get_trials(deepcopy=False) if trial.state == _OVER]
        if len(done) >= trials:
            found = [Trial(study, n, dict(one.params), float(one.values[0])) for n, one in enumerate(done[:trials])]
            return tuple(sorted(found, key=lambda one: (one.error, one.number)))
        current.sampler = optuna.samplers.TPESampler(seed=seed + len(done), n_startup_trials=5)
        if not done and first is not None:
            current.enqueue_trial(dict(first), skip_if_exists=True)
        current.optimize(lambda trial: error(_drawn(trial, space)), n_trials=1)


def _drawn(trial: optuna.Trial, space: Mapping[str, tuple[float, float, bool]]) -> dict[str, float]:
    return {
        name: trial.suggest_int(name, int(low), int(high), log=log)
        if name in WHOLE
        else trial.suggest_float(name, low, high, log=log)
        for name, (low, high, log) in space.items()
    }


def prophet_error(split: Split, horizon: int, settings: Mapping[str, float], pool: Any) -> float:
    """Mean squared error of Prophet, fitted anew at evenly spaced origins in the last third of the training part."""
    at = spaced(split.train - max(split.train // 3, horizon + ORIGINS), split.train, horizon, ORIGINS)
    ahead = run_all([refit(split, "prophet", int(origin), horizon, settings) for origin in at], pool)
    return float(np.mean([np.square(f - split.values[t : t + horizon]).mean() for f, t in zip(ahead, at, strict=True)]))


def refit(split: Split, kind: str, origin: int, horizon: int, settings: Mapping[str, Any]) -> Refit:
    """The fit to everything before the origin."""
    series = split.series
    start = series.start.isoformat()
    return Refit(kind, split.values[:origin], start, series.step.total_seconds(), series.season, horizon, settings)


def tune(
    series: Sequence[Split],
    reference: Split | None,
    horizon: int,
    trials: int,
    seed: int,
    folder: Path | None,
    pool: Any,
) -> Tuned:
    """Settings for LightGBM over all series, and for Prophet on the reference series (None: no Prophet)."""
    of_boosted = search(
        "lightgbm",
        BOOSTED_SPACE,
        lambda s: boosted.tuning_error(series, horizon, s, seed),
        trials,
        seed,
        folder / "lightgbm.log" if folder else None,
        boosted.DEFAULTS,
    )
    of_prophet: tuple[Trial, ...] = ()
    if reference is not None:
        of_prophet = search(
            "prophet",
            SPACE,
            lambda s: prophet_error(reference, horizon, s, pool),
            trials,
            seed,
            folder / "prophet.log" if folder else None,
            {"changepoint_prior_scale": 0.05, "seasonality_prior_scale": 10.0, "changepoint_range": 0.8, "recent": 1.0},
        )
    best = of_prophet[0].settings if of_prophet else {}
    return Tuned(best, of_boosted[0].settings, (*of_boosted, *of_prophet))
