"""What is asked of a record, and which records can be asked."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from gauntlet.datasets import pump
from gauntlet.datasets.errors import BadInput, Leak
from gauntlet.tasks.failure_prediction.audit import audit
from gauntlet.tasks.failure_prediction.gauntlets import PUMP
from gauntlet.tasks.failure_prediction.load import Record, WarningQuestion, load
from gauntlet.tasks.failure_prediction.split import STEP, split
from gauntlet.tasks.gauntlet import Request


def request(data: Path, allow_leakage: bool = False) -> Request:
    parameters = {name: parameter.default for name, parameter in PUMP.parameters.items()}
    return Request(data, "auto", 7, data, data, allow_leakage=allow_leakage, parameters=parameters)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smallest simulated record: two weeks, seven failures."""
    folder = tmp_path_factory.mktemp("pump")
    pump.simulate(folder, seed=7, rows=20_000)
    return folder


@pytest.fixture(scope="module")
def record(folder: Path) -> Record:
    return load(PUMP, request(folder))


def test_the_protocol_states_the_numbers_that_the_code_has() -> None:
    """The purge, the rate of decisions, and the horizon as its parameter."""
    question = WarningQuestion()
    assert f"training rows within {question.purge_h:g} h of them left out" in PUMP.protocol
    assert f"a decision every {STEP} minutes" in PUMP.protocol
    assert PUMP.default("horizon_h") == question.horizon_h


def test_prices_and_horizon_are_those_of_the_run(folder: Path) -> None:
    """As the flow was asked for, whatever the defaults."""
    parameters = {"horizon_h": 6.0, "price_of_miss": 3.0, "price_of_false_alarm": 2.0}
    own = load(PUMP, Request(folder, "auto", 7, folder, folder, parameters=parameters))
    assert own.question == WarningQuestion(horizon_h=6.0)
    assert (own.prices.miss, own.prices.false_alarm) == (3.0, 2.0)
    assert split(own).within_horizon.sum() < split(load(PUMP, request(folder))).within_horizon.sum()


def test_two_failures_are_too_few_to_hold_one_out(folder: Path, tmp_path: Path) -> None:
    """One line with the number, the column and what is expected."""
    table = pd.read_csv(folder / "sensor.csv")
    third = (table["machine_status"] == "BROKEN").to_numpy().nonzero()[0][2]
    table.iloc[:third].to_csv(tmp_path / "sensor.csv", index=False)
    with pytest.raises(BadInput, match=r"machine_status.*2 failures; expected at least 3") as caught:
        load(PUMP, request(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_clean_record_has_no_finding(record: Record) -> None:
    """Sensors that only wear with the machine are none."""
    assert audit(record) == ()


@pytest.mark.slow
def test_a_sensor_that_knows_the_failure_stops_the_run(folder: Path, tmp_path: Path) -> None:
    """The remaining time written down as a sensor: named, and allowed only on purpose."""
    table = pd.read_csv(folder / "sensor.csv", index_col=0)
    broken = (table["machine_status"] == "BROKEN").to_numpy().nonzero()[0]
    ahead = [min((int(place) for place in broken if place >= row), default=10**6) - row for row in range(len(table))]
    table.insert(3, "countdown", [1.0 if minutes <= 24 * 60 else 0.0 for minutes in ahead])
    table.to_csv(tmp_path / "sensor.csv", index=False)
    with pytest.raises(Leak) as stopped:
        audit(load(PUMP, request(tmp_path)))
    assert {finding.column for finding in stopped.value.findings} == {"countdown"}
    (finding,) = audit(load(PUMP, request(tmp_path, allow_leakage=True)))
    assert finding.column == "countdown"


def test_decisions_are_asked_of_a_machine_that_runs(record: Record) -> None:
    """Each at its own row and time; a positive one is asked, and fails within the horizon."""
    decisions = split(record)
    assert (decisions.row == range(STEP - 1, len(record.table.time), STEP)).all()
    assert (decisions.seconds == record.seconds[decisions.row]).all()
    assert not (decisions.asked & decisions.not_normal).any()
    positive = decisions.within_horizon
    assert positive.any()
    assert decisions.asked[positive].all()
    assert (decisions.left_h[positive] <= 24).all()
    assert len(decisions.blocks) == 8
