"""The simulated file is of the published format and obeys the published process."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gauntlet.datasets import ai4i
from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.simulate.ai4i import bears_mark, draw

# The first line of the published file, and the shape of each that follows.
PUBLISHED_HEADER = (
    b"\xef\xbb\xbfUDI,Product ID,Type,Air temperature [K],Process temperature [K],Rotational speed [rpm],Torque [Nm],"
    b"Tool wear [min],Machine failure,TWF,HDF,PWF,OSF,RNF\r\n"
)
PUBLISHED_ROW = re.compile(
    rb"\d+,([LMH])\d{5},\1,\d{3}\.\d,\d{3}\.\d,\d{4},\d+\.\d,\d+,[01],[01],[01],[01],[01],[01]\r\n"
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ai4i.simulate(tmp_path_factory.mktemp("simulated"))


@pytest.fixture(scope="module")
def rows(file: Path) -> pd.DataFrame:
    return ai4i.read(file).frame


def test_equal_seeds_give_equal_bytes_and_others_do_not(file: Path, tmp_path: Path) -> None:
    again = ai4i.simulate(tmp_path / "again", seed=7).read_bytes()
    other = ai4i.simulate(tmp_path / "other", seed=8).read_bytes()
    assert again == file.read_bytes()
    assert other != again


def test_the_format_is_the_published_one(file: Path) -> None:
    header, *lines = file.read_bytes().splitlines(keepends=True)
    assert header == PUBLISHED_HEADER
    assert len(lines) == ai4i.SPEC.rows
    assert [line for line in lines if not PUBLISHED_ROW.fullmatch(line)] == []


def test_serial_numbers_run_on_within_each_quality(rows: pd.DataFrame) -> None:
    serial = rows["Product ID"].str[1:].astype(int) - rows["UDI"]
    assert (rows["Product ID"].str[0] == rows["Type"]).all()
    assert serial.groupby(rows["Type"]).unique().map(list).to_dict() == {"H": [29413], "L": [47179], "M": [14859]}
    assert rows["UDI"].to_list() == list(range(1, 10_001))


def test_the_three_rules_hold_exactly(rows: pd.DataFrame) -> None:
    """By plain arithmetic, row by row, not by the simulator's own expressions."""
    limit = {"L": 11_000, "M": 12_000, "H": 13_000}
    for row in rows.itertuples(index=False):
        quality, air, process, speed, torque, wear = row[2:8]
        _, heat, power, strain, _ = row[9:14]
        watt = torque * speed * np.pi / 30
        assert heat == (process - air < 8.6 and speed < 1380)
        assert power == (not 3500 <= watt <= 9000)
        assert strain == (wear * torque > limit[quality])


def test_any_mode_but_the_random_one_is_a_failure(rows: pd.DataFrame) -> None:
    modes = rows[["TWF", "HDF", "PWF", "OSF"]].any(axis=1)
    failed = rows["Machine failure"] == 1
    assert failed[modes].all()
    assert (failed & ~modes).sum() < 30  # 0.1 % without a mode
    assert not failed[(rows["RNF"] == 1) & ~modes].all()


def test_wear_grows_by_the_parts_own_step_until_the_tool_ends(rows: pd.DataFrame) -> None:
    wear = rows["Tool wear [min]"].to_numpy()
    step = rows["Type"].map({"H": 5, "M": 3, "L": 2}).to_numpy()
    ends = np.flatnonzero(np.diff(wear) < 0)
    going_on = np.setdiff1d(np.arange(len(wear) - 1), ends)
    assert wear[0] == 0
    assert (wear[ends + 1] == 0).all()
    assert (np.diff(wear)[going_on] == step[going_on]).all()
    assert wear[ends].min() >= 193  # 198.5 less the largest step
    assert set(np.flatnonzero(rows["TWF"])) <= set(ends)


def test_the_published_parameters(rows: pd.DataFrame) -> None:
    air, process = rows["Air temperature [K]"], rows["Process temperature [K]"]
    torque, speed = rows["Torque [Nm]"], rows["Rotational speed [rpm]"]
    n = len(rows)
    # Normalised exactly, then rounded to 0.1: the mean moves by less than 4 * 0.1 / sqrt(12 n), about 0.001.
    assert (air.mean(), air.std()) == pytest.approx((300, 2), abs=0.002)
    assert ((process - air).mean(), (process - air).std()) == pytest.approx((10, 1), abs=0.003)
    # Independent draws: four standard errors.
    assert torque.mean() == pytest.approx(40, abs=4 * 10 / n**0.5)
    assert torque.std() == pytest.approx(10, abs=4 * 10 / (2 * n) ** 0.5)
    assert (torque >= 0).all()
    for quality, share in {"L": 0.6, "M": 0.3, "H": 0.1}.items():
        assert (rows["Type"] == quality).mean() == pytest.approx(share, abs=4 * (share * (1 - share) / n) ** 0.5)
    loaded = torque > 20
    residual = (speed - 1000 - 20_000 / torque)[loaded]
    assert residual.mean() == pytest.approx(0, abs=4 * 50 / loaded.sum() ** 0.5)
    assert residual.std() == pytest.approx(50, rel=0.04)
    for column in (torque, speed):
        assert abs(column.autocorr(1)) < 4 / n**0.5


def test_the_default_draw_is_what_the_documentation_says(rows: pd.DataFrame) -> None:
    counts = rows[[ai4i.SPEC.target, *ai4i.SPEC.consequences]].sum().to_dict()
    assert counts == {"Machine failure": 331, "TWF": 43, "HDF": 100, "PWF": 114, "OSF": 90, "RNF": 27}


def test_any_number_of_rows_can_be_drawn(tmp_path: Path) -> None:
    for rows in (2, 300):
        assert len(draw(1, rows)) == rows
    for seed, rows in ((1, 1), (-1, 100)):
        with pytest.raises(BadInput, match="cannot simulate"):
            ai4i.simulate(tmp_path, seed, rows)


def test_simulated_files_say_so(file: Path) -> None:
    assert ai4i.read(file).source == "simulated"
    record = json.loads((file.parent / "SIMULATED.json").read_text())
    assert (record["generator"], record["seed"], record["rows"]) == ("gauntlet.datasets.ai4i", 7, 10_000)


def test_simulated_rows_say_so_without_the_record(rows: pd.DataFrame, tmp_path: Path) -> None:
    """The file copied alone, re-saved, shuffled, cut and stripped of identifiers is still known."""
    part = rows.sample(4000, random_state=1).drop(columns=["UDI", "Product ID", "TWF", "HDF", "PWF", "OSF"])
    part.to_csv(tmp_path / "mine.csv", index=False, sep=";", decimal=",")
    assert ai4i.read(tmp_path).source == "simulated"


def test_rows_from_elsewhere_do_not_bear_the_mark(rows: pd.DataFrame) -> None:
    """Random flags of the same rate, flags of other rows, and too few flags to tell."""
    rng = np.random.default_rng(1)
    assert bears_mark(rows)
    assert not bears_mark(rows.assign(RNF=(rng.random(len(rows)) < 0.002).astype(int)))
    assert not bears_mark(rows.assign(RNF=rows["RNF"].to_numpy()[::-1]))
    assert not bears_mark(rows.assign(RNF=0))
    assert not bears_mark(rows.drop(columns="RNF"))
    assert not bears_mark(rows[rows["RNF"] == 1].head(2))


def test_simulating_never_touches_a_folder_of_real_files(tmp_path: Path) -> None:
    (tmp_path / "press4.csv").write_text("mine")
    with pytest.raises(BadInput, match="not simulated"):
        ai4i.simulate(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["press4.csv"]
