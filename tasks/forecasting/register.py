"""What goes into the registry: the models of the reference series, each with its scale and intervals inside."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gauntlet.tasks.contract import Artifact, Story
from gauntlet.tasks.forecasting.evaluate import ForecastJudgement, example_rows, model_of
from gauntlet.tasks.forecasting.featurize import Panel, Series
from gauntlet.tasks.forecasting.gauntlets import ALWAYS, names
from gauntlet.tasks.forecasting.judge import JudgedKinds
from gauntlet.tasks.forecasting.train import TrainedKind
from gauntlet.tasks.forecasting.tuning import Tuned
from gauntlet.tasks.models.forecasters.prophet import ProphetForecaster, fitted_json
from gauntlet.tasks.models.forecasters.rows import RowForecaster
from gauntlet.tasks.runtime.connection import Connection
from gauntlet.tasks.runtime.tracking import TrackedRun, log, servers, tracked


def artifacts(
    prepared: Series, trained: Sequence[TrainedKind], judgement: ForecastJudgement, _story: Story
) -> list[Artifact]:
    """Prophet, tuned Prophet, LightGBM, the linear model and the champion, as far as they were judged."""
    panel, kinds = prepared.panel, judgement.kinds
    called, one = names(panel.reference.name), panel.reference
    wanted = [kind for kind in dict.fromkeys((*ALWAYS, kinds.best)) if called[kind] in judgement.rows]
    models = {kind: _with_scale(kind, prepared, trained, kinds) for kind in wanted}
    lookback = max(int(model.lookback) for model in models.values())
    rows = example_rows(one, one.end, panel.longest, lookback)
    return [_artifact(kind, called[kind], model, rows, panel) for kind, model in models.items()]


def _artifact(kind: str, name: str, model: RowForecaster, rows: pd.DataFrame, panel: Panel) -> Artifact:
    one = panel.reference
    described = {"kind": kind, "lookback": model.lookback, "horizon": panel.longest, "season": one.series.season}
    settings = {key: value for key, value in model.get_params().items() if key not in described}
    fitted = "the whole series" if kind.startswith("prophet") else "the training part"
    return Artifact(
        name=name,
        model=model,
        rows=rows,
        purpose=(
            f"Forecasts {one.name} up to {panel.longest} steps ahead, with 80 and 95 % intervals. Fitted to {fitted}."
        ),
        features=["value", "change", "seasonal_change"],
        sensors=_series_lines(panel),
        reference=reference_table(panel),
        phase="forecasting",
        task="forecast",
        figures=("mase", "mae", "mse", "coverage_95"),
        parameters={**described, **settings, "series": one.name, "source": panel.found.source},
        identity={"horizons": panel.horizons, "series": one.name, "settings": str(settings)},
        sensor_type="temperature" if panel.published else "sensor",
    )


def _with_scale(kind: str, prepared: Series, trained: Sequence[TrainedKind], judgement: JudgedKinds) -> RowForecaster:
    panel, tuned = prepared.panel, prepared.tuned
    one, key = panel.reference, (panel.reference.name, panel.longest)
    if kind.startswith("prophet"):
        settings = dict(tuned.prophet) if kind == "prophet_tuned" else {}
        text = fitted_json(one.values, one.series.times[: one.end], one.series.season, settings)
        model: RowForecaster = ProphetForecaster(settings or None, one.series.step.total_seconds()).with_json(text)
    else:
        model = model_of(kind, key, trained, judgement).copy()
    return model.with_scale(one.centre, one.scale, dict(judgement.cell(*key, kind).half))


def reference_table(panel: Panel) -> pd.DataFrame:
    """What drift is measured against: of every point its value, its change and its change since a season ago."""
    parts = []
    for split in panel.splits:
        values, season = split.series.values, split.series.season
        parts.append(
            pd.DataFrame(
                {
                    "series_id": split.name,
                    "timestamp": split.series.times,
                    "value": values,
                    "change": np.diff(values, prepend=values[:1]),
                    "seasonal_change": values - np.concatenate([values[:season], values[:-season]]),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _series_lines(panel: Panel) -> str:
    one = panel.reference
    lines = [f"file: {panel.found.path.name}", f"reference: {one.name}"]
    lines += [f"series: {other.name}: {other.series.note}" for other in panel.splits]
    return "\n".join(lines)


def track_trials(tuned: Tuned, parent: TrackedRun, connection: Connection) -> int:
    """Every trial as a nested run with its settings and its error inside the training part; how many there were."""
    with servers(connection):
        for trial in tuned.trials:
            tags = {"study": trial.study, "kind": "trial"}
            with tracked(connection, parent.experiment_id, f"{trial.study} trial {trial.number}", tags, parent) as run:
                log(run, metrics={"tuning_mse": trial.error}, parameters=trial.settings)
    return len(tuned.trials)
