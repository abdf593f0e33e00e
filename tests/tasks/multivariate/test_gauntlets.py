"""What the table says of the rig's gauntlet is what the code does."""

from __future__ import annotations

from gauntlet.datasets.skab import BEGINNING
from gauntlet.tasks.multivariate.gauntlets import SKAB


def test_the_protocol_states_the_numbers_in_use() -> None:
    """The rows of each run that train."""
    assert f"the first {BEGINNING} rows of each run train" in SKAB.protocol
