"""What the table of gauntlets says is what the code does."""

from scipy.stats import norm

from gauntlet.datasets.records.clip import Layout
from gauntlet.tasks.sound.detection import Z
from gauntlet.tasks.sound.detectors import UNFITTED
from gauntlet.tasks.sound.gauntlets import DETECTORS, LOUDNESS, MIMII, PROTOCOLS


def test_every_layout_has_a_protocol_with_the_codes_interval() -> None:
    """The share of its intervals is that of the code; the table's own is that of MIMII's layout."""
    assert set(PROTOCOLS) == set(Layout.__args__)
    share = f"{2 * norm.cdf(Z) - 1:.0%}".replace("%", " %")
    assert all(f"{share} intervals" in protocol for protocol in PROTOCOLS.values())
    assert MIMII.protocol == PROTOCOLS["mimii"]


def test_every_detector_can_be_made() -> None:
    """Each kind, the naive one too, and no kind beside."""
    assert {candidate.kind for candidate in (*DETECTORS, LOUDNESS)} == set(UNFITTED)
