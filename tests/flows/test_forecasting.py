"""The forecasting gauntlet on real servers: what is registered is what was judged, and says how sure it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.provenance import mark_simulated
from gauntlet.flows.forecasting import forecasting
from gauntlet.tasks.forecasting.gauntlets import FORECASTING
from gauntlet.tasks.metrics.catalogue import METRICS
from gauntlet.tasks.registry.keys import signing_key
from gauntlet.tasks.registry.load import load
from gauntlet.tasks.result import GauntletResult
from gauntlet.tasks.runtime.settings import settings
from gauntlet.tasks.runtime.tracking import experiment

pytestmark = pytest.mark.slow

PHI, NOISE = 0.8, 1.0


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sensors: a daily wave and AR(1) noise of known size, every hour for 30 days."""
    folder = tmp_path_factory.mktemp("sensors")
    draw = np.random.default_rng(3)
    parts = []
    for name, level in (("sensor-001", 50.0), ("sensor-002", -3.0)):
        noise = np.zeros(720)
        for t in range(1, len(noise)):
            noise[t] = PHI * noise[t - 1] + NOISE * draw.normal()
        wave = 5 * np.sin(2 * np.pi * np.arange(len(noise)) / 24)
        times = pd.date_range("2026-01-01", periods=len(noise), freq="1h")
        parts.append(pd.DataFrame({"sensor_id": name, "timestamp": times, "value": level + wave + noise}))
    pd.concat(parts).to_csv(folder / "sensors.csv", index=False)
    mark_simulated(folder, __name__, 1, seed=3)
    return folder


@pytest.fixture(scope="module")
def result(table: Path, unregistered: Any) -> GauntletResult:
    unregistered("forecasting")
    return forecasting(data=table, seed=7, trials=2)


def test_the_named_models_are_registered_and_the_champion_is_one_of_them(result: GauntletResult) -> None:
    """The four names, and one more only where the champion is of another kind."""
    registered = {one.name for one in result.registered}
    assert set(FORECASTING.registered) <= registered <= {*FORECASTING.registered, result.champion}
    assert {"prophet_forecaster_enhanced_sensor-001", "lightgbm_forecaster_challenger"} <= registered
    assert result.champion == result.best
    assert "champion" in next(one.aliases for one in result.registered if one.name == result.best)


def test_the_champion_comes_near_the_best_that_is_possible(result: GauntletResult) -> None:
    """No forecast of an AR(1) process has a smaller error than its own conditional deviation; naive is far above it."""
    size = np.sqrt(5**2 / 2 + NOISE**2 / (1 - PHI**2))  # standard deviation of the series
    steps = np.arange(1, 25)
    floor = np.sqrt(NOISE**2 * (1 - PHI ** (2 * steps)) / (1 - PHI**2)).mean() * np.sqrt(2 / np.pi) / size
    best = next(row for row in result.candidates if row.name == result.best)
    naive = next(row for row in result.baselines if row.name == "naive")
    assert floor * 0.8 < best.metrics["mae"] < 1.5 * floor
    assert best.metrics["mae"] < 0.6 * naive.metrics["mae"]
    assert best.intervals["mase"][1] < naive.intervals["mase"][0]


def test_intervals_cover_what_they_promise(result: GauntletResult) -> None:
    """92 to 98 % inside the 95 % interval of each learnt model, over all origins of the test parts."""
    shares: dict[str, list[float]] = {}
    for cell in result.cells or ():
        if cell["group"]["origins"] == "all" and cell["model"].endswith(("forecaster", "challenger")):
            shares.setdefault(cell["model"], []).append(cell["metrics"]["coverage_95"])
    assert set(shares) == {"linear_forecaster", "lightgbm_forecaster_challenger", "combined_forecaster"}
    assert all(len(found) == 2 and 0.92 <= np.mean(found) <= 0.98 for found in shares.values()), shares


def test_only_agreed_metrics_are_told(result: GauntletResult) -> None:
    """Rows and cells speak the document's names, and every model is told at the common origins."""
    for metrics in [row.metrics for row in (*result.candidates, *result.baselines)]:
        assert set(metrics) <= set(METRICS)
    common = {cell["model"] for cell in result.cells or () if cell["group"]["origins"] == "common"}
    assert common == {row.name for row in (*result.candidates, *result.baselines)}
    assert any("original claim" in sentence for sentence in result.verdict)
    json.dumps(result.document(), allow_nan=False)


def test_every_version_loads_and_forecasts_within_its_interval(result: GauntletResult) -> None:
    """Through the signed loader: raw history in, a value in the sensor's unit out, inside its own 95 % interval."""
    key = signing_key(settings().state / "keys" / "signing.pem").public_key()
    for one in result.registered:
        loaded = load(one.name, one.version, key)
        example = json.loads(loaded.files["input_example.json"])
        rows = pd.DataFrame(example["data"], columns=example["columns"])
        value = loaded.model.predict(rows)
        low, high = loaded.model.predict_interval(rows, 95).T
        assert ((low < value) & (value < high)).all()
        assert (np.abs(value - 50) < 12).all(), one.name  # sensor-001 reads 50 and swings by 5


def test_prophet_is_stored_as_text_and_numbers(result: GauntletResult) -> None:
    """Its fit is JSON; the skops file names no type of Prophet's or pandas'."""
    import skops.io

    key = signing_key(settings().state / "keys" / "signing.pem").public_key()
    loaded = load("prophet_forecaster_tuned_sensor-001", 1, key)
    assert skops.io.get_untrusted_types(data=loaded.files["model.skops"]) == [
        "gauntlet.tasks.models.forecasters.prophet.ProphetForecaster"
    ]
    assert json.loads(loaded.model.model_json_)["growth"] == "linear"


def test_trials_are_in_mlflow(result: GauntletResult, stack: Any) -> None:
    """Two trials of each study, with their settings and errors, under the gauntlet's run."""
    one = result.registered[0]
    run = MlflowClient().get_run(MlflowClient().get_model_version(one.name, str(one.version)).run_id)
    mine = f"tags.kind = 'trial' and tags.mlflow.parentRunId = '{run.data.tags['mlflow.parentRunId']}'"
    runs = MlflowClient().search_runs([experiment(FORECASTING.experiment, stack.connection)], mine)
    studies = [run.data.tags["study"] for run in runs]
    assert studies.count("prophet") == studies.count("lightgbm") == 2
    assert all(run.data.metrics["tuning_mse"] > 0 and run.data.params for run in runs)


def test_again_changes_no_digit_and_registers_nothing_twice(result: GauntletResult, table: Path) -> None:
    """The same data, seed and trials: the same document, the same versions."""
    again = forecasting(data=table, seed=7, trials=2)
    assert again.candidates == result.candidates
    assert again.cells == result.cells
    assert again.registered == result.registered


def test_a_negative_horizon_is_one_line(table: Path, stack: Any) -> None:
    """Nothing is trained; the message says what is expected."""
    with pytest.raises(BadInput, match="horizon of -3; expected 1 step or more"):
        forecasting(data=table, horizons=[-3])
