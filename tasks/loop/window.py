"""The newest scored rows beside the champion's reference, as the drift check compares them."""

from __future__ import annotations

from collections.abc import Sequence

from gauntlet.blocks import DriftPolicy
from gauntlet.tasks.loop.champion import Champion
from gauntlet.tasks.loop.contract import Window
from gauntlet.tasks.runtime.connection import Connection

__all__ = ["Window", "newest_windows"]


def newest_windows(champion: Champion, policy: DriftPolicy, connection: Connection) -> Sequence[Window]:
    """The newest scored rows of everything that is judged by itself; none before any scoring."""
    return champion.adapter.windows(champion, policy, connection)
