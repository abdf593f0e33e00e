"""The sound gauntlet as a flow: registered, judged, told, and the same again."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from gauntlet.datasets.simulate.sound import SoundPlan, write
from gauntlet.tasks.metrics.catalogue import METRICS
from gauntlet.tasks.registry.aliases import aliases_of
from gauntlet.tasks.registry.keys import signing_key
from gauntlet.tasks.registry.load import load
from gauntlet.tasks.runtime.settings import settings
from gauntlet.tasks.sound.gauntlets import MIMII

pytestmark = pytest.mark.slow

PLAN = SoundPlan(machines=("fan",), snrs=(6, -6), channels=2, normal=40, abnormal=10, seconds=1)


@pytest.fixture(scope="module")
def ran(unregistered: Any, tmp_path_factory: Any) -> Any:
    from gauntlet.flows.mimii import mimii

    unregistered("mimii")
    data = write(tmp_path_factory.mktemp("mimii"), PLAN)
    broken = data / "6_dB_fan" / "fan" / "id_00" / "normal" / "00000039.wav"
    broken.write_text("not a sound")
    return data, mimii(data=data, seed=7)


def test_versions_and_champion(ran: Any) -> None:
    """The names that must be kept and our own, all of audio; the champion is the chosen detector, never the forest."""
    _, result = ran
    assert {"RandomForest_MIMII_Audio_Benchmark", "MIMII_Audio_Scaler"} < set(MIMII.registered)
    assert [one.name for one in result.registered] == list(MIMII.registered)
    for one in result.registered:
        version = MlflowClient().get_model_version(one.name, str(one.version))
        assert version.tags["sensor_type"] == "audio"
        assert version.tags["source"] == "simulated"
        assert one.uri.startswith("s3://")
    assert result.champion == result.best
    assert [one.name for one in result.registered if "champion" in aliases_of(one.name)] == [result.best]
    assert MlflowClient().get_experiment_by_name("Audio Gauntlet (MIMII)") is not None


def test_the_registered_scaler_transforms(ran: Any) -> None:
    """Raw features in, by each machine's own normal clips; standardised features by name out."""
    _, result = ran
    scaler = next(one for one in result.registered if one.name == "MIMII_Audio_Scaler")
    loaded = load(scaler.name, scaler.version, signing_key(settings().state / "keys" / "signing.pem").public_key())
    names = loaded.files["feature_names.txt"].decode().splitlines()
    rows = pd.read_parquet(io.BytesIO(loaded.files["reference.parquet"]))
    scaled = loaded.model.transform(rows.drop(columns="abnormal"))
    assert list(scaled) == names
    np.testing.assert_allclose(scaled.groupby(rows["cell"]).mean(), 0, atol=1e-9)


def test_the_document(ran: Any) -> None:
    """Cells by SNR, machine and id with known metrics, the quarantined clip with its reason, plain JSON."""
    _, result = ran
    document = json.loads(json.dumps(result.document(), allow_nan=False))
    assert document["primary_metric"] == "auc"
    best = [one for one in document["cells"] if one["model"] == result.best]
    assert [tuple(one["group"].values()) for one in best] == [
        (snr, "fan", name) for snr in ("-6dB", "6dB") for name in ("id_00", "id_02")
    ]
    assert all(set(one["metrics"]) <= set(METRICS) for one in document["cells"])
    assert np.mean([one["metrics"]["auc"] for one in best]) == pytest.approx(
        next(row for row in document["candidates"] if row["name"] == result.best)["metrics"]["auc"]
    )
    assert [one["file"].rsplit("/", 1)[1] for one in document["input"]["quarantined"]] == ["00000039.wav"]
    assert document["input"]["files"] == document["input"]["rows"] + 1 == 200


def test_again_from_the_cache_and_the_same(ran: Any) -> None:
    """Nothing is decoded twice, no digit changes and nothing is registered twice."""
    from gauntlet.flows.mimii import mimii

    data, result = ran
    again = mimii(data=data, seed=7)
    assert again.input.cached_files == 199
    assert again.candidates == result.candidates
    assert again.cells == result.cells
    assert again.registered == result.registered
