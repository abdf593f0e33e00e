"""The two real slices of the pump record are read and scored; two failures prove nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REAL = Path(os.environ.get("GAUNTLET_DATA_DIR", ""))

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        "GAUNTLET_DATA_DIR" not in os.environ or not (REAL / "pump").is_dir(),
        reason="needs the slices in GAUNTLET_DATA_DIR/pump",
    ),
]


def test_both_are_read_with_numeric_status() -> None:
    """721 and 3,601 minutes, the last row BROKEN; sensor_15 never moves in one of them."""
    from gauntlet.datasets import pump

    one, two = pump.read(REAL / "pump" / "prediction_slice1.csv"), pump.read(REAL / "pump" / "slice0.csv")
    assert (one.values.shape, one.failures.tolist()) == ((721, 51), [720])
    assert one.mended.constant == ("sensor_15",)
    assert (two.values.shape, two.failures.tolist()) == ((3601, 4), [3600])
    assert one.source == two.source == "real"


def test_each_is_scored_in_one_sentence() -> None:
    """Of its size, its failure and its warning."""
    from gauntlet.tasks.failure_prediction.slices import score_slices

    verdicts = score_slices(REAL)
    assert [verdict.rows for verdict in verdicts] == [721, 3601]
    assert all(verdict.failures == 1 and "1 failure" in verdict.sentence for verdict in verdicts)


def test_a_slice_is_no_data_set_to_judge_a_model_on(tmp_path: Path) -> None:
    """The gauntlet stops on one failure, and says so."""
    from gauntlet.datasets.errors import BadInput
    from gauntlet.tasks.failure_prediction.gauntlets import PUMP
    from gauntlet.tasks.failure_prediction.load import load
    from gauntlet.tasks.gauntlet import Request

    with pytest.raises(BadInput, match="1 failure; expected at least 3"):
        load(PUMP, Request(REAL / "pump" / "slice0.csv", "auto", 7, tmp_path, tmp_path))
