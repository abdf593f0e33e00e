"""The steps of the forecasting gauntlet, as pure functions: load, split, tune, train, refit, evaluate, audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from gauntlet.datasets import ett, sensors
from gauntlet.datasets.errors import BadInput, TooManyBadFiles
from gauntlet.datasets.io import series_table
from gauntlet.datasets.records.series import SeriesSet
from gauntlet.datasets.source import Simulation, holds, locate
from gauntlet.datasets.spec import Source
from gauntlet.tasks.audit import Finding, Horizons, Part, Protocol, Replay, audit_claims, guard
from gauntlet.tasks.forecasting import refits
from gauntlet.tasks.forecasting.evaluate import (
    BASELINES,
    COMBINED,
    Ahead,
    Common,
    Judgement,
    asked,
    cell,
    combine,
    judge,
    truth,
)
from gauntlet.tasks.forecasting.tuning import Tuned, refit, tune
from gauntlet.tasks.forecasting.windows import Split, checked, histories, last_times, split
from gauntlet.tasks.models.forecasters import boosted, classical, linear
from gauntlet.tasks.models.forecasters.rows import HISTORY, ORIGIN, STEP, RowForecaster
from gauntlet.tasks.models.forecasters.simple import Drift, Naive, SeasonalNaive
from gauntlet.tasks.registry.key import work_key

Models = Literal["auto", "all", "cheap"]
ONCE = ("linear", "lightgbm")
MEMBERS = ("seasonal_naive", *ONCE)  # of the combination
ANEW = ("prophet", "prophet_tuned", "arima", "ets")
REFERENCE = "sensor-001"
MOST_REFITTED = 24  # series, where `models` is auto
MOST_COMPARED = 3  # series at whose common origins models are fitted anew


@dataclass(frozen=True, eq=False)
class Panel:
    """The series in their parts, the horizons, and how all of it is judged.

    `reference` is the series whose Prophet is registered: sensor-001 where it is there, else the first.
    """

    found: SeriesSet
    splits: tuple[Split, ...]
    horizons: tuple[int, ...]
    common: Common
    refitted: bool
    published: bool

    @property
    def longest(self) -> int:
        """The longest horizon."""
        return max(self.horizons)

    @property
    def reference(self) -> Split:
        """The series that registered models of one series are of."""
        return next((one for one in self.splits if one.name == REFERENCE), self.splits[0])

    @property
    def compared(self) -> tuple[Split, ...]:
        """The series that all models are compared on: all, or the reference and two more where some are fitted anew."""
        if not self.refitted:
            return self.splits
        others = [one for one in self.splits if one is not self.reference]
        return (self.reference, *others[: MOST_COMPARED - 1])

    @property
    def primary(self) -> str:
        """The metric that decides: MSE where a protocol is published, otherwise MASE, which compares series."""
        return "mse" if self.published else "mase"


@dataclass(frozen=True, eq=False)
class Trained:
    """The models of one kind by (series, horizon), and what they forecast from rolling origins."""

    kind: str
    models: dict[tuple[str, int], RowForecaster]
    ahead: dict[tuple[str, int], Ahead]


def simulation(seed: int, scale: float = 1.0) -> Simulation:
    """The draw of the simulated sensors."""
    return sensors.simulation(seed, scale)


def journal(state: Path, panel: Panel, trials: int, seed: int) -> Path:
    """The folder of the trials of this work: the same data, code and parameters find the trials that are there."""
    parameters = {"seed": seed, "trials": trials, "horizons": panel.horizons, "models": panel.refitted}
    return state / "tuning" / work_key(panel.found.sha256, parameters)[:16]


def load(
    data: Path | None, source: Source, root: Path, simulation: Simulation, frequency: str | None, long: bool
) -> SeriesSet:
    """ETT where the folder holds it, else the long table of series in it; with no folder ETT, or simulated sensors.

    Raises:
        BadInput: the files are missing, of another format, or not what `source` asks for.
    """
    if data is not None and not (data.is_dir() and holds(data, ett.SPEC)) and not data.match(ett.SPEC.marker):
        found = locate(replace(ett.SPEC, name="a table of series", marker="*.[ct]sv"), source, data, root, simulation)
        return replace(series_table.read(found.path, frequency=frequency), source=found.source)
    simulated = replace(ett.SPEC, name="sensors", marker="*.csv")
    if data is None and (source == "simulated" or (source == "auto" and not holds(root / ett.SPEC.name, ett.SPEC))):
        found = locate(simulated, "simulated", None, root, simulation)
        return replace(series_table.read(found.path, frequency=frequency), source="simulated")
    found = locate(ett.SPEC, source, data, root, simulation)
    return replace(ett.read(found.path, long=long), source=found.source)


def part(
    found: SeriesSet, horizons: Sequence[int] | None, models: Models, common: Common, limit: float = 0.05
) -> Panel:
    """The series in training, validation and test part; one that is too short is set aside when there are others.

    Raises:
        BadInput: a horizon below 1, or no series is long enough.
        TooManyBadFiles: more series than the limit allows are too short.
    """
    if horizons is None:
        season = found.series[0].season
        horizons = ett.HORIZONS if found.published else (min(season if season > 1 else 12, len(found.series[0]) // 6),)
    horizons = checked(horizons)
    splits, refused, problem = [], list(found.quarantined), None
    for one in found.series:
        try:
            splits.append(split(one, horizons, (found.published or {}).get(one.name)))
        except BadInput as error:
            problem = problem or error
            refused.append((one.name, str(error)))
    of = len(found.series) + len(found.quarantined)
    if not splits or (problem and of == 1):
        raise problem or BadInput(found.path, "there is no series")
    if len(refused) > max(limit * of, 0):
        raise TooManyBadFiles(found.path, refused, of, limit)
    refitted = models == "all" or (models == "auto" and len(splits) <= MOST_REFITTED)
    common = common if refitted else Common(64, 64)
    kept = replace(found, quarantined=tuple(refused))
    return Panel(kept, tuple(splits), horizons, common, refitted, found.published is not None)


def tuned(panel: Panel, trials: int, seed: int, folder: Path | None, workers: int) -> Tuned:
    """The settings of LightGBM and Prophet, chosen inside the training part for the shortest horizon."""
    horizon = min(panel.horizons)
    with refits.workers(workers if panel.refitted else 1) as pool:
        return tune(panel.splits, panel.reference if panel.refitted else None, horizon, trials, seed, folder, pool)


def baselines(panel: Panel) -> list[Trained]:
    """The forecasts that need no learning."""
    out = []
    for kind in BASELINES:
        models = {(one.name, horizon): _baseline(kind, one) for one in panel.splits for horizon in panel.horizons}
        out.append(_asked(kind, models, panel))
    return out


def _baseline(kind: str, one: Split) -> RowForecaster:
    season, step_s = max(1, min(one.series.season, one.train // 2)), one.series.step.total_seconds()
    if kind == "naive":
        return Naive(step_s)
    return (
        SeasonalNaive(season, step_s)
        if kind == "seasonal_naive"
        else Drift(max(2, min(7 * season, one.train // 2)), step_s)
    )


def train(kind: str, panel: Panel, settings: Tuned, seed: int) -> Trained:
    """A model that is fitted once, to the training parts: `linear` to each series, `lightgbm` to all of them."""
    models: dict[tuple[str, int], RowForecaster] = {}
    for horizon in panel.horizons:
        if kind == "linear":
            models |= {(one.name, horizon): linear.fit(one, horizon) for one in panel.splits}
        else:
            shared = boosted.fit(panel.splits, horizon, settings.boosted, seed)
            models |= {(one.name, horizon): shared.copy() for one in panel.splits}
    return _asked(kind, models, panel)


def _asked(kind: str, models: dict[tuple[str, int], RowForecaster], panel: Panel) -> Trained:
    of = {one.name: one for one in panel.splits}
    return Trained(kind, models, {key: asked(model, of[key[0]], key[1]) for key, model in models.items()})


def fit_anew(panel: Panel, settings: Tuned, workers: int) -> list[Trained]:
    """Prophet, tuned Prophet, ARIMA and exponential smoothing, fitted anew at each common origin, side by side."""
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
) -> Trained:
    models, ahead = {}, {}
    for one in panel.compared:
        in_validation, in_test = panel.common.origins(one, panel.longest)
        both = [np.stack([forecasts[one.name, kind, int(t)] for t in at]) for at in (in_validation, in_test)]
        for horizon in panel.horizons:
            ahead[one.name, horizon] = Ahead(both[0][:, :horizon], both[1][:, :horizon], every=False)
            if (one.name, kind) in prototypes:
                models[one.name, horizon] = prototypes[one.name, kind].copy()
    return Trained(kind, models, ahead)


def evaluate(panel: Panel, trained: Sequence[Trained], seed: int) -> Judgement:
    """Every model on every series and horizon, the combination of those that are fitted once, and the champion."""
    once = [one for one in trained if one.kind in MEMBERS]
    cells, combined = [], {}
    for one in panel.splits:
        for horizon in panel.horizons:
            key = (one.name, horizon)
            model, together = combine(
                {t.kind: t.models[key] for t in once}, {t.kind: t.ahead[key] for t in once}, one, horizon
            )
            combined[key] = model
            for kind, ahead in [*((t.kind, t.ahead[key]) for t in trained if key in t.ahead), (COMBINED, together)]:
                cells.append(cell(one, horizon, panel.longest, kind, ahead, panel.common))
    return judge(cells, {one.name for one in panel.compared}, panel.primary, seed, combined)


def model_of(kind: str, key: tuple[str, int], trained: Sequence[Trained], judgement: Judgement) -> RowForecaster:
    """The judged forecaster of a series and horizon, with its scale and intervals not yet inside."""
    return judgement.combined[key] if kind == COMBINED else next(t for t in trained if t.kind == kind).models[key]


def example_rows(one: Split, at: int, horizon: int, lookback: int) -> pd.DataFrame:
    """The rows that ask a registered model for every step ahead of one origin, in the series' unit."""
    history = one.centre + one.scale * histories(one.values, np.array([at]), lookback)[0]
    origin = last_times(one.series, np.array([at]))[0].isoformat()
    return pd.DataFrame(
        {
            ORIGIN: [origin] * horizon,
            STEP: np.arange(1, horizon + 1, dtype=np.int64),
            HISTORY: [history.tolist()] * horizon,
        }
    )


def audit_result(
    panel: Panel, trained: Sequence[Trained], judgement: Judgement, allow_leakage: bool
) -> tuple[Finding, ...]:
    """What would make the stated figures worthless; raises `Leak` unless that is allowed."""
    one, horizon = panel.reference, panel.longest
    points = np.arange(one.end)
    _, at = panel.common.origins(one, horizon)
    key = (one.name, horizon)
    by_kind = {t.kind: t for t in trained}
    said = {kind: by_kind[kind].ahead[key].test[at - one.validation] for kind in BASELINES if kind in by_kind}
    protocol = Protocol(
        source=panel.found.source,
        train=Part(ids=points[: one.train], times=points[: one.train]),
        test=Part(ids=points[one.validation :], times=points[one.validation :]),
        tuning=Part(ids=points[: one.validation]),
        forward=True,
        horizons=Horizons(
            {row.name: horizon for row in judgement.candidates},
            {row.name: horizon for row in judgement.baselines},
            truth(one, at, horizon).actual,
            said,
        ),
        replays=[
            _replay(kind, model_of(kind, key, trained, judgement), one, at[0], by_kind.get(kind), key) for kind in ONCE
        ],
    )
    return guard(audit_claims(protocol), allow_leakage)


def _replay(
    kind: str, model: RowForecaster, one: Split, at: int, trained: Trained | None, key: tuple[str, int]
) -> Replay:
    """The registered object on raw rows against the forecast that was judged."""
    assert trained is not None
    horizon = key[1]
    evaluated = one.centre + one.scale * trained.ahead[key].test[at - one.validation]
    widths = {level: np.zeros(horizon) for level in (80, 95)}
    alone = model.copy().equipped(one.centre, one.scale, widths)
    return Replay(kind, evaluated, alone.predict(example_rows(one, int(at), horizon, int(model.lookback))))
