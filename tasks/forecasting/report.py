"""The story of forecasts: is any model better than repeating the past, and how sure is it?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from gauntlet.datasets import ett
from gauntlet.tasks.contract import Story
from gauntlet.tasks.forecasting import figures
from gauntlet.tasks.forecasting.evaluate import ForecastJudgement, on_all
from gauntlet.tasks.forecasting.featurize import Panel, Series
from gauntlet.tasks.forecasting.gauntlets import REFERENCE
from gauntlet.tasks.forecasting.judge import BASELINES, JudgedKinds
from gauntlet.tasks.forecasting.train import TrainedKind
from gauntlet.tasks.forecasting.tuning import Tuned
from gauntlet.tasks.report.page import Picture, Section, Table
from gauntlet.tasks.report.result import results_table

# MSE/MAE at 96, 192, 336, 720 steps, univariate OT: A. Zeng et al., Are Transformers Effective for Time Series
# Forecasting?, AAAI 2023, arXiv:2205.13504, appendix; "repeat last" of ETTh1 as the check that the protocol is right.
PUBLISHED: Mapping[str, Mapping[str, tuple[tuple[float, float], ...]]] = {
    "ETTh1": {
        "NLinear": ((0.053, 0.177), (0.069, 0.204), (0.081, 0.226), (0.080, 0.226)),
        "repeat last": ((0.069, 0.203), (0.092, 0.236), (0.113, 0.265), (0.129, 0.283)),
    },
    "ETTm1": {"NLinear": ((0.026, 0.122), (0.039, 0.149), (0.052, 0.172), (0.073, 0.207))},
}
CLAIM = ("prophet", "prophet_tuned", "lightgbm")


def story(prepared: Series, _trained: Sequence[TrainedKind], judgement: ForecastJudgement) -> Story:
    """Verdict, sections and pictures."""
    panel, kinds = prepared.panel, judgement.kinds
    pictures = pictures_of(panel, kinds)

    def shown(*files: str) -> tuple[Picture, ...]:
        return tuple(Picture(pictures[f"{name}.png"], name.replace("_", " ")) for name in files)

    published = published_table(panel, kinds)
    notes = Table(("series", "what was done"), tuple((split.name, split.series.note) for split in panel.splits[:30]))
    refused = tuple(Table(("set aside", "why"), panel.found.quarantined) for _ in (1,) if panel.found.quarantined)
    results = results_table(judgement, panel.primary, RESULTS_CAPTION)
    sections = (
        Section("Results", (), (results,)),
        *((Section("The published protocol", PROTOCOL_SENTENCES, published),) if published else ()),
        Section(f"{panel.reference.name}, closer", (), (reference_table(panel, kinds),), shown("forecast")),
        Section("Errors and intervals", INTERVAL_SENTENCES, (), shown("errors_by_origin", "coverage")),
        Section("How settings were chosen", RULE_SENTENCES, (_trials(prepared.tuned),)),
        Section("The series", (), (notes, *refused)),
    )
    return Story(verdict(panel, kinds), sections, pictures)


def verdict(panel: Panel, judgement: JudgedKinds) -> tuple[str, ...]:
    """What somebody who plans by the forecast wants to know, first."""
    rows = {row.name: row for row in judgement.rows}
    metric = judgement.primary
    best, free = rows[judgement.best], min((rows[name] for name in BASELINES), key=lambda row: row.metrics[metric])
    gain = 1 - best.metrics[metric] / free.metrics[metric]
    better = f"{abs(gain):.0%} {'below' if gain > 0 else 'ABOVE'} the best forecast that needs no learning"
    lines = [
        f"Champion by the validation part: {judgement.best}, {metric.upper()} {best.metrics[metric]:.3f} on the test "
        f"part, {better} ({free.name}, {free.metrics[metric]:.3f}).",
        f"Its 95 % interval covered {best.metrics['coverage_95']:.1%} of what came, its 80 % interval "
        f"{best.metrics['coverage_80']:.1%}.",
    ]
    if panel.reference.name == REFERENCE and panel.refitted:
        lines.append(claim_sentence(panel, judgement))
    if panel.found.quarantined:
        lines.append(f"{len(panel.found.quarantined)} series could not be used and were set aside, see below.")
    return tuple(lines)


def claim_sentence(panel: Panel, judgement: JudgedKinds) -> str:
    """Whether Prophet beats naive and LightGBM on the series of the original claim, in MAE at the common origins."""
    mae = {kind: _mae(panel, judgement, kind) for kind in (*CLAIM, *BASELINES)}
    prophet = min(mae["prophet"], mae["prophet_tuned"])

    def against(kind: str) -> str:
        gain = 1 - prophet / mae[kind]
        return f"{abs(gain):.1%} {'better' if gain > 0 else 'worse'} than {kind.replace('_', ' ')}"

    return (
        "The original claim (Prophet 20.9 % better than naive, 9.7 % better than LightGBM) on this series, judged on "
        f"what it had not seen: the better Prophet's MAE is {against('naive')}, {against('seasonal_naive')} and "
        f"{against('lightgbm')}."
    )


def _mae(panel: Panel, judgement: JudgedKinds, kind: str) -> float:
    cells = [judgement.cell(panel.reference.name, horizon, kind) for horizon in panel.horizons]
    return float(np.mean([cell.on_common.metrics["mae"] for cell in cells]))


def pictures_of(panel: Panel, judgement: JudgedKinds) -> dict[str, bytes]:
    """The pictures of the report by file name."""
    one, horizon = panel.reference, panel.longest
    _, at = panel.common.origins(one, horizon)
    origin = int(at[len(at) // 2])
    best = judgement.cell(one.name, horizon, judgement.best)
    back = min(origin, 2 * horizon)
    times, unit = one.series.times, lambda z: one.centre + one.scale * np.asarray(z)
    others = {
        kind: unit(judgement.cell(one.name, horizon, kind).example)
        for kind in ("seasonal_naive", "prophet_tuned", "lightgbm")
        if kind != judgement.best and any(cell.kind == kind for cell in judgement.cells)
    }
    by_origin = {
        kind: judgement.cell(one.name, horizon, kind).on_common.per_origin[judgement.primary]
        for kind in dict.fromkeys(cell.kind for cell in judgement.cells)
    }
    return {
        "forecast.png": figures.forecast(
            f"{one.name}: {judgement.best}, {horizon} steps ahead",
            pd.Series(one.series.values[origin - back : origin], index=times[origin - back : origin]),
            pd.Series(one.series.values[origin : origin + horizon], index=times[origin : origin + horizon]),
            unit(best.example),
            {level: one.scale * half for level, half in best.example_half.items()},
            others,
        ),
        "errors_by_origin.png": figures.errors_by_origin(judgement.primary, by_origin, judgement.best),
        "coverage.png": figures.coverage(
            [(row.name, row.metrics["coverage_80"], row.metrics["coverage_95"]) for row in judgement.rows]
        ),
    }


def published_table(panel: Panel, judgement: JudgedKinds) -> tuple[Table, ...]:
    """MSE/MAE of every model at all test origins beside the published figures, one table a series."""
    out = []
    for one in panel.splits if panel.published else ():
        headings = ("model", *(f"{horizon} steps" for horizon in panel.horizons))
        rows = []
        for kind in dict.fromkeys(cell.kind for cell in judgement.cells):
            scores = [on_all(judgement.cell(one.name, horizon, kind)) for horizon in panel.horizons]
            common = [judgement.cell(one.name, horizon, kind).on_common.metrics for horizon in panel.horizons]
            if all(scores):
                rows.append((kind, *(f"{s['mse']:.3f} / {s['mae']:.3f}" for s in scores if s)))
            else:
                rows.append((f"{kind} (common origins)", *(f"{s['mse']:.3f} / {s['mae']:.3f}" for s in common)))
        for name, stated in PUBLISHED.get(one.name, {}).items():
            of = dict(zip(ett.HORIZONS, stated, strict=True))
            rows.append(
                (f"published: {name}", *("{:.3f} / {:.3f}".format(*of[h]) if h in of else "–" for h in panel.horizons))
            )
        strong = tuple(place for place, row in enumerate(rows) if row[0] == judgement.best)
        out.append(Table(headings, tuple(rows), strong, f"{one.name}: MSE / MAE over all test origins, z-scores"))
    return tuple(out)


def reference_table(panel: Panel, judgement: JudgedKinds) -> Table:
    """Every model on the reference series at the common origins: errors, direction, coverage and width of intervals."""
    rows = []
    one, horizon = panel.reference, panel.longest
    naive = judgement.cell(one.name, horizon, "naive").on_common.metrics["mae"]
    for kind in dict.fromkeys(cell.kind for cell in judgement.cells):
        scores = judgement.cell(one.name, horizon, kind).on_common
        m = scores.metrics
        rows.append(
            (
                kind,
                f"{m['mae'] * one.scale:.4g}",
                f"{1 - m['mae'] / naive:+.1%}",
                f"{m['rmse'] * one.scale:.4g}",
                f"{m['mase']:.3f}",
                f"{m['mape']:.1%}" if "mape" in m else "–",
                f"{scores.direction:.0%}" if scores.direction == scores.direction else "–",
                *(f"{m[f'coverage_{level}']:.1%}, {scores.width[level] * one.scale:.3g}" for level in (80, 95)),
            )
        )
    headings = (
        "model",
        "MAE",
        "better than naive",
        "RMSE",
        "MASE",
        "MAPE",
        "direction",
        "80 %: share, width",
        "95 %: share, width",
    )
    caption = (
        f"{one.name}, {horizon} steps ahead, in the series' unit. MAPE is not stated where more than 1 % of the values "
        "lie near zero; direction: share of moves whose sign was right."
    )
    strong = tuple(place for place, row in enumerate(rows) if row[0] == judgement.best)
    return Table(headings, tuple(rows), strong, caption)


RESULTS_CAPTION = (
    "at the common origins, mean over series and horizons; errors in z-scores of each series' training part; best first by "
    "the metric that decides, the champion of the validation part stands out"
)
PROTOCOL_SENTENCES = (
    "All test origins, one step apart. Models that are fitted anew at every origin are judged at the common origins only; "
    "the results table above compares all of them there.",
)
INTERVAL_SENTENCES = (
    "Every model's intervals are conformal: their widths begin as those that would have covered its errors on the "
    "validation part. Those of models that are asked at every origin then follow the outcomes as they come in; those of "
    "models that are fitted anew at the common origins stay, and cover more than they promise where the test part is "
    "calmer than the validation part, less where it is wilder.",
)
RULE_SENTENCES = (
    "The linear model: the look-back with the least error in validation, then the strongest regularisation whose error "
    "is within one standard error of the least. The champion: of the candidates within one standard error of the least "
    "error in validation, the one that costs least to serve. LightGBM and Prophet: a fixed number of Optuna trials, all "
    "inside the training part.",
    "ARIMA and exponential smoothing come from statsmodels: statsforecast cannot be installed beside pandas 3.",
)


def _trials(tuned: Tuned) -> Table:
    rows = tuple(
        (
            trial.study,
            str(trial.number),
            f"{trial.error:.4f}",
            ", ".join(f"{k} {v:.3g}" for k, v in trial.settings.items()),
        )
        for trial in tuned.trials
    )
    strong = tuple(dict.fromkeys(next(i for i, r in enumerate(rows) if r[0] == row[0]) for row in rows))
    return Table(("study", "trial", "MSE inside training", "settings"), rows, strong)
