"""Train: what needs no learning, what is fitted once to the training parts, and what is fitted anew at each origin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gauntlet.tasks.forecasting import boosted, linear, refits
from gauntlet.tasks.forecasting.featurize import Panel, Series
from gauntlet.tasks.forecasting.gauntlets import Candidate
from gauntlet.tasks.forecasting.judge import BASELINES, Forecasts, forecasts_of
from gauntlet.tasks.forecasting.tuning import refit
from gauntlet.tasks.forecasting.windows import Split
from gauntlet.tasks.models.forecasters import classical
from gauntlet.tasks.models.forecasters.rows import RowForecaster
from gauntlet.tasks.models.forecasters.simple import Drift, Naive, SeasonalNaive

ONCE = ("linear", "lightgbm")
MEMBERS = ("seasonal_naive", *ONCE)  # of the combination
ANEW = ("prophet", "prophet_tuned", "arima", "ets")


@dataclass(frozen=True, eq=False)
class TrainedKind:
    """The models of one kind by (series, horizon), and what they forecast from rolling origins."""

    kind: str
    models: dict[tuple[str, int], RowForecaster]
    ahead: dict[tuple[str, int], Forecasts]


def baselines(prepared: Series) -> list[TrainedKind]:
    """The forecasts that need no learning."""
    panel = prepared.panel
    out = []
    for kind in BASELINES:
        models = {(split.name, horizon): _baseline(kind, split) for split in panel.splits for horizon in panel.horizons}
        out.append(_asked(kind, models, panel))
    return out


def _baseline(kind: str, split: Split) -> RowForecaster:
    season, step_s = max(1, min(split.series.season, split.train // 2)), split.series.step.total_seconds()
    if kind == "naive":
        return Naive(step_s)
    return (
        SeasonalNaive(season, step_s)
        if kind == "seasonal_naive"
        else Drift(max(2, min(7 * season, split.train // 2)), step_s)
    )


def train(candidate: Candidate, prepared: Series, seed: int) -> TrainedKind:
    """A model that is fitted once, to the training parts: `linear` to each series, `lightgbm` to all of them."""
    kind, panel = candidate.kind, prepared.panel
    models: dict[tuple[str, int], RowForecaster] = {}
    for horizon in panel.horizons:
        if kind == "linear":
            models |= {(split.name, horizon): linear.fit(split, horizon) for split in panel.splits}
        else:
            shared = boosted.fit(panel.splits, horizon, prepared.tuned.boosted, seed)
            models |= {(split.name, horizon): shared.copy() for split in panel.splits}
    return _asked(kind, models, panel)


def _asked(kind: str, models: dict[tuple[str, int], RowForecaster], panel: Panel) -> TrainedKind:
    of = {split.name: split for split in panel.splits}
    return TrainedKind(kind, models, {key: forecasts_of(model, of[key[0]], key[1]) for key, model in models.items()})


def fit_anew(prepared: Series) -> list[TrainedKind]:
    """Prophet, tuned Prophet, ARIMA and exponential smoothing, fitted anew at each common origin, side by side."""
    panel, settings, workers = prepared.panel, prepared.tuned, prepared.request.workers
    if not panel.refitted:
        return []
    jobs: list[refits.Refit] = []
    places: list[tuple[str, str, int]] = []
    prototypes: dict[tuple[str, str], Any] = {}
    for one in panel.compared:
        at = np.concatenate(panel.common.origins(one, panel.longest))
        for kind in ANEW:
            if kind in ("arima", "ets"):
                step_s = one.series.step.total_seconds()
                model = classical.chosen(one.values[: one.train], one.series.season, kind, step_s)
                prototypes[one.name, kind], given = model, model.get_params()
            else:
                given = settings.prophet if kind == "prophet_tuned" else {}
            jobs += [refit(one, kind.removesuffix("_tuned"), int(t), panel.longest, given) for t in at]
            places += [(one.name, kind, int(t)) for t in at]
    with refits.workers(workers) as pool:
        done = refits.run_all(jobs, pool)
    forecasts = dict(zip(places, done, strict=True))
    return [_anew(kind, panel, forecasts, prototypes) for kind in ANEW]


def _anew(
    kind: str, panel: Panel, forecasts: dict[tuple[str, str, int], np.ndarray], prototypes: dict[Any, Any]
) -> TrainedKind:
    models, ahead = {}, {}
    for one in panel.compared:
        in_validation, in_test = panel.common.origins(one, panel.longest)
        both = [np.stack([forecasts[one.name, kind, int(t)] for t in at]) for at in (in_validation, in_test)]
        for horizon in panel.horizons:
            ahead[one.name, horizon] = Forecasts(both[0][:, :horizon], both[1][:, :horizon], every=False)
            if (one.name, kind) in prototypes:
                models[one.name, horizon] = prototypes[one.name, kind].copy()
    return TrainedKind(kind, models, ahead)
