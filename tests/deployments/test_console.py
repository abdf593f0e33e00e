"""The results table on the terminal: nothing is cut, whatever the width."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from gauntlet.deployments.console import results_table
from gauntlet.tasks.metrics.catalogue import METRICS
from gauntlet.tasks.result import GauntletResult, InputSummary, Leakage, Row

LIFE = {
    "f1": 1.0,
    "precision": 1.0,
    "recall": 1.0,
    "false_alarms_per_week": 0.07,
    "lead_time_h": 0.5,
    "onset_error": 0.04,
}


def made(candidates: tuple[Row, ...], baselines: tuple[Row, ...] = (), primary: str = "f1") -> GauntletResult:
    return GauntletResult(
        gauntlet="xjtu", source="simulated", data_hash="", seed=7, protocol="", leakage=Leakage((), allowed=False),
        primary_metric=primary, candidates=candidates, baselines=baselines, best=candidates[0].name, chosen_on="validation", champion=None,
        registered=(), timings_s={}, input=InputSummary(files=0, rows=0, bytes=0), report="", verdict=(),
    )  # fmt: skip


def printed(result: GauntletResult, width: int) -> list[str]:
    file = io.StringIO()
    Console(file=file, width=width).print(results_table(result, width))
    return [line.rstrip() for line in file.getvalue().splitlines()]


@pytest.mark.parametrize("width", [80, 100, 120])
def test_no_cell_is_cut(width: int) -> None:
    """Rich cuts with an ellipsis; the only one is that of the names' common beginning."""
    rows = (
        Row("xjtu_anomaly_robust_mahalanobis", LIFE, {"f1": (0.42, 1.0)}),
        Row("xjtu_remaining_life", {"coverage_80": 0.667, "phm_score": 0.217}),
    )
    text = "\n".join(printed(made(rows), width))
    assert text.count("…") == 1
    assert max(map(len, text.splitlines())) <= width
    assert "1.000 [0.420, 1.000]" in text


def test_a_wide_terminal_shows_all_and_a_narrow_one_what_decides() -> None:
    """The primary metric is never left out, and a row that has nothing to show left is not shown."""
    every = dict.fromkeys(METRICS, 0.5)
    result = made((Row("a", every), Row("b", {"brier": 0.1})), primary="roc_auc")
    assert len(printed(result, 250)[-1].split()) == len(METRICS) - 2 + 1  # accuracy and mcc are the report's
    narrow = printed(result, 60)
    assert "roc_auc" in " ".join(narrow)
    assert not any(line.startswith("b") for line in narrow)


def test_a_heading_is_broken_at_underscores_only() -> None:
    """Read from top to bottom it is the name in the README's list of metrics."""
    lines = printed(made((Row("a", {"f1": 1.0, "false_alarms_per_week": 0.07}),)), 80)
    assert lines[-1].split() == ["a", "1.000", "0.07"]
    assert "".join(line.split()[-1] for line in lines[1:-1]) == "false_alarms_per_week"
