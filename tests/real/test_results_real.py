"""The figures of README and docs are those that the commands give on the published files."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from gauntlet.tasks.metrics.catalogue import METRICS

RESULTS = Path(__file__).resolve().parents[2] / "docs" / "results"
pytestmark = [pytest.mark.real, pytest.mark.slow]


def stated(document: Mapping[str, Any]) -> dict[str, str]:
    """Every figure of the results table and its interval, in the digits in which it is shown."""
    found = {"best": document["best"], "protocol": document["protocol"], "data": document["data_hash"]}
    for row in (*document["candidates"], *document["baselines"]):
        for name, value in row["metrics"].items():
            ends = [value, *row.get("intervals", {}).get(name, ())]
            number = (math.nan if one is None else one for one in ends)
            found[f"{row['name']} {name}"] = " ".join(format(one, METRICS[name].digits) for one in number)
    return found


@pytest.mark.parametrize("name", ["ai4i", "skab", "nasa", "femto", "mimii", "forecasting", "anomaly"])
def test_the_committed_result_is_what_the_command_gives(
    name: str, real_result: Callable[[str], dict[str, Any]]
) -> None:
    """Run anew on the publisher's files: the same data, the same best model, the same digits in every cell."""
    committed = json.loads((RESULTS / f"{name}-real.json").read_text())
    assert stated(real_result(name)) == stated(committed)


@pytest.mark.parametrize("file", sorted(RESULTS.glob("*.json")), ids=lambda file: file.stem)
def test_a_result_says_what_its_data_were(file: Path) -> None:
    """Its name says real or simulated, as the document itself does."""
    name, _, source = file.stem.rpartition("-")
    document = json.loads(file.read_text())
    assert (document["gauntlet"], document["source"]) == (name, source)
