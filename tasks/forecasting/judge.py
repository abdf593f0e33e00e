"""Every kind of model judged from the same origins: on all of them where it is fitted once, on the common ones in any case."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gauntlet.tasks.forecasting.conformal import half_widths, tracked
from gauntlet.tasks.forecasting.scores import Scores, Truth, naive_error, score
from gauntlet.tasks.forecasting.selection import simplest_within_one_error
from gauntlet.tasks.forecasting.windows import Split, futures, histories, last_times, origins, spaced
from gauntlet.tasks.metrics.bootstrap import draws, percentile_interval
from gauntlet.tasks.models.forecasters.combined import CombinedForecaster, weights
from gauntlet.tasks.models.forecasters.rows import RowForecaster
from gauntlet.tasks.result import Row

BASELINES = ("naive", "seasonal_naive", "drift")
COMBINED = "combination"
# From what is costly to serve to what is cheap: of two models that validation cannot tell apart the later is taken.
BY_COST = ("prophet_tuned", "prophet", "arima", "ets", COMBINED, "lightgbm", "linear")


@dataclass(frozen=True, eq=False)
class Forecasts:
    """Forecasts of one model for one series and horizon: (origins, horizon) in z-scores; `every` None where the model
    is fitted anew at each origin and therefore only asked at the common ones.
    """

    validation: np.ndarray
    test: np.ndarray
    every: bool


@dataclass(frozen=True, eq=False)
class Cell:
    """One model on one series at one horizon. `on_all` None where it was asked at the common origins only.

    `half`: half-widths of the intervals by level as they are at the end, (horizon,). `example`: the forecast from the
    middle one of the common origins, with its half-widths then.
    """

    series: str
    horizon: int
    kind: str
    on_common: Scores
    on_all: Scores | None
    in_validation: Scores
    half: Mapping[int, np.ndarray]
    example: np.ndarray
    example_half: Mapping[int, np.ndarray]


@dataclass(frozen=True, eq=False)
class JudgedKinds:
    """The result: a row for each model over all series and horizons at the common origins, and every cell."""

    candidates: tuple[Row, ...]
    baselines: tuple[Row, ...]
    best: str
    cells: tuple[Cell, ...]
    primary: str
    validation: Mapping[str, float]
    combined: Mapping[tuple[str, int], CombinedForecaster]

    def cell(self, series: str, horizon: int, kind: str) -> Cell:
        """The cell of this model."""
        return next(cell for cell in self.cells if (cell.series, cell.horizon, cell.kind) == (series, horizon, kind))

    @property
    def rows(self) -> tuple[Row, ...]:
        """Candidates, then baselines."""
        return (*self.candidates, *self.baselines)


@dataclass(frozen=True)
class Common:
    """How many origins every model is asked at, in validation and in test: evenly spaced for the longest horizon."""

    validation: int = 8
    test: int = 12

    def origins(self, split: Split, longest: int) -> tuple[np.ndarray, np.ndarray]:
        """The common origins of a series, (in validation, in test)."""
        return (
            spaced(split.train, split.validation, longest, self.validation),
            spaced(split.validation, split.end, longest, self.test),
        )


def forecasts_of(model: RowForecaster, split: Split, horizon: int) -> Forecasts:
    """The forecasts of a model that is fitted once, at every origin."""
    parts = []
    for first, end in ((split.train, split.validation), (split.validation, split.end)):
        at = origins(first, end, horizon)
        history = histories(split.values, at, int(model.lookback))
        parts.append(model.forecast(history, last_times(split.series, at), horizon))
    return Forecasts(parts[0], parts[1], every=True)


def truth(split: Split, at: np.ndarray, horizon: int) -> Truth:
    """What came after each origin."""
    values = np.where(split.series.measured[: split.end], split.values, np.nan)
    training = split.values[: split.train]
    return Truth(
        actual=futures(values, at, horizon),
        last=split.values[at - 1],
        naive_error=naive_error(training, split.series.season),
        centre=split.centre,
        scale=split.scale,
        mean_size=float(np.abs(split.centre + split.scale * training).mean()),
    )


def combine(
    models: Mapping[str, RowForecaster], ahead: Mapping[str, Forecasts], split: Split, horizon: int
) -> tuple[CombinedForecaster, Forecasts]:
    """The combination of the models that are fitted once, weighted by their errors in validation."""
    actual = truth(split, origins(split.train, split.validation, horizon), horizon).actual
    errors = {kind: float(np.nanmean(np.square(ahead[kind].validation - actual))) for kind in models}
    share = weights(errors)
    step_s = split.series.step.total_seconds()
    model = CombinedForecaster(step_s).with_members(list(models.values()), share)
    parts = [
        sum((w * getattr(ahead[kind], part) for w, kind in zip(share, models, strict=True)), np.zeros(1))
        for part in ("validation", "test")
    ]
    return model, Forecasts(parts[0], parts[1], every=True)


def cell(split: Split, horizon: int, longest: int, kind: str, ahead: Forecasts, common: Common) -> Cell:
    """The scores of one model's forecasts; its intervals begin with its errors in validation."""
    in_validation, in_test = common.origins(split, longest)
    seen = truth(split, in_validation, horizon), truth(split, in_test, horizon)
    if ahead.every:
        first, last = origins(split.train, split.validation, horizon), origins(split.validation, split.end, horizon)
        calibrated = half_widths(ahead.validation - truth(split, first, horizon).actual)
        came = truth(split, last, horizon)
        followed = tracked(ahead.test - came.actual, calibrated)
        at = in_test - split.validation
        chosen = ahead.validation[in_validation - split.train], ahead.test[at]
        half = {level: widths[at] for level, widths in followed.items()}
        latest = {level: widths[-1] for level, widths in followed.items()}
        on_all = score(ahead.test, came, {level: widths[:-1] for level, widths in followed.items()})
    else:
        latest = half_widths(ahead.validation - seen[0].actual)
        half = {level: np.tile(width, (len(in_test), 1)) for level, width in latest.items()}
        chosen, on_all = (ahead.validation, ahead.test), None
    middle = len(in_test) // 2
    return Cell(
        series=split.name,
        horizon=horizon,
        kind=kind,
        on_common=score(chosen[1], seen[1], half),
        on_all=on_all,
        in_validation=score(chosen[0], seen[0], None),
        half=latest,
        example=chosen[1][middle],
        example_half={level: width[middle] for level, width in half.items()},
    )


def judge(
    cells: Sequence[Cell],
    compared: Collection[str],
    primary: str,
    seed: int,
    combined: Mapping[tuple[str, int], CombinedForecaster],
) -> JudgedKinds:
    """The rows over all horizons of the compared series, and the champion by the validation part alone.

    The champion is, of the candidates whose error in validation is within one standard error of the least, the one that
    costs least to serve.
    """
    kinds = tuple(dict.fromkeys(cell.kind for cell in cells))
    of = {kind: [cell for cell in cells if cell.kind == kind and cell.series in compared] for kind in kinds}
    rows = {kind: _row(kind, of[kind], seed) for kind in kinds}
    candidates = [kind for kind in BY_COST if kind in of]
    errors = np.stack([_mean_per_origin([c.in_validation for c in of[kind]], primary) for kind in candidates])
    best = candidates[simplest_within_one_error(errors)]
    return JudgedKinds(
        candidates=tuple(rows[kind] for kind in kinds if kind not in BASELINES),
        baselines=tuple(rows[kind] for kind in BASELINES if kind in rows),
        best=best,
        cells=tuple(cells),
        primary=primary,
        validation=dict(zip(candidates, (float(x) for x in errors.mean(1)), strict=True)),
        combined=combined,
    )


def _mean_per_origin(scores: Sequence[Scores], metric: str) -> np.ndarray:
    """The metric at each common origin, mean over series and horizons, (origins,)."""
    fewest = min(len(score.per_origin[metric]) for score in scores)
    return np.mean([score.per_origin[metric][:fewest] for score in scores], axis=0)


def _row(kind: str, cells: Sequence[Cell], seed: int) -> Row:
    """Means over series and horizons at the common origins, with a bootstrap over origins."""
    names = [name for name in cells[0].on_common.metrics if all(name in cell.on_common.metrics for cell in cells)]
    metrics = {name: float(np.mean([cell.on_common.metrics[name] for cell in cells])) for name in names}
    intervals = {}
    for name in ("mae", "mse", "mase"):
        by_origin = _mean_per_origin([cell.on_common for cell in cells], name)
        resampled = by_origin[draws(len(by_origin), 1_000, seed)].mean(1)
        intervals[name] = percentile_interval(resampled, metrics[name])
    return Row(kind, metrics, intervals)
