"""The anomaly gauntlet on NAB's machine temperature, judged by the official windows. GAUNTLET_DATA_DIR names its root."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

ROOT = os.environ.get("GAUNTLET_DATA_DIR", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not ROOT or not (Path(ROOT) / "nab").is_dir(), reason="GAUNTLET_DATA_DIR holds no folder nab"),
]


def test_the_official_windows_are_met_and_the_simple_limit_is_not_hidden(stack: Any) -> None:
    """All four windows are found by every detector; the verdict says that the plain limit has the better F1."""
    from gauntlet.flows.anomaly import anomaly

    told = anomaly(data=Path(ROOT) / "nab")
    assert told.source == "real"
    rows = {row.name: row.metrics for row in (*told.candidates, *told.baselines)}
    assert all(metrics["recall"] == 1 for name, metrics in rows.items() if name != "naive")
    scores = {
        cell["model"]: cell["metrics"]["nab_score"]
        for cell in told.cells or ()
        if cell["group"].get("profile") == "standard"
    }
    assert scores["naive"] == 0
    assert 0 < scores["anomaly_detector_refined_v2"] < 100
    beaten = rows["robust_z"]["f1"] >= rows[told.best]["f1"]
    assert beaten == any("no candidate beats robust_z" in sentence for sentence in told.verdict)
