"""What being wrong costs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Prices:
    """What a missed failure and a false alarm cost, in one currency; there is no default: each machine has its own."""

    miss: float
    false_alarm: float
