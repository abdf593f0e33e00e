"""Fault frequencies from geometry are the published ones."""

import pytest

from gauntlet.datasets.bearing import SKF6205, UER204, ZA2115


@pytest.mark.parametrize(
    ("bearing", "shaft_hz", "outer", "inner", "rolling", "cage"),
    [
        (ZA2115, 2000 / 60, 236.4, 296.9, 139.9, 14.8),
        (UER204, 35.0, 107.91, 172.09, 72.33, 13.49),
        (SKF6205, 1797 / 60, 107.36, 162.19, 70.58, 11.93),
    ],
)
def test_published_frequencies(bearing, shaft_hz, outer, inner, rolling, cage):
    """NASA's, XJTU's and CWRU's own tables, to the digits that they print."""
    hertz = bearing.fault_frequencies(shaft_hz)
    expected = {"outer": outer, "inner": inner, "rolling": rolling, "cage": cage}
    assert hertz == pytest.approx(expected, abs=0.05)


def test_races_add_up_to_the_rollers():
    """Every roller passes each race once per turn relative to it: BPFO + BPFI = rollers * shaft speed."""
    hertz = ZA2115.fault_frequencies(30.0)
    assert hertz["outer"] + hertz["inner"] == pytest.approx(16 * 30.0)
    assert hertz["outer"] == pytest.approx(16 * hertz["cage"])
