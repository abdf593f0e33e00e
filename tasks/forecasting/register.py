"""What the forecasting gauntlet registers: the models of the reference series, each with its scale and intervals inside."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from gauntlet.tasks.audit import Finding
from gauntlet.tasks.forecasting.evaluate import COMBINED, Judgement
from gauntlet.tasks.forecasting.load import Panel, Trained, example_rows, model_of
from gauntlet.tasks.forecasting.tuning import Tuned
from gauntlet.tasks.models.forecasters.prophet import ProphetForecaster, fitted_json
from gauntlet.tasks.models.forecasters.rows import RowForecaster
from gauntlet.tasks.registry.files import parquet
from gauntlet.tasks.registry.former import Entry
from gauntlet.tasks.registry.key import work_key
from gauntlet.tasks.registry.submission import version_tags
from gauntlet.tasks.result import GauntletResult, Row
from gauntlet.tasks.runtime.connection import Connection
from gauntlet.tasks.runtime.tracking import TrackedRun, log, servers, tracked

ALWAYS = ("prophet", "prophet_tuned", "lightgbm", "linear")


@dataclass(frozen=True)
class Told:
    """What every version says of itself: protocol, audit, seed, and the report."""

    protocol: str
    findings: Sequence[Finding]
    seed: int
    report: str
    drawn: Mapping[str, bytes]


def names(reference: str) -> dict[str, str]:
    """The registered name of each kind. A model of one series bears the series' name."""
    return {
        "prophet": f"prophet_forecaster_enhanced_{reference}",
        "prophet_tuned": f"prophet_forecaster_tuned_{reference}",
        "lightgbm": "lightgbm_forecaster_challenger",
        "linear": "linear_forecaster",
        "arima": "arima_forecaster",
        "ets": "smoothing_forecaster",
        COMBINED: "combined_forecaster",
    }


def entries(
    panel: Panel, trained: Sequence[Trained], judgement: Judgement, result: GauntletResult, tuned: Tuned, told: Told
) -> list[Entry]:
    """The candidates as they go into the registry: Prophet, tuned Prophet, LightGBM, the linear one and the champion."""
    called = names(panel.reference.name)
    rows_by_name = {row.name: row for row in result.candidates}
    kinds = [kind for kind in dict.fromkeys((*ALWAYS, judgement.best)) if called[kind] in rows_by_name]
    models = {kind: _equipped(kind, panel, trained, judgement, tuned) for kind in kinds}
    one = panel.reference
    lookback = max(int(model.lookback) for model in models.values())
    rows = example_rows(one, one.end, panel.longest, lookback)
    return [_entry(kind, rows_by_name[called[kind]], models[kind], rows, panel, told) for kind in kinds]


def _equipped(kind: str, panel: Panel, trained: Sequence[Trained], judgement: Judgement, tuned: Tuned) -> RowForecaster:
    one, key = panel.reference, (panel.reference.name, panel.longest)
    if kind.startswith("prophet"):
        settings = dict(tuned.prophet) if kind == "prophet_tuned" else {}
        text = fitted_json(one.values, one.series.times[: one.end], one.series.season, settings)
        model: RowForecaster = ProphetForecaster(settings or None, one.series.step.total_seconds()).with_json(text)
    else:
        model = model_of(kind, key, trained, judgement).copy()
    return model.equipped(one.centre, one.scale, dict(judgement.cell(*key, kind).half))


def reference_table(panel: Panel) -> pd.DataFrame:
    """What drift is measured against: of every point its value, its change and its change since a season ago."""
    parts = []
    for one in panel.splits:
        values, season = one.series.values, one.series.season
        parts.append(
            pd.DataFrame(
                {
                    "series_id": one.name,
                    "timestamp": one.series.times,
                    "value": values,
                    "change": np.diff(values, prepend=values[:1]),
                    "seasonal_change": values - np.concatenate([values[:season], values[:-season]]),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _entry(kind: str, row: Row, model: RowForecaster, rows: pd.DataFrame, panel: Panel, told: Told) -> Entry:
    leaked = bool(told.findings)
    one, found = panel.reference, panel.found
    parameters = {"seed": told.seed, "horizon": panel.longest, "series": one.name, "source": found.source}
    described = {"kind": kind, "lookback": model.lookback, "horizon": panel.longest, "season": one.series.season}
    settings = {key: value for key, value in model.get_params().items() if key not in described}
    return Entry(
        name=row.name,
        key=work_key(
            found.sha256, {**parameters, "name": row.name, "horizons": panel.horizons, "settings": str(settings)}
        ),
        pipeline=model,
        rows=rows,
        metrics=row.metrics,
        parameters={**described, **settings, **parameters},
        tags=version_tags(
            phase="forecasting",
            task="forecast",
            dataset="ett" if panel.published else "sensors",
            sensor_type="temperature" if panel.published else "sensor",
            source=found.source,
            data_hash=found.sha256,
            seed=told.seed,
            leaked=leaked,
        ),
        description=_description(kind, row.metrics, panel, told, leaked),
        files={
            "feature_names.txt": b"value\nchange\nseasonal_change",
            "sensor_config.txt": _sensor_config(panel).encode(),
            "audit.json": json.dumps(
                {"findings": [asdict(f) for f in told.findings], "allowed": leaked}, indent=1
            ).encode(),
            "reference.parquet": parquet(reference_table(panel)),
            "report.html": told.report.encode(),
        },
        pictures=dict(told.drawn),
    )


def _sensor_config(panel: Panel) -> str:
    one = panel.reference
    lines = [f"dataset: {panel.found.path.name}", f"source: {panel.found.source}", f"reference: {one.name}"]
    lines += [f"series: {other.name}: {other.series.note}" for other in panel.splits]
    return "\n".join(lines) + "\n"


def _description(kind: str, metrics: Mapping[str, float], panel: Panel, told: Told, leaked: bool) -> str:
    warning = "LEAKED, NOT A RESULT. " if leaked else ""
    figures = ", ".join(f"{name} {metrics[name]:.3f}" for name in ("mase", "mae", "mse", "coverage_95"))
    one = panel.reference
    fitted = "Fitted to the whole series" if kind.startswith("prophet") else "Fitted to the training part"
    return (
        f"{warning}Forecasts {one.name} up to {panel.longest} steps ahead, with 80 and 95 % intervals. "
        f"{fitted}. Data: {panel.found.source}, {len(panel.splits)} series. Protocol: {told.protocol}. "
        f"At the common origins: {figures}. Needs the gauntlet package to be loaded."
    )


def track_trials(tuned: Tuned, parent: TrackedRun, connection: Connection) -> int:
    """Every trial as a nested run with its settings and its error inside the training part; how many there were."""
    with servers(connection):
        for trial in tuned.trials:
            tags = {"study": trial.study, "kind": "trial"}
            with tracked(connection, parent.experiment_id, f"{trial.study} trial {trial.number}", tags, parent) as run:
                log(run, metrics={"tuning_mse": trial.error}, parameters=trial.settings)
    return len(tuned.trials)
