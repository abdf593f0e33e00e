"""What the table says of the sensor gauntlets is what the code does."""

from __future__ import annotations

from gauntlet.tasks.models.stream_detector import FOREST_SOUND
from gauntlet.tasks.sensors.gauntlets import PROTOCOL
from gauntlet.tasks.sensors.load import LEARNT
from gauntlet.tasks.sensors.streams import BLOCK_H, GAP_H, TAIL_H


def test_the_protocol_states_the_numbers_in_use() -> None:
    """Share learnt, the forest's quantile, the gap and tail of an alarm, and the bootstrap's blocks."""
    assert f"first {LEARNT:.0%} of each sensor" in PROTOCOL
    assert f"leaves {1 - FOREST_SOUND:.1%} of the sound rows" in PROTOCOL
    assert f"within {GAP_H:g} h are one alarm, an alarm up to {TAIL_H:g} h behind" in PROTOCOL
    assert f"blocks of {BLOCK_H / 24:g} days" in PROTOCOL
