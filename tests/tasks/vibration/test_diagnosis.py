"""A simulated fault is named from its lines, a sound bearing is not accused, a heard fault stays with its owner."""

import numpy as np
import pytest

from gauntlet.datasets.bearing import SKF6205
from gauntlet.datasets.simulate.vibration import simulate_cwru
from gauntlet.tasks.vibration.diagnosis.element import attribute_lines, diagnose


def _diagnose(unit, element, amplitude=4.0, **kw):
    now = simulate_cwru(element, seed=11, amplitude=amplitude)[0]
    healthy = simulate_cwru(None, seed=12)[0]
    return diagnose(unit, [[now]], 12_000.0, SKF6205, 1797 / 60, healthy=[[healthy]], **kw)


@pytest.mark.parametrize("element", ["outer", "inner", "rolling", "cage"])
def test_element_is_named(element):
    """With its evidence, and surer than even."""
    found = _diagnose("b", element)
    assert found.element == element
    assert found.confidence > 0.5
    assert any(element in line for line in found.evidence)


@pytest.mark.parametrize("seed", range(6))
def test_sound_bearing_is_not_accused(seed):
    """No sign without an alarm, and "unknown" when the detector alarmed for another reason."""
    sound = simulate_cwru(None, seed=seed)[0]
    assert diagnose("b", [[sound]], 12_000.0, SKF6205, 29.95).element is None
    assert diagnose("b", [[sound]], 12_000.0, SKF6205, 29.95, alarmed=True).element == "unknown"


def test_heard_fault_stays_with_the_loudest():
    """The neighbour's element becomes unknown, and it says whom it hears."""
    found = attribute_lines({"a": _diagnose("a", "outer"), "b": _diagnose("b", "outer", 1.5)})
    assert found["a"].element == "outer"
    assert (found["b"].element, found["b"].heard_from) == ("unknown", "a")


def test_shaft_comb_is_no_outer_race():
    """Impacts once per turn put lines at every multiple of shaft speed, none of them a bearing's."""
    rng = np.random.default_rng(5)
    x = 0.1 * rng.standard_normal(120_000)
    x[:: round(12_000 / 29.95)] += 3.0
    assert diagnose("b", [[np.convolve(x, [1, 0.5, -0.5, -0.2], "same")]], 12_000.0, SKF6205, 29.95).element is None
