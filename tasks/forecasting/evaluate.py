"""Every model on every series and horizon, the combination of those that are fitted once, and the champion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from gauntlet.tasks.contract import Judgement
from gauntlet.tasks.forecasting.featurize import Series
from gauntlet.tasks.forecasting.gauntlets import names
from gauntlet.tasks.forecasting.judge import COMBINED, Cell, JudgedKinds, cell, combine, judge
from gauntlet.tasks.forecasting.train import MEMBERS, TrainedKind
from gauntlet.tasks.forecasting.windows import Split, histories, last_times
from gauntlet.tasks.models.forecasters.rows import HISTORY, ORIGIN, STEP, RowForecaster


@dataclass(frozen=True, eq=False, kw_only=True)
class ForecastJudgement(Judgement):
    """`kinds`: the same figures by kind of model, with the cells behind them."""

    kinds: JudgedKinds


def evaluate(prepared: Series, trained: Sequence[TrainedKind], seed: int) -> ForecastJudgement:
    """Every model on every series and horizon, the combination of those that are fitted once, and the champion."""
    panel = prepared.panel
    once = [fit for fit in trained if fit.kind in MEMBERS]
    cells, combined = [], {}
    for split in panel.splits:
        for horizon in panel.horizons:
            key = (split.name, horizon)
            model, together = combine(
                {t.kind: t.models[key] for t in once}, {t.kind: t.ahead[key] for t in once}, split, horizon
            )
            combined[key] = model
            for kind, ahead in [*((t.kind, t.ahead[key]) for t in trained if key in t.ahead), (COMBINED, together)]:
                cells.append(cell(split, horizon, panel.longest, kind, ahead, panel.common))
    kinds = judge(cells, {one.name for one in panel.compared}, panel.primary, seed, combined)
    called = names(panel.reference.name)
    return ForecastJudgement(
        candidates=tuple(replace(row, name=called[row.name]) for row in kinds.candidates),
        baselines={row.name: row for row in kinds.baselines},
        naive="naive",
        best=called[kinds.best],
        chosen_on="the validation part",
        primary_metric=panel.primary,
        cells=cells_of(kinds, called),
        kinds=kinds,
    )


def model_of(kind: str, key: tuple[str, int], trained: Sequence[TrainedKind], judgement: JudgedKinds) -> RowForecaster:
    """The judged forecaster of a series and horizon, with its scale and intervals not yet inside."""
    return judgement.combined[key] if kind == COMBINED else next(t for t in trained if t.kind == kind).models[key]


def on_all(cell: Cell) -> Mapping[str, float] | None:
    """The metrics at all origins; None for what was asked at the common ones only."""
    return cell.on_all.metrics if cell.on_all else None


def cells_of(judgement: JudgedKinds, called: Mapping[str, str]) -> tuple[dict[str, object], ...]:
    """The result's cells: per series, horizon, model, and which origins."""
    out: list[dict[str, object]] = []
    for judged in judgement.cells:
        model = called.get(judged.kind, judged.kind)
        for which, metrics in (("all", on_all(judged)), ("common", judged.on_common.metrics)):
            if metrics is not None:
                group = {"id": judged.series, "horizon": judged.horizon, "origins": which}
                out.append({"group": group, "model": model, "metrics": dict(metrics)})
    return tuple(out)


def example_rows(split: Split, at: int, horizon: int, lookback: int) -> pd.DataFrame:
    """The rows that ask a registered model for every step ahead of one origin, in the series' unit."""
    history = split.centre + split.scale * histories(split.values, np.array([at]), lookback)[0]
    origin = last_times(split.series, np.array([at]))[0].isoformat()
    return pd.DataFrame(
        {
            ORIGIN: [origin] * horizon,
            STEP: np.arange(1, horizon + 1, dtype=np.int64),
            HISTORY: [history.tolist()] * horizon,
        }
    )
