"""The pump gauntlet's promises on the simulated record at full size, whose truth is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gauntlet.datasets import pump
from gauntlet.datasets.simulate import pump as process
from gauntlet.tasks.alarms.warnings import false_alarms_per_week
from gauntlet.tasks.failure_prediction.evaluate import (
    RANDOM_ROWS,
    PredictorJudgement,
    audit_of_random_rows,
    judged_warnings,
    status_cells,
)
from gauntlet.tasks.failure_prediction.featurize import PreparedRecord, featurize
from gauntlet.tasks.failure_prediction.gauntlets import PUMP
from gauntlet.tasks.failure_prediction.load import load
from gauntlet.tasks.failure_prediction.report import sensor_shares
from gauntlet.tasks.failure_prediction.split import split, training_places
from gauntlet.tasks.failure_prediction.train import TrainedPredictor, train
from gauntlet.tasks.gauntlet import Request

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> PreparedRecord:
    folder = tmp_path_factory.mktemp("pump")
    pump.simulate(folder, seed=7)
    parameters = {name: parameter.default for name, parameter in PUMP.parameters.items()}
    record = load(PUMP, Request(folder, "simulated", 7, folder, folder, parameters=parameters))
    return featurize(record, split(record))


def test_five_of_seven_failures_are_warned_of_at_no_more_than_one_false_alarm_a_week(prepared: Any) -> None:
    """Two hours ahead at least; never the one that has no precursor. The sensors that spoke are those that moved."""
    candidate = next(candidate for candidate in PUMP.candidates if candidate.question == "residual")
    trained = train(candidate, prepared, 7)
    judged = judged_warnings(trained, prepared)
    failed = [o for o, e in zip(judged.outcomes, judged.episodes, strict=True) if e.failure is not None]
    assert sum(outcome.lead_h is not None and outcome.lead_h >= 2 for outcome in failed) >= 5
    assert failed[6].lead_h is None
    assert false_alarms_per_week(judged.outcomes) <= 1
    for outcome, failure in zip(failed, process.FAILURES, strict=True):
        assert outcome.lead_h is None or outcome.lead_h <= failure.lead_h, "a warning before the precursor began"
    judgement = PredictorJudgement(
        candidates=(),
        baselines={},
        naive="majority",
        best=candidate.name,
        chosen_on="",
        warnings={candidate.name: judged},
        random_rows=(),
        slices=(),
    )
    for name, shares in sensor_shares(prepared, [trained], judgement).items():
        kind = process.FAILURES[int(name.removeprefix("failure_")) - 1].kind
        loudest = max(shares, key=lambda sensor: shares[sensor])
        assert loudest in {process.SENSORS[k] for k, _ in process.KINDS[kind]}, name


def test_no_training_row_is_within_the_purge_of_a_held_out_block(prepared: PreparedRecord) -> None:
    """24 h on either side, and none of the block itself."""
    decisions, question = prepared.decisions, prepared.record.question
    blocks = [episode.number for episode in decisions.episodes]
    for held_out in blocks:
        others = [number for number in blocks if number != held_out]
        places = training_places(decisions, others, [held_out], question.purge_h)
        span = decisions.seconds[decisions.block == held_out]
        away = np.maximum(span[0] - decisions.seconds[places], decisions.seconds[places] - span[-1])
        assert away.min() > 24 * 3600
        assert len(places)


def test_random_rows_score_nearly_perfectly_and_the_audit_names_the_cause(prepared: PreparedRecord) -> None:
    """The famous 100 %: neighbouring minutes on both sides."""
    test = np.random.default_rng(7).random(len(prepared.decisions.row)) < 0.2
    candidate = next(candidate for candidate in PUMP.candidates if candidate.name == "pump_svc_baseline")
    trained = TrainedPredictor(candidate, None, np.zeros(len(test)), {})
    cells = status_cells(trained, prepared, test, 7)
    leaked: Any = next(cell for cell in cells if cell["group"]["split"] == RANDOM_ROWS)  # type: ignore[index]
    assert leaked["metrics"]["accuracy"] >= 0.995
    (finding,) = audit_of_random_rows(prepared, test)
    assert finding.kind == "split_overlap"
    assert "next to them in time" in finding.detail
