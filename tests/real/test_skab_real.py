"""SKAB's real runs: the target, with nothing chosen on a test row."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gauntlet.tasks.multivariate.audit import audit_result
from gauntlet.tasks.multivariate.evaluate import evaluate
from gauntlet.tasks.multivariate.featurize import featurize
from gauntlet.tasks.multivariate.gauntlets import SKAB
from gauntlet.tasks.multivariate.load import load
from gauntlet.tasks.multivariate.setting import learn
from gauntlet.tasks.multivariate.train import train

REAL = Path(os.environ.get("GAUNTLET_DATA_DIR", ""))

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        "GAUNTLET_DATA_DIR" not in os.environ or not (REAL / "skab").is_dir(),
        reason="needs SKAB's files in GAUNTLET_DATA_DIR/skab",
    ),
]


@pytest.fixture(scope="module")
def judged(request_of: Callable[..., Any]) -> Any:
    prepared = featurize(load(SKAB, request_of(SKAB, REAL / "skab", "real")))
    trained = [train(candidate, prepared, 7) for candidate in SKAB.candidates]
    return prepared, trained, evaluate(prepared, trained, 7)


def test_every_detector_reaches_the_target_with_one_setting_for_all_runs(judged: Any) -> None:
    """F1 at least 0.80 at a false alarm rate of at most 25 %, whichever of the four is taken."""
    _, _, judgement = judged
    for row in judgement.candidates:
        assert row.metrics["f1"] >= 0.80, row.name
        assert row.metrics["far"] <= 0.25, row.name


def test_calling_every_row_an_anomaly_is_in_the_table(judged: Any) -> None:
    """Published over all runs: 0.698; over the runs at hand it follows from their share of anomalies."""
    prepared, _, judgement = judged
    row, runs = judgement.baselines["all_positive"], prepared.rig
    share = sum(run.anomaly[400:].sum() for run in runs.runs) / sum(len(run.anomaly) - 400 for run in runs.runs)
    assert row.metrics["f1"] == pytest.approx(2 * share / (1 + share))
    assert row.metrics["f1"] == pytest.approx(0.698, abs=0.01)


def test_temperatures_are_left_out_because_they_drift_before_any_anomaly(judged: Any) -> None:
    """The rig warms up: physics, seen in the beginnings."""
    prepared, _, _ = judged
    assert set(prepared.drift.index) - set(prepared.steady) == {"Temperature", "Thermocouple"}


def test_labels_and_later_rows_have_no_part_in_the_settings(judged: Any) -> None:
    """Settings learnt from the beginnings alone, everything else thrown away, are those that were used."""
    prepared, trained, _ = judged
    rows = [run.values.iloc[:400].copy() for run in prepared.rig.runs]
    again = learn("residual", rows, prepared.steady)
    used = next(one.setting for one in trained if one.candidate.name == "skab_residual")
    assert (again.window, again.sensors) == (used.window, used.sensors)
    assert again.margin == pytest.approx(used.margin, rel=1e-9)


def test_the_audit_is_silent(judged: Any) -> None:
    """Nothing was tuned on a test row, nothing trained is scored."""
    assert audit_result(*judged) == ()
