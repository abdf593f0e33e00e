"""The pump gauntlet's promises on the simulated record at full size, whose truth is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gauntlet.datasets import pump
from gauntlet.datasets.simulate import pump as process
from gauntlet.tasks.alarms.warnings import false_alarms_per_week
from gauntlet.tasks.failure_prediction.evaluate import (
    RANDOM_ROWS,
    WarningJudgement,
    audit_of_random_rows,
    status_cells,
    warnings_of,
)
from gauntlet.tasks.failure_prediction.featurize import Record, featurize
from gauntlet.tasks.failure_prediction.gauntlets import PUMP
from gauntlet.tasks.failure_prediction.load import load
from gauntlet.tasks.failure_prediction.report import mean_shares
from gauntlet.tasks.failure_prediction.train import TrainedWarner, train, training_rows

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, request_of: Callable[..., Any]) -> Record:
    folder = tmp_path_factory.mktemp("pump")
    pump.simulate(folder, seed=7)
    return featurize(load(PUMP, request_of(PUMP, folder, "simulated")), ())


def test_five_of_seven_failures_are_warned_of_at_no_more_than_one_false_alarm_a_week(prepared: Record) -> None:
    """Two hours ahead at least; never the one that has no precursor. The sensors that spoke are those that moved."""
    decisions, question = prepared.decisions, prepared.question
    candidate = next(one for one in PUMP.candidates if one.question == "residual")
    trained = train(candidate, prepared, 7)
    warnings = warnings_of(trained, decisions, question)
    failed = [one for one, e in zip(warnings.judged, warnings.episodes, strict=True) if e.failure is not None]
    assert sum(one.lead_h is not None and one.lead_h >= 2 for one in failed) >= 5
    assert failed[6].lead_h is None
    assert false_alarms_per_week(warnings.judged) <= 1
    for one, failure in zip(failed, process.FAILURES, strict=True):
        assert one.lead_h is None or one.lead_h <= failure.lead_h, "a warning before the precursor began"
    judgement = WarningJudgement(
        candidates=(),
        baselines={},
        naive="",
        best=candidate.name,
        chosen_on="",
        warnings={candidate.name: warnings},
        random_rows=(),
    )
    for name, shares in mean_shares(decisions, [trained], judgement).items():
        kind = process.FAILURES[int(name.removeprefix("failure_")) - 1].kind
        loudest = max(shares, key=lambda sensor: shares[sensor])
        assert loudest in {process.SENSORS[k] for k, _ in process.KINDS[kind]}, name


def test_no_training_row_is_within_the_purge_of_a_held_out_block(prepared: Record) -> None:
    """24 h on either side, and none of the block itself."""
    decisions, question = prepared.decisions, prepared.question
    for held_out in decisions.blocks:
        others = [k for k in decisions.blocks if k != held_out]
        rows = training_rows(decisions, others, [held_out], question.purge_h)
        span = decisions.seconds[decisions.block == held_out]
        away = np.maximum(span[0] - decisions.seconds[rows], decisions.seconds[rows] - span[-1])
        assert away.min() > 24 * 3600
        assert len(rows)


def test_random_rows_score_nearly_perfectly_and_the_audit_names_the_cause(prepared: Record) -> None:
    """The famous 100 %: neighbouring minutes on both sides."""
    decisions = prepared.decisions
    test = np.random.default_rng(7).random(len(decisions.row)) < 0.2
    candidate = next(one for one in PUMP.candidates if one.name == "pump_svc_baseline")
    trained = TrainedWarner(candidate, None, np.zeros(len(test)), {})
    cells = status_cells(trained, decisions, test, 7)
    leaked = next(one for one in cells if one["group"]["split"] == RANDOM_ROWS)
    assert leaked["metrics"]["accuracy"] >= 0.995
    (finding,) = audit_of_random_rows(decisions, test)
    assert finding.kind == "split_overlap"
    assert "next to them in time" in finding.detail
