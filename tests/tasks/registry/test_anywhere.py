"""Every sort of model loads and answers by plain MLflow in an environment made from its own requirements alone.

register ─> requirements.txt of each version ─> one fresh environment for equal ones ─> plain_mlflow.py there, outside the
checkout ─> its answers to the publisher's rows are those of the models that were registered
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from mlflow.artifacts import download_artifacts
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from gauntlet.datasets import ai4i, dataset
from gauntlet.tasks.metrics.prices import Prices
from gauntlet.tasks.models.answer import answer
from gauntlet.tasks.models.decision import DecisionClassifier
from gauntlet.tasks.models.forecasters.prophet import ProphetForecaster, fitted_json
from gauntlet.tasks.models.forecasters.simple import SeasonalNaive
from gauntlet.tasks.models.pump_features import PumpFeatures
from gauntlet.tasks.models.run_detector import RunDetector
from gauntlet.tasks.registry.keys import signing_key
from gauntlet.tasks.registry.load import load
from gauntlet.tasks.registry.register import assign_alias, register
from gauntlet.tasks.registry.submission import Submission
from gauntlet.tasks.result import Registered
from gauntlet.tasks.runtime.tracking import experiment, tracked
from gauntlet.tasks.tabular.gauntlets import AI4I
from gauntlet.tasks.tabular.train import pipeline

pytestmark = pytest.mark.slow

FORECAST = ["forecast", "lower_80", "upper_80", "lower_95", "upper_95"]
SCORED = ["score", "alarm", "threshold"]


@dataclass(frozen=True, eq=False)
class Sample:
    """A model with its rows as ours reads them, and how plain pandas reads the publisher's file.

    `columns`: of the answer. `expected`: that answer, by the model's own methods. `method`: what plain scikit-learn asks.
    """

    model: Any
    rows: pd.DataFrame
    file: Path
    columns: list[str]
    expected: np.ndarray
    method: str = "predict"
    read: Mapping[str, Any] = field(default_factory=dict)


def _classified(model: Any, rows: pd.DataFrame, file: Path, **read: Any) -> Sample:
    probability = model.predict_proba(rows)[:, 1]
    threshold = np.full(len(rows), model[-1].threshold_)
    expected = np.column_stack([probability, model.predict(rows), threshold])
    return Sample(model, rows, file, SCORED, expected, read=read)


def _process_table(folder: Path) -> Iterator[tuple[str, Sample]]:
    file = Path(ai4i.simulate(folder, seed=7, rows=2_500))
    frame = ai4i.read(file)
    for candidate in AI4I.candidates:
        model = pipeline(candidate, Prices(500.0, 25.0), 7).fit(frame.features, frame.target.to_numpy())
        yield candidate.name, _classified(model, frame.features, file)


def _pump(folder: Path) -> Iterator[tuple[str, Sample]]:
    """Sensors with gaps, one of which a day's file lacks altogether."""
    dataset("pump").simulation(seed=7, scale=0.02).write(folder)
    table = pd.read_csv(folder / "sensor.csv", nrows=4_000)
    sensors = [name for name in table.columns if name.startswith("sensor_")][:6]
    rows = table[sensors].assign(**{sensors[0]: table[sensors[0]].where(table.index % 7 > 0)})
    rows[sensors[-1]] = np.nan
    rows.drop(columns=sensors[-1]).to_csv(folder / "day.csv", index=False)
    boosted = LGBMClassifier(n_estimators=5, n_jobs=1, deterministic=True, force_row_wise=True, verbose=-1)
    model = Pipeline([("features", PumpFeatures()), ("decision", DecisionClassifier(boosted))])
    model.fit(rows, (rows[sensors[1]] > rows[sensors[1]].median()).to_numpy().astype(int))
    sample = _classified(model, rows, folder / "day.csv")
    # Plain scikit-learn is not asked: nobody adds the missing sensor there.
    yield "anywhere_pump", Sample(model, rows, sample.file, SCORED, sample.expected, method="")


def _rig(folder: Path) -> Iterator[tuple[str, Sample]]:
    dataset("skab").simulation(seed=7, scale=0.1).write(folder)
    file = folder / "valve1" / "0.csv"
    rows = pd.read_csv(file, sep=";").iloc[:, 1:9]
    detector = RunDetector("pca", list(rows.columns)).fit(rows.head(400))
    answered = [detector.decision_function(rows), detector.predict(rows)]
    threshold = getattr(detector, "threshold_", None)
    answered += [] if threshold is None else [np.full(len(rows), threshold)]
    columns = SCORED[: len(answered)]
    yield "anywhere_rig", Sample(detector, rows, file, columns, np.column_stack(answered), read={"sep": ";"})
    scaler = StandardScaler().fit(rows)
    scaled = scaler.transform(rows)
    yield "anywhere_scaler", Sample(scaler, rows, file, list(rows.columns), scaled, "transform", {"sep": ";"})


def _series(folder: Path) -> Iterator[tuple[str, Sample]]:
    dataset("sensors").simulation(seed=7, scale=0.1).write(folder)
    table = pd.read_csv(folder / "sensors.csv", parse_dates=["timestamp"])
    one = table[table["sensor_id"] == "sensor-001"].dropna()[["timestamp", "value"]].reset_index(drop=True)
    one.to_csv(folder / "one.csv", index=False)
    values, times = one["value"].to_numpy(), pd.DatetimeIndex(one["timestamp"])
    scale = 10.0, 2.0, {80: np.linspace(1, 2, 24), 95: np.linspace(2, 3, 24)}
    text = fitted_json((values - 10.0) / 2.0, times, 24, {})
    for name, model in (
        ("anywhere_naive", SeasonalNaive(season=24).with_scale(*scale)),
        ("anywhere_prophet", ProphetForecaster().with_json(text).with_scale(*scale)),
    ):
        origin = {"origin": str(times[-1]), "step": np.arange(1, 25), "history": [values.tolist()] * 24}
        asked = pd.DataFrame(origin)
        intervals = [model.predict_interval(asked, level) for level in (80, 95)]
        expected = np.column_stack([model.predict(asked), *intervals])
        yield name, Sample(model, one, folder / "one.csv", FORECAST, expected, method="")


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Sample]:
    """By the name that each is registered under."""
    makers: tuple[Callable[[Path], Iterator[tuple[str, Sample]]], ...] = (_process_table, _pump, _rig, _series)
    return {name: sample for maker in makers for name, sample in maker(tmp_path_factory.mktemp("published"))}


@pytest.fixture(scope="module")
def registered(samples: dict[str, Sample], stack: Any) -> dict[str, Registered]:
    """Each in the registry."""
    place = experiment("anywhere", stack.connection)
    with tracked(stack.connection, place, "anywhere", {"gauntlet": "anywhere"}) as parent:
        put = partial(register, parent=parent, connection=stack.connection, key_file=_key_file(stack))
        return {name: put(_submission(name, sample)) for name, sample in samples.items()}


def _submission(name: str, sample: Sample) -> Submission:
    tags = {"leaked": "false", "dataset": "anywhere"}
    files = {"feature_names.txt": "\n".join(map(str, sample.rows.columns)).encode()}
    return Submission(name, f"{name} key", sample.model, sample.rows, {}, {}, tags, "A test.", files)


def _key_file(stack: Any) -> Path:
    return Path(stack.cfg.state) / "keys" / "signing.pem"


def _environment(requirements: Path, folder: Path) -> Path:
    """The interpreter of a fresh environment with these requirements and nothing else."""
    uv = shutil.which("uv") or str(Path(sys.executable).parent / "uv")
    python = folder / "bin" / "python"
    quiet = {"check": True, "capture_output": True, "text": True, "cwd": folder.parent}
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], **quiet)
    subprocess.run(
        [uv, "pip", "install", "--quiet", "--system-certs", "--python", str(python), "-r", str(requirements)], **quiet
    )
    return python


@pytest.fixture(scope="module")
def answers(
    samples: dict[str, Sample], registered: dict[str, Registered], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    """What plain MLflow says of each, in an environment of its own requirements; equal ones share one."""
    outside = tmp_path_factory.mktemp("outside")
    groups: dict[str, list[str]] = {}
    for name, version in registered.items():
        file = download_artifacts(artifact_uri=f"{version.uri}/requirements.txt", dst_path=str(outside / name))
        groups.setdefault(Path(file).read_text(), []).append(name)
    assert len(groups) == 3  # with LightGBM, with Prophet, with neither
    found: dict[str, dict[str, Any]] = {}
    for number, (requirements, names) in enumerate(groups.items()):
        here = outside / str(number)
        here.mkdir()
        (here / "requirements.txt").write_text(requirements)
        python = _environment(here / "requirements.txt", here / "environment")
        found |= _ask(python, here, {name: (registered[name], samples[name]) for name in names})
    return found


def _ask(python: Path, here: Path, group: Mapping[str, tuple[Registered, Sample]]) -> dict[str, dict[str, Any]]:
    request = {
        name: {
            "uri": f"models:/{name}/{version.version}",
            "read": {"file": str(sample.file), **sample.read},
            "method": sample.method,
        }
        for name, (version, sample) in group.items()
    }
    (here / "request.json").write_text(json.dumps(request))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    script = Path(__file__).with_name("plain_mlflow.py")
    done = subprocess.run(
        [str(python), "-I", str(script), str(here / "request.json")],
        capture_output=True,
        text=True,
        cwd=here,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["ours"].endswith("/code/gauntlet/tasks/models/answer.py")
    arrays = ("pyfunc", "sklearn")
    return {
        name: {**version, **{kind: np.load(here / f"{name}.{kind}.npy") for kind in arrays}}
        for name, version in said["versions"].items()
    }


def test_pyfunc_answers_the_publishers_rows_as_registered(answers: dict[str, Any], samples: dict[str, Sample]) -> None:
    """Whole numbers for fractions, further columns, another order, a sensor that is not there: all are taken."""
    assert answers.keys() == samples.keys()
    for name, sample in samples.items():
        assert answers[name]["columns"] == sample.columns, name
        np.testing.assert_allclose(answers[name]["pyfunc"], sample.expected, rtol=1e-9, atol=1e-12, err_msg=name)


def test_scikit_learns_flavour_predicts_as_registered(answers: dict[str, Any], samples: dict[str, Sample]) -> None:
    """The model by itself, on the publisher's columns."""
    asked = {name: sample for name, sample in samples.items() if sample.method}
    assert len(asked) == 8
    for name, sample in asked.items():
        expected = np.asarray(getattr(sample.model, sample.method)(sample.rows), np.float64)
        np.testing.assert_allclose(answers[name]["sklearn"], expected, rtol=1e-9, atol=1e-12, err_msg=name)


def test_the_folder_says_how_features_are_made(
    registered: dict[str, Registered], samples: dict[str, Sample], stack: Any
) -> None:
    """Columns, steps with their parameters and where the code is, which really lies there; all of it signed."""
    key = signing_key(_key_file(stack)).public_key()
    for name, version in registered.items():
        files = load(name, version.version, key).files
        document = json.loads(files["features.json"])
        assert document["features"] == files["feature_names.txt"].decode().splitlines()
        assert all(step["code"] in files for step in document["steps"] if step["class"].startswith("gauntlet."))
        assert {column["name"] for column in document["columns"]} == set(samples[name].rows.columns)
        assert list(document["answer"]) == samples[name].columns
    engineered = load("ai4i_classifier_lightgbm_engineered", 1, key).files
    first = json.loads(engineered["features.json"])["steps"][0]
    assert first["parameters"] == {"kind": "engineered"}
    assert first["class"] == "gauntlet.tasks.models.process_features.ProcessFeatures"


def test_our_own_loader_answers_the_same(
    registered: dict[str, Registered], samples: dict[str, Sample], stack: Any
) -> None:
    """In a fresh process, by the installed code; and each answers its own example, as validation asks it to."""
    submissions = [_submission(name, sample) for name, sample in samples.items()]
    versions = [registered[name] for name in samples]
    assert assign_alias(submissions, versions, None, list(samples), stack.connection, _key_file(stack)) == tuple(
        versions
    )
    key = signing_key(_key_file(stack)).public_key()
    for name, version in registered.items():
        loaded = load(name, version.version, key)
        answered = answer(loaded.model, loaded.example())
        assert list(answered.columns) == samples[name].columns
        assert np.isfinite(answered.to_numpy(np.float64)).all(), name
