"""The pump gauntlet's promises on the simulated record at full size, whose truth is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gauntlet.datasets import pump
from gauntlet.datasets.simulate import pump as process
from gauntlet.tasks.alarms.warnings import false_alarms_per_week
from gauntlet.tasks.failure_prediction import evaluate as pump_judgement
from gauntlet.tasks.failure_prediction import load as pumps
from gauntlet.tasks.failure_prediction.train import CANDIDATES

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any, Any]:
    folder = tmp_path_factory.mktemp("pump")
    pump.simulate(folder, seed=7)
    table = pumps.load(folder, "simulated", Path(folder), 7)
    question = pumps.Question()
    return table, pumps.featurize(table, question), question


def test_five_of_seven_failures_are_warned_of_at_no_more_than_one_false_alarm_a_week(made: Any) -> None:
    """Two hours ahead at least; never the one that has no precursor. The sensors that spoke are those that moved."""
    from gauntlet.tasks.failure_prediction.report import spoke

    table, decisions, question = made
    candidate = next(one for one in CANDIDATES if one.question == "residual")
    trained = pumps.train(candidate, table, decisions, question, 7)
    said = pump_judgement._heard(trained, decisions, question)
    failed = [one for one, e in zip(said.judged, said.episodes, strict=True) if e.failure is not None]
    assert sum(one.lead_h is not None and one.lead_h >= 2 for one in failed) >= 5
    assert failed[6].lead_h is None
    assert false_alarms_per_week(said.judged) <= 1
    for one, failure in zip(failed, process.FAILURES, strict=True):
        assert one.lead_h is None or one.lead_h <= failure.lead_h, "a warning before the precursor began"
    judgement = pump_judgement.Judgement((), (), candidate.name, {candidate.name: said}, (), (), ())
    for name, shares in spoke(decisions, [trained], judgement).items():
        kind = process.FAILURES[int(name.removeprefix("failure_")) - 1].kind
        loudest = max(shares, key=lambda sensor: shares[sensor])
        assert loudest in {process.SENSORS[k] for k, _ in process.KINDS[kind]}, name


def test_no_training_row_is_within_the_purge_of_a_held_out_block(made: Any) -> None:
    """24 h on either side, and none of the block itself."""
    _, decisions, question = made
    for held_out in decisions.blocks:
        others = [k for k in decisions.blocks if k != held_out]
        rows = pumps.training_rows(decisions, others, [held_out], question.purge_h)
        span = decisions.seconds[decisions.block == held_out]
        away = np.maximum(span[0] - decisions.seconds[rows], decisions.seconds[rows] - span[-1])
        assert away.min() > 24 * 3600
        assert len(rows)


def test_random_rows_score_nearly_perfectly_and_the_audit_names_the_cause(made: Any) -> None:
    """The famous 100 %: neighbouring minutes on both sides."""
    _, decisions, _ = made
    test = np.random.default_rng(7).random(len(decisions.row)) < 0.2
    candidate = next(one for one in CANDIDATES if one.name == "pump_svc_baseline")
    trained = pumps.Trained(candidate, np.zeros(len(test)), {}, None)
    cells = pump_judgement._status_cells(trained, decisions, test, 7)
    leaked = next(one for one in cells if one["group"]["split"] == pump_judgement.RANDOM_ROWS)
    assert leaked["metrics"]["accuracy"] >= 0.995
    (finding,) = pump_judgement.audit_of_random_rows(decisions, test)
    assert finding.kind == "split_overlap"
    assert "next to them in time" in finding.detail
