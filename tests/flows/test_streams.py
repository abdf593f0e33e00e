"""The sensor gauntlets' own promises: quality that falls by what was injected, alarms by event, clear refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
from prefect import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

from gauntlet.datasets import sensors
from gauntlet.datasets.errors import BadInput
from gauntlet.flows.anomaly import anomaly
from gauntlet.flows.synthetic import synthetic
from gauntlet.tasks.result import GauntletResult

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty days of ten sensors."""
    place = tmp_path_factory.mktemp("sensors")
    sensors.simulate(place, seed=5, scale=0.5)
    return place


@pytest.fixture(scope="module")
def validated(folder: Path, stack: Any) -> GauntletResult:
    return synthetic(data=folder)


@pytest.fixture(scope="module")
def watched(folder: Path, stack: Any) -> GauntletResult:
    return anomaly(data=folder)


def test_clean_data_score_above_95_and_faults_lower_the_score_by_their_share(validated: GauntletResult) -> None:
    """Beginnings hold no fault; each cell's score is the one before less the share that was injected."""
    cells = [cell for cell in validated.cells or () if cell["model"] == "data_quality"]
    assert {cell["group"]["fault"] for cell in cells} == {"missing", "impossible", "duplicate", "late", "stuck"}
    for cell in cells:
        figures = cell["metrics"]
        assert figures["score_before"] > 95
        assert figures["score"] == pytest.approx(figures["score_expected"], abs=0.05)
        assert figures["score_before"] - figures["score"] == pytest.approx(100 * cell["group"]["share"], abs=0.6)
    assert "clean" in validated.verdict[0]


def test_the_configuration_of_the_sensors_is_an_artifact_and_a_file(validated: GauntletResult) -> None:
    """In Prefect a row per sensor; beside the model the same, with quantity, unit and range."""
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=["synthetic-sensors"])))
    rows = json.loads(str(found[0].data))
    assert [row["sensor"] for row in rows] == [sensor["name"] for sensor in sensors.configuration()["sensors"]]  # type: ignore[attr-defined,index]
    one = validated.registered[0]
    text = mlflow.artifacts.load_text(f"{one.uri}/sensor_config.txt")
    assert "sensor: sensor-004\nquantity: humidity\nunit: %\nlow: 0.0\nhigh: 100.0\nstep_s: 3600\n" in text


def test_every_kind_of_fault_has_its_recall_and_delay(watched: GauntletResult) -> None:
    """As labelled: 5 faulty sensors, the five kinds; spikes last an hour or two, so that they are found at once."""
    cells = [cell for cell in watched.cells or () if cell["model"] == watched.best]
    assert {cell["group"]["kind"] for cell in cells} == set(sensors.FAULTS)
    spike = next(cell for cell in cells if cell["group"]["kind"] == "spike")
    assert spike["metrics"]["recall"] >= 0.9
    assert spike["metrics"]["delay_h"] <= 1
    assert [row.name for row in watched.baselines] == ["naive", "robust_z"]
    assert watched.baselines[0].metrics["recall"] == 0


def test_without_labels_no_share_is_stated_and_nothing_becomes_champion(
    folder: Path, tmp_path: Path, stack: Any
) -> None:
    """The user's own readings: detectors are registered, no figure is made up."""
    pd.read_csv(folder / "sensors.csv").head(2 * 1440).to_csv(tmp_path / "sensors.csv", index=False)
    told = anomaly(data=tmp_path)
    assert told.source == "real"
    assert "no share of hits" in told.verdict[0]
    assert len(told.registered) == 2
    assert all("champion" not in one.aliases or one.version == 1 for one in told.registered)
    assert json.loads(json.dumps(told.document()))["candidates"][0]["metrics"]["f1"] is None


def test_what_cannot_be_judged_is_refused_in_one_line(tmp_path: Path, stack: Any) -> None:
    """Text in a column of numbers; too short to learn from."""
    (tmp_path / "sensors.csv").write_text("sensor_id,timestamp,value\na,2024-01-01,1\na,2024-01-02,x\n")
    with pytest.raises(BadInput, match="line 3, column 'value': not a finite number"):
        anomaly(data=tmp_path)
    lines = "".join(f"a,2024-01-{day:02d},{day}\n" for day in range(1, 21))
    (tmp_path / "sensors.csv").write_text(f"sensor_id,timestamp,value\n{lines}")
    with pytest.raises(BadInput, match="sensor a is too short, saw 20 rows; expected 120"):
        anomaly(data=tmp_path)
    with pytest.raises(BadInput, match="nothing to fetch"):
        sensors.fetch(tmp_path)
