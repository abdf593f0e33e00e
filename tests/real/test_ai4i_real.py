"""The simulator against the published file: what it draws cannot be told from what the publisher drew.

Counts and walks vary between draws, so "equal" means: the published figure lies where the figures of 200 simulated
draws lie. Figures of independent rows are also tested on their own, with a p-value.
"""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from scipy import stats
from sklearn.metrics import average_precision_score

from gauntlet.datasets import ai4i
from gauntlet.datasets.simulate.ai4i import bears_mark, draw

pytestmark = pytest.mark.real

DRAWS = 200
ROOT = os.environ.get("GAUNTLET_DATA_DIR")
AIR, PROCESS, SPEED, TORQUE, WEAR = ai4i.SPEC.features[1:]
MODES = ai4i.SPEC.consequences


@pytest.fixture(scope="module")
def real() -> ai4i.AI4I:
    if not ROOT:
        pytest.skip("GAUNTLET_DATA_DIR is not set")
    if not (Path(ROOT) / "ai4i").is_dir():
        pytest.skip(f"{ROOT} does not hold ai4i")
    return ai4i.read(Path(ROOT) / "ai4i")


@pytest.fixture(scope="module")
def rows(real: ai4i.AI4I) -> pd.DataFrame:
    return real.frame


@pytest.fixture(scope="module")
def draws() -> list[pd.DataFrame]:
    return [draw(seed, 10_000) for seed in range(DRAWS)]


def central(published: float, simulated: list[float]) -> bool:
    """Whether a figure lies in the 1 % to 99 % range of the same figure of the draws."""
    low, high = np.quantile(simulated, (0.01, 0.99))
    return bool(low <= published <= high)


def test_the_file_is_the_published_one(real: ai4i.AI4I) -> None:
    assert real.sha256 == ai4i.SPEC.sha256
    assert (real.rows, real.bytes, real.source, real.published) == (10_000, 522_048, "real", True)
    assert tuple(real.frame) == ai4i.SPEC.columns
    assert real.frame[[ai4i.SPEC.target, *MODES]].sum().to_list() == [339, 46, 115, 95, 98, 19]
    assert not bears_mark(real.frame)


def test_the_files_own_rules_are_the_simulators(rows: pd.DataFrame) -> None:
    """Deterministic modes, wear, serial numbers and what the label is made of, row by row."""
    power = rows[TORQUE] * rows[SPEED] * (2 * np.pi / 60)
    limit = rows["Type"].map({"L": 11_000, "M": 12_000, "H": 13_000})
    assert ((rows[PROCESS] - rows[AIR] < 8.6) & (rows[SPEED] < 1380)).equals(rows["HDF"] == 1)
    assert ((power < 3500) | (power > 9000)).equals(rows["PWF"] == 1)
    assert (rows[WEAR] * rows[TORQUE] > limit).equals(rows["OSF"] == 1)
    modes = rows[["TWF", "HDF", "PWF", "OSF"]].any(axis=1)
    failed = rows[ai4i.SPEC.target] == 1
    assert failed[modes].all()
    assert (failed & ~modes).sum() == 9
    assert not ((rows["RNF"] == 1) & failed & ~modes).any()
    serial = rows["Product ID"].str[1:].astype(int) - rows["UDI"]
    assert serial.equals(rows["Type"].map({"L": 47_179, "M": 14_859, "H": 29_413}))


@pytest.mark.parametrize("column", [ai4i.SPEC.target, *MODES])
@pytest.mark.parametrize("quality", ["all", "L", "M", "H"])
def test_failures_are_as_frequent(rows: pd.DataFrame, draws: list[pd.DataFrame], column: str, quality: str) -> None:
    def count(table: pd.DataFrame) -> float:
        return float((table if quality == "all" else table[table["Type"] == quality])[column].sum())

    assert central(count(rows), [count(table) for table in draws])


@pytest.mark.parametrize("column", [SPEED, TORQUE])
def test_independent_rows_have_the_same_distribution(
    rows: pd.DataFrame, draws: list[pd.DataFrame], column: str
) -> None:
    """Against all draws pooled, two million rows: the published rows are the whole uncertainty."""
    pooled = np.concatenate([table[column] for table in draws])
    assert stats.ks_2samp(rows[column], pooled).pvalue > 0.01


def test_speed_given_torque(rows: pd.DataFrame, draws: list[pd.DataFrame]) -> None:
    """In each band of torque, after the known curve: same distribution; 12 tests, so 0.01 / 12."""
    pooled = pd.concat([table[[TORQUE, SPEED]] for table in draws])

    def residuals(table: pd.DataFrame, low: float, high: float) -> pd.Series:
        band = table[(table[TORQUE] >= low) & (table[TORQUE] < high)]
        return band[SPEED] - np.minimum(1000 + 20_000 / band[TORQUE], 3000 - 30 * band[TORQUE])

    edges = [0, 14, 18, 22, 26, 30, 35, 40, 45, 50, 55, 60, 80]
    p_values = [stats.ks_2samp(residuals(rows, *band), residuals(pooled, *band)).pvalue for band in pairwise(edges)]
    assert min(p_values) > 0.01 / len(p_values), p_values


def test_tools_last_as_long(rows: pd.DataFrame, draws: list[pd.DataFrame]) -> None:
    """Wear at a tool's last part: 119 tools against the thousands of all draws; the share that fails is 46 of 119."""

    def last(table: pd.DataFrame) -> pd.DataFrame:
        return table[:-1][np.diff(table[WEAR]) < 0]

    tools, pooled = last(rows), pd.concat([last(table) for table in draws])
    assert len(tools) == 119
    assert central(len(tools), [len(last(table)) for table in draws])
    assert stats.ks_2samp(tools[WEAR], pooled[WEAR]).pvalue > 0.01
    assert stats.ks_2samp(rows[WEAR], np.concatenate([table[WEAR] for table in draws])).statistic < 0.02


def test_qualities_are_as_frequent(rows: pd.DataFrame) -> None:
    counts = rows["Type"].value_counts()[["L", "M", "H"]]
    assert stats.chisquare(counts, [6000, 3000, 1000]).pvalue > 0.01


@pytest.mark.parametrize("name", ["air", "difference"])
def test_walks_are_of_one_kind(rows: pd.DataFrame, draws: list[pd.DataFrame], name: str) -> None:
    """A walk has as many effective observations as it has excursions, a handful, so no test of 10,000 rows applies.

    The yardstick is how far draws lie from each other: the published walk is no farther from them. Its steps, the range
    and the share of time in the tail that feeds HDF are where those of the draws are.
    """

    def walk(table: pd.DataFrame) -> np.ndarray:
        return (table[AIR] if name == "air" else table[PROCESS] - table[AIR]).round(1).to_numpy()

    published, simulated = walk(rows), [walk(table) for table in draws]
    among = [stats.ks_2samp(a, b).statistic for a, b in pairwise(simulated)]
    to_published = [stats.ks_2samp(published, other).statistic for other in simulated]
    assert np.median(to_published) < np.quantile(among, 0.9)
    level, spread = (300, 2) if name == "air" else (10, 1)
    assert (published.mean(), published.std()) == pytest.approx((level, spread), abs=0.005)
    figures = {
        "share of steps that round to none": lambda w: np.mean(np.abs(np.diff(w)) < 0.05),
        "sd of 50 steps": lambda w: np.std(w[50:] - w[:-50]),
        "sd of 200 steps over that of 50": lambda w: np.std(w[200:] - w[:-200]) / np.std(w[50:] - w[:-50]),
        "correlation of neighbouring steps": lambda w: np.corrcoef(np.diff(w)[1:], np.diff(w)[:-1])[0, 1],
        "range": np.ptp,
        "share below -1.4 sd": lambda w: np.mean(w < level - 1.4 * spread),
    }
    outside = [figure for figure, of in figures.items() if not central(of(published), [of(w) for w in simulated])]
    assert outside == []


def features(table: pd.DataFrame) -> pd.DataFrame:
    """Quantities in which the rules are written; without the temperatures, whose level is another in every draw."""
    power = table[SPEED] * table[TORQUE] * (2 * np.pi / 60)
    limit = table["Type"].map({"L": 11_000.0, "M": 12_000.0, "H": 13_000.0})
    columns = {"speed": table[SPEED], "torque": table[TORQUE], "wear": table[WEAR], "power": power}
    return pd.DataFrame(
        columns | {"difference": table[PROCESS] - table[AIR], "strain": table[WEAR] * table[TORQUE] / limit}
    )


def test_models_cannot_tell_them_apart(rows: pd.DataFrame, draws: list[pd.DataFrame]) -> None:
    """Trained on a draw and judged on the published rows, trained there and judged on a draw: as between two draws."""
    tables = draws[7:15]  # the default seed first
    label = ai4i.SPEC.target

    def trained(table: pd.DataFrame) -> LGBMClassifier:
        model = LGBMClassifier(
            n_estimators=100, learning_rate=0.05, num_leaves=15, n_jobs=1, verbose=-1, random_state=0
        )
        return model.fit(features(table), table[label])

    def score(model: LGBMClassifier, table: pd.DataFrame) -> float:
        return float(average_precision_score(table[label], model.predict_proba(features(table))[:, 1]))

    models = [trained(table) for table in tables]
    there, back = [score(model, rows) for model in models], [score(trained(rows), table) for table in tables]
    among = [score(model, other) for model, other in zip(models, tables[1:] + tables[:1], strict=True)]
    spread = np.std(among, ddof=1)
    assert np.mean(there) == pytest.approx(np.mean(among), abs=3 * spread), (there, back, among)
    assert np.mean(back) == pytest.approx(np.mean(among), abs=3 * spread), (there, back, among)
    assert min(*there, *back) > 0.75
