"""The vibration gauntlets on the real files, through the command line, as a user runs them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.real, pytest.mark.slow]


Result = Callable[[str], dict[str, Any]]


def test_ims_names_bearings_elements_and_onset(real_result: Result) -> None:
    """Set 2: bearing 1, outer race, since index 520-560, nobody else; set 1: bearing 3 inner race, bearing 4 found failing."""
    result = real_result("nasa")
    machines = {(one["run"], one["unit"]): one for one in result["machines"]}
    failing = machines["2nd_test", "bearing 1"]
    assert failing["diagnosis"]["element"] == "outer"
    assert 520 <= failing["onset"]["index"] <= 560
    assert failing["onset"]["time"].startswith("2004-02-16T")
    assert failing["failure"]["index"] == 981  # the last two of 984 are machine-off
    assert failing["lead_time_h"] > 72
    for unit in ("bearing 2", "bearing 3", "bearing 4"):
        other = machines["2nd_test", unit]
        assert other["diagnosis"]["element"] is None
        assert other["crosstalk_of"] == "2nd_test bearing 1"
        assert other["false_alarms"] == 0
    assert machines["1st_test", "bearing 3"]["diagnosis"]["element"] == "inner"
    assert machines["1st_test", "bearing 3"]["onset"] is not None
    ambiguous = machines["1st_test", "bearing 4"]
    assert ambiguous["onset"] is not None
    assert ambiguous["diagnosis"]["element"] in ("rolling", "unknown")
    assert machines["3rd_test", "bearing 3"]["onset"]["index"] == pytest.approx(5966, abs=60)
    off = [one for one in result["input"]["quarantined"] if "machine is off" in one["reason"]]
    assert {Path(one["file"]).name for one in off} == {"2004.02.19.06.12.39", "2004.02.19.06.22.39"}


def test_femto_alarms_before_each_end_and_remaining_life_beats_both_naive_ways(real_result: Result) -> None:
    """Four bearings; the PHM score beside the mean life of the others and the line through the level."""
    result = real_result("femto")
    assert len(result["machines"]) == 4
    assert all(one["onset"]["index"] < one["failure"]["index"] for one in result["machines"])
    scores = {one["name"]: one["metrics"].get("phm_score") for one in (*result["candidates"], *result["baselines"])}
    assert scores["femto_remaining_life"] > scores["mean_life_of_others"]
    assert scores["femto_remaining_life"] > scores["rms_extrapolation"]
    assert all("rul" in one for one in result["machines"])
