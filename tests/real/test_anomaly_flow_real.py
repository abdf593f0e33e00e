"""The anomaly gauntlet on NAB's machine temperature, judged by the official windows. GAUNTLET_DATA_DIR names its root."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [pytest.mark.real, pytest.mark.slow]


def test_the_official_windows_are_met_and_the_simple_limit_is_not_hidden(
    real_result: Callable[[str], dict[str, Any]],
) -> None:
    """All four windows are found by every detector; the verdict says that the plain limit has the better F1."""
    document = real_result("anomaly")
    assert document["source"] == "real"
    rows = {row["name"]: row["metrics"] for row in (*document["candidates"], *document["baselines"])}
    assert all(metrics["recall"] == 1 for name, metrics in rows.items() if name != "naive")
    scores = {
        cell["model"]: cell["metrics"]["nab_score"]
        for cell in document["cells"]
        if cell["group"].get("profile") == "standard"
    }
    assert scores["naive"] == 0
    assert 0 < scores["anomaly_detector_refined_v2"] < 100
    beaten = rows["robust_z"]["f1"] >= rows[document["best"]]["f1"]
    assert beaten == any("no candidate beats robust_z" in sentence for sentence in document["verdict"])
