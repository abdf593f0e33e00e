"""SKAB's real runs: the target, with nothing chosen on a test row."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

REAL = Path(os.environ.get("GAUNTLET_DATA_DIR", ""))

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        "GAUNTLET_DATA_DIR" not in os.environ or not (REAL / "skab").is_dir(),
        reason="needs SKAB's files in GAUNTLET_DATA_DIR/skab",
    ),
]


@pytest.fixture(scope="module")
def judged() -> Any:
    from gauntlet.tasks.multivariate import load as rig

    runs = rig.load(REAL / "skab", "real", REAL, 7)
    beginnings = rig.featurize(runs)
    detections = [rig.train(name, runs, beginnings) for name in rig.NAMES]
    return runs, beginnings, detections, rig.evaluate(runs, detections, 7)


def test_every_detector_reaches_the_target_with_one_setting_for_all_runs(judged: Any) -> None:
    """F1 at least 0.80 at a false alarm rate of at most 25 %, whichever of the four is taken."""
    _, _, _, judgement = judged
    for row in judgement.candidates:
        assert row.metrics["f1"] >= 0.80, row.name
        assert row.metrics["far"] <= 0.25, row.name


def test_calling_every_row_an_anomaly_is_in_the_table(judged: Any) -> None:
    """Published over all runs: 0.698; over the runs at hand it follows from their share of anomalies."""
    runs, _, _, judgement = judged
    row = next(one for one in judgement.baselines if one.name == "all_positive")
    share = sum(run.anomaly[400:].sum() for run in runs.runs) / sum(len(run.anomaly) - 400 for run in runs.runs)
    assert row.metrics["f1"] == pytest.approx(2 * share / (1 + share))
    assert row.metrics["f1"] == pytest.approx(0.698, abs=0.01)


def test_temperatures_are_left_out_because_they_drift_before_any_anomaly(judged: Any) -> None:
    """The rig warms up: physics, seen in the beginnings."""
    _, beginnings, _, _ = judged
    assert set(beginnings.drift.index) - set(beginnings.steady) == {"Temperature", "Thermocouple"}


def test_labels_and_later_rows_have_no_part_in_the_settings(judged: Any) -> None:
    """Settings learnt from the beginnings alone, everything else thrown away, are those that were used."""
    from gauntlet.tasks.multivariate.setting import learn

    runs, beginnings, detections, _ = judged
    rows = [run.values.iloc[:400].copy() for run in runs.runs]
    again = learn("residual", rows, beginnings.steady)
    used = next(one.setting for one in detections if one.name == "skab_residual")
    assert (again.window, again.sensors) == (used.window, used.sensors)
    assert again.margin == pytest.approx(used.margin, rel=1e-9)


def test_the_audit_is_silent(judged: Any) -> None:
    """Nothing was tuned on a test row, nothing trained is scored."""
    from gauntlet.tasks.multivariate import load as rig

    runs, _, detections, _ = judged
    assert rig.audit_result(runs, detections, allow_leakage=False) == ()
