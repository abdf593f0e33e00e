"""The contract of all gauntlets, without a server: each recipe followed on a small simulated set, and what it hands on."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from sklearn.ensemble import IsolationForest, RandomForestClassifier

from gauntlet.datasets import dataset
from gauntlet.datasets.simulate import sound, vibration
from gauntlet.flows import flow_named
from gauntlet.tasks.contract import Artifact, Judgement, Prepared, Story
from gauntlet.tasks.failure_prediction import warnings
from gauntlet.tasks.gauntlet import Gauntlet, Request
from gauntlet.tasks.gauntlets import GAUNTLETS
from gauntlet.tasks.metrics.catalogue import METRICS
from gauntlet.tasks.models.subsampled import SubsampledClassifier
from gauntlet.tasks.registry.submission import Submission, submissions
from gauntlet.tasks.report.build import page_of, result_of
from gauntlet.tasks.result import GauntletResult

# Enough for every step, few enough for a test without servers.
SMALL = {
    "ai4i": 0.08, "pump": 0.18, "skab": 0.1, "nasa": 0.11, "xjtu": 0.012, "femto": 0.012, "forecasting": 0.2, "synthetic": 0.3, "anomaly": 0.3,
}  # fmt: skip
# The data set that is simulated for a gauntlet, where it is not its own.
SIMULATED = {"forecasting": "sensors"}
# What makes a run shorter and proves nothing here.
SHORTER: dict[str, dict[str, Any]] = {"forecasting": {"trials": 2, "models": "cheap"}}
FEW_CLIPS = sound.SoundPlan(
    machines=("fan",), ids=("id_00", "id_02"), snrs=(6,), channels=1, normal=24, abnormal=8, seconds=2
)


@dataclass(frozen=True)
class Followed:
    """What a recipe handed to the shared tail."""

    gauntlet: Gauntlet
    prepared: Prepared
    judgement: Judgement
    findings: tuple[Any, ...]
    story: Story
    artifacts: list[Artifact]

    @property
    def result(self) -> GauntletResult:
        return result_of(self.gauntlet, self.prepared.summary, self.judgement, self.story, self.findings, 7)

    @property
    def submissions(self) -> list[Submission]:
        return submissions(self.prepared, self.judgement, self.artifacts, self.findings)


@dataclass(frozen=True)
class BareRun:
    """A run without servers."""

    gauntlet: Gauntlet
    request: Request
    tracked: None = None
    connection: None = None


_FOLLOWED: dict[str, Followed] = {}


@pytest.fixture
def followed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Followed:
    """The recipe of a gauntlet, followed once."""
    name = request.param
    if name not in _FOLLOWED:
        gauntlet, folder = GAUNTLETS[name], tmp_path_factory.mktemp(name)
        if name == "mimii":
            sound.write(folder, FEW_CLIPS)
        else:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(vibration, "FEW", ("Bearing1_1", "Bearing3_3"))
                dataset(SIMULATED.get(name, gauntlet.dataset)).simulation(seed=7, scale=SMALL[name]).write(folder)
        with pytest.MonkeyPatch.context() as patch:
            _FOLLOWED[name] = _follow(gauntlet, folder, patch)
    return _FOLLOWED[name]


def _follow(gauntlet: Gauntlet, folder: Path, patch: pytest.MonkeyPatch) -> Followed:
    @contextmanager
    def bare_run(row: Gauntlet, parameters: dict[str, Any]) -> Iterator[BareRun]:
        own = {name: value for name, value in parameters.items() if name in row.parameters}
        yield BareRun(row, Request(folder, "auto", 7, folder, folder / "cache", workers=2, parameters=own))

    def handed_on(run: BareRun, *parts: Any) -> Followed:
        return Followed(run.gauntlet, *parts)

    flow = flow_named(gauntlet.name)
    _small_models(patch)
    replacements = {
        "gauntlet_run": bare_run,
        "conclude": handed_on,
        "show_quarantine": _silent,
        "track_trials": _silent,
    }
    for module in {"_gauntlet", gauntlet.name, "_vibration", "_streams"}:
        place = f"gauntlet.flows.{module}"
        for name, replacement in replacements.items():
            patch.setattr(f"{place}.{name}", replacement, raising=False)
        for kind in ("table", "markdown", "link"):
            patch.setattr(f"{place}.create_{kind}_artifact", _silent, raising=False)
    followed = flow.fn(data=folder, source="auto", seed=7, **SHORTER.get(gauntlet.name, {}))
    assert isinstance(followed, Followed)
    return followed


def _small_models(patch: pytest.MonkeyPatch) -> None:
    """Forests of a few trees, few rows to learn from and few resamples: quality is no part of the contract."""
    patch.setattr(warnings, "RESAMPLES", 40)
    for model in (RandomForestClassifier, IsolationForest, LGBMClassifier):
        patch.setattr(model, "fit", _with_at_most(12, "n_estimators", model.fit))
    patch.setattr(SubsampledClassifier, "fit", _with_at_most(600, "most_rows", SubsampledClassifier.fit))


def _with_at_most(most: int, parameter: str, fit: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(fit)
    def fit_small(self: Any, *data: Any, **named: Any) -> Any:
        return fit(self.set_params(**{parameter: min(getattr(self, parameter), most)}), *data, **named)

    return fit_small


def _silent(*_: Any, **__: Any) -> None:
    """Nothing is shown without a server."""


all_gauntlets = pytest.mark.parametrize("followed", GAUNTLETS, indirect=True)


@all_gauntlets
def test_names_and_metrics_are_known(followed: Followed) -> None:
    """Rows bear registered names, each once; metrics are of the catalogue; the primary one is among the best's."""
    judgement = followed.judgement
    names = [row.name for row in judgement.candidates]
    assert len(names) == len(set(names))
    for row in judgement.rows.values():
        assert set(row.metrics) <= set(METRICS)
    assert judgement.best in names
    assert followed.result.primary_metric in judgement.rows[judgement.best].metrics
    assert all(name == row.name for name, row in judgement.baselines.items())


@all_gauntlets
def test_intervals_hold_the_estimate(followed: Followed) -> None:
    """A 95 % interval has its estimate inside."""
    for row in followed.judgement.rows.values():
        for metric, (low, high) in row.intervals.items():
            assert low <= row.metrics[metric] <= high, (row.name, metric)


@all_gauntlets
def test_the_naive_answer_and_the_choice_are_named(followed: Followed) -> None:
    """Which baseline says nothing, and which part of the data the best was chosen on."""
    assert followed.judgement.naive in followed.judgement.baselines
    assert followed.judgement.chosen_on


@all_gauntlets
def test_what_the_data_were_is_said(followed: Followed) -> None:
    """Simulated, by hash, size and protocol; no finding on data that are in order."""
    summary = followed.prepared.summary
    assert summary.source == "simulated"
    assert len(summary.data_hash) == 64
    assert summary.size
    assert summary.place
    assert summary.input.rows > 0
    assert summary.input.bytes > 0
    assert summary.protocol
    assert followed.findings == ()


@all_gauntlets
def test_the_story_is_a_report(followed: Followed) -> None:
    """Sentences first, sections, pictures that are PNGs; the page holds all of it and says that the data are simulated."""
    story = followed.story
    assert story.verdict
    assert all(story.sections)
    assert len(story.pictures) >= 1
    assert all(png.startswith(b"\x89PNG") for png in story.pictures.values())
    page = page_of(followed.gauntlet, followed.prepared.summary, story, followed.result, (("run", "none"),))
    assert all(section.title in page for section in story.sections)
    assert "simulated data" in page
    assert any("simulated" in sentence for sentence in followed.result.verdict)


@all_gauntlets
def test_the_document_is_plain_json(followed: Followed) -> None:
    """With the agreed keys, and no NaN."""
    document = json.loads(json.dumps(followed.result.document(), allow_nan=False))
    assert document["gauntlet"] == followed.gauntlet.name
    assert document["best"] == followed.judgement.best
    assert document["chosen_on"] == followed.judgement.chosen_on
    assert document["leakage"] == {"findings": [], "allowed": False}


@all_gauntlets
def test_every_registered_name_is_made(followed: Followed) -> None:
    """What the table of gauntlets promises is what goes into the registry; besides, the best model at most."""
    made = {one.name for one in followed.artifacts}
    named = set(followed.gauntlet.registered)
    if followed.gauntlet.name == "forecasting":  # a model of one series bears the series' name
        assert {name for name in named if "sensor-001" not in name} <= made
    else:
        assert named <= made <= {*named, followed.judgement.best}


@all_gauntlets
def test_artifacts_answer_their_rows(followed: Followed) -> None:
    """Each model answers the raw rows that go with it, as many answers as rows, and finite."""
    for one in followed.artifacts:
        rows = one.rows.head(20)
        method = next(name for name in ("predict_proba", "predict", "transform") if hasattr(one.model, name))
        answer = np.asarray(getattr(one.model, method)(rows), np.float64)
        assert len(answer) == len(rows)
        assert np.isfinite(answer).all(), one.name


@all_gauntlets
def test_submissions_bear_tags_keys_and_words(followed: Followed) -> None:
    """All tags, a key of their own, a description that says simulated, finite metrics, features by name."""
    made = followed.submissions
    assert len({one.key for one in made}) == len(made)
    for one in made:
        assert {"project", "phase", "task", "status", "dataset", "sensor_type", "source", "data_hash", "seed"} <= set(
            one.tags
        )
        assert "simulated" in one.description
        assert all(math.isfinite(value) for value in one.metrics.values())
        names = one.files["feature_names.txt"].decode().splitlines()
        assert names
        assert {"audit.json", "sensor_config.txt", "reference.parquet"} <= set(one.files)


@all_gauntlets
def test_two_submissions_of_the_same_work_have_one_key(followed: Followed) -> None:
    """The key is made of data, code and parameters only."""
    assert [one.key for one in followed.submissions] == [one.key for one in followed.submissions]


@all_gauntlets
def test_detectors_keep_the_one_contract(followed: Followed) -> None:
    """Whatever says that a machine goes wrong: a score, a threshold, 0 or 1 by them, and parts that add up to the score."""
    detectors = [one for one in followed.artifacts if not hasattr(one.model, "predict_interval")]
    detectors = [one for one in detectors if hasattr(one.model, "predict")]
    assert detectors or followed.gauntlet.name == "forecasting"
    for one in detectors:
        rows = one.rows.head(5)
        score = np.asarray(one.model.decision_function(rows), np.float64)
        assert score.shape == (len(rows),), one.name
        assert np.array_equal(one.model.predict(rows), (score > one.model.threshold_).astype(int)), one.name
        parts = one.model.contributions(rows)
        assert parts.index.equals(rows.index), one.name
        np.testing.assert_allclose(parts.sum(axis=1), score, rtol=1e-9, atol=1e-9, err_msg=one.name)
