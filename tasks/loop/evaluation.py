"""Champion and challenger side by side, on what neither learnt."""

from __future__ import annotations

from typing import Any

from gauntlet.tasks.loop.champion import Champion
from gauntlet.tasks.loop.contract import Contest, Material

__all__ = ["Contest", "contest"]


def contest(champion: Champion, challenger: Any, material: Material, seed: int) -> Contest:
    """The two, judged by the frozen rows and the library of past failures; decisions and thresholds are each model's own.

    Raises:
        BadInput: the frozen rows do not suffice to tell the two apart.
    """
    return champion.adapter.contest(champion, challenger, material, seed)
