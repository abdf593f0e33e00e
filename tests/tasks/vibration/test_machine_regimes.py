"""Regimes of a shaft: each load has its own baseline, and a fault of one bearing is never taken for a load."""

import numpy as np
import pandas as pd
import pytest

from gauntlet.tasks.models.level_rise import LevelRise
from gauntlet.tasks.models.machine_health import MachineHealth, neighbours_level
from gauntlet.tasks.models.relative_level import relative_levels

BEARINGS = ("a", "b", "c", "d")


def _rows(n, seed, load=0.0, fault=0.0):
    """Four bearings, log levels with a spread of 0.05; `load` moves all, `fault` bearing a alone."""
    rng = np.random.default_rng(seed)
    levels = {name: rng.normal(load, 0.05, (n, 1)) for name in BEARINGS}
    levels["a"] = levels["a"] + fault
    beside = relative_levels(levels)
    parts = [
        pd.DataFrame({"machine": name, "log_level 1": levels[name][:, 0], "relative_level 1": beside[name][:, 0]})
        for name in BEARINGS
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def model():
    """Learnt at two loads."""
    rows = pd.concat([_rows(200, 1).assign(regime=0), _rows(60, 2, load=0.5).assign(regime=1)], ignore_index=True)
    return MachineHealth(LevelRise(), ["log_level"], 1.0).fit(rows)


def test_neighbours_level_by_its_definition():
    """Median of the three others."""
    rows = _rows(5, 3)
    level = {name: own["log_level 1"].to_numpy() for name, own in rows.groupby("machine")}
    expected = np.median([level["b"], level["c"], level["d"]], axis=0)
    np.testing.assert_allclose(neighbours_level(rows)[rows["machine"] == "a"], expected)


def test_either_load_is_healthy_and_a_fault_is_none(model):
    """Index around 0 at both loads; a fault as loud as the other load is heard at both."""
    for load, regime in ((0.0, 0), (0.5, 1)):
        healthy, faulty = _rows(100, 4, load), _rows(100, 5, load, fault=0.5)
        assert set(model.regime_of(healthy)) == {regime}
        assert abs(np.median(model.decision_function(healthy))) < 1
        index = pd.Series(model.decision_function(faulty)).groupby(faulty["machine"]).median()
        assert index["a"] > 7
        assert index.drop("a").abs().max() < 1


def test_the_first_load_is_judged_as_it_was_without_the_second(model):
    """To the digit."""
    alone = MachineHealth(LevelRise(), ["log_level"], 1.0).fit(_rows(200, 1))
    rows = _rows(50, 6, fault=0.3)
    np.testing.assert_array_equal(model.decision_function(rows), alone.decision_function(rows))


def test_without_neighbours_there_are_no_regimes():
    """A single bearing louder may be a fault: it is refused, not guessed."""
    rows = _rows(40, 7)[["machine", "log_level 1"]].assign(regime=lambda x: (x.index % 40 >= 20).astype(int))
    with pytest.raises(ValueError, match="neighbours"):
        MachineHealth(LevelRise(), ["log_level"], 1.0).fit(rows)
