"""Features of the machining process in closed form, and the published rules row by row."""

import math

import numpy as np
import pandas as pd
import pytest

from gauntlet.datasets import ai4i
from gauntlet.datasets.simulate.ai4i import draw
from gauntlet.tasks.models.process_features import (
    ENGINEERED,
    FEATURES,
    NAMES,
    ProcessFeatures,
    baseline,
    engineered,
    rule_oracle,
)

RAW = list(ai4i.SPEC.features)
TABLE = draw(7, 4_000)


def one(quality: str, air: float, process: float, speed: int, torque: float, wear: int) -> pd.DataFrame:
    """One row of the table."""
    return pd.DataFrame([(quality, air, process, speed, torque, wear)], columns=RAW)


def test_power_strain_and_margins_by_hand() -> None:
    """40 Nm at 1500 rpm are 2000 pi W; 40 Nm x 100 min are 4000 min Nm, 7000 below what an L bears."""
    (row,) = engineered(one("L", 300.0, 310.0, 1500, 40.0, 100)).to_dict("records")
    assert row["power_w"] == pytest.approx(2_000 * math.pi, rel=1e-15)
    assert row["strain_min_nm"] == 4_000
    assert row["overstrain_margin_min_nm"] == 7_000
    assert row["power_margin_w"] == pytest.approx(9_000 - 2_000 * math.pi)  # nearer to 9000 than to 3500
    assert row["temperature_difference_k"] == 10
    assert row["heat_margin"] == pytest.approx(max(10 / 8.6, 1500 / 1380) - 1)


@pytest.mark.parametrize(("quality", "rank", "limit"), [("L", 0, 11_000), ("M", 1, 12_000), ("H", 2, 13_000)])
def test_a_better_quality_bears_more(quality: str, rank: int, limit: int) -> None:
    """The overstrain limit is the published one of the quality class, and the class is its rank."""
    row = engineered(one(quality, 300.0, 310.0, 1500, 50.0, 230)).iloc[0]
    assert row["quality_rank"] == rank
    assert row["overstrain_margin_min_nm"] == limit - 11_500


@pytest.mark.parametrize(
    ("torque", "speed", "inside"), [(40.0, 1500, True), (10.0, 2000, False), (70.0, 1500, False), (65.0, 1300, True)]
)
def test_the_power_margin_is_negative_outside_of_the_window(torque: float, speed: int, inside: bool) -> None:
    """Below 3500 W or above 9000 W."""
    assert (engineered(one("M", 300.0, 310.0, speed, torque, 0))["power_margin_w"].iloc[0] > 0) == inside


def test_the_heat_margin_is_negative_where_both_limits_are_undercut() -> None:
    """Difference and speed must both be too small."""
    margins = [
        engineered(one("M", 300.0, 300.0 + difference, speed, 40.0, 0))["heat_margin"].iloc[0]
        for difference, speed in ((8.0, 1300), (8.0, 1400), (9.0, 1300), (9.0, 1400))
    ]
    assert [margin < 0 for margin in margins] == [True, False, False, False]


def published(row: pd.Series) -> int:
    """The three rules in plain Python, Matzka 2020, section II."""
    torque, speed = float(row["Torque [Nm]"]), int(row["Rotational speed [rpm]"])
    power = torque * speed * (2 * math.pi / 60)
    difference = float(row["Process temperature [K]"]) - float(row["Air temperature [K]"])
    bears = {"L": 11_000, "M": 12_000, "H": 13_000}[row["Type"]]
    return int(
        (difference < 8.6 and speed < 1380) or not 3500 <= power <= 9000 or row["Tool wear [min]"] * torque > bears
    )


def test_the_oracle_is_the_published_rules() -> None:
    """Row by row, and equal to the three modes of the simulated table."""
    said = rule_oracle(TABLE[RAW])
    assert said.tolist() == [published(row) for _, row in TABLE.iterrows()]
    np.testing.assert_array_equal(said, TABLE[["HDF", "PWF", "OSF"]].max(axis=1))
    assert said.sum() > 50


def test_the_oracle_computes_the_edge_as_the_file_does() -> None:
    """Two differences that are 8.6 K on paper: in float64 one is below and fails, the other is not."""
    below, above = one("L", 300.6, 309.2, 1379, 40.0, 0), one("L", 298.2, 306.8, 1379, 40.0, 0)
    assert 309.2 - 300.6 < 8.6 <= 306.8 - 298.2
    assert (rule_oracle(below)[0], rule_oracle(above)[0]) == (1, 0)
    assert rule_oracle(one("L", 300.6, 309.2, 1380, 40.0, 0))[0] == 0


def test_overstrain_begins_past_its_limit() -> None:
    """11,000 min Nm exactly is borne by an L, a little more is not."""
    assert [rule_oracle(one("L", 300, 310, 1300, 50.0, wear))[0] for wear in (220, 221)] == [0, 1]


def test_names_are_plain() -> None:
    """No name holds a character that JSON, LightGBM or a file name would trip over, none is there twice."""
    names = list(engineered(TABLE[RAW]))
    assert names == [*NAMES.values(), *ENGINEERED]
    assert len(set(names)) == 12
    assert all(name.isidentifier() and name.islower() for name in names)


@pytest.mark.parametrize("kind", FEATURES)
def test_the_transformer_is_the_function(kind: str) -> None:
    """Same values, float64, the input's index, and the names that were announced."""
    rows = TABLE[RAW].set_axis(np.arange(len(TABLE)) + 5_000, axis=0)
    step = ProcessFeatures(kind).fit(rows)
    features = step.transform(rows)
    pd.testing.assert_frame_equal(features, FEATURES[kind](rows))
    assert set(map(str, features.dtypes)) == {"float64"}
    assert list(step.get_feature_names_out()) == list(features)
    assert features.index.equals(rows.index)


@pytest.mark.parametrize("kind", FEATURES)
def test_columns_go_by_name(kind: str) -> None:
    """Another order of columns and one more give the same features in the same order."""
    step = ProcessFeatures(kind).fit(TABLE[RAW])
    pd.testing.assert_frame_equal(step.transform(TABLE[TABLE.columns[::-1]]), step.transform(TABLE[RAW]))


def test_a_row_has_the_same_features_alone_and_in_company() -> None:
    """Nothing is fitted and no row looks at another."""
    rows = TABLE[RAW].head(20)
    alone = pd.concat([engineered(rows.iloc[[place]]) for place in range(20)])
    pd.testing.assert_frame_equal(alone, engineered(rows))


def test_the_input_is_left_alone() -> None:
    """Neither function writes into the rows that it gets."""
    rows = TABLE[RAW].head(5)
    before = rows.copy()
    baseline(rows)
    engineered(rows)
    pd.testing.assert_frame_equal(rows, before)
