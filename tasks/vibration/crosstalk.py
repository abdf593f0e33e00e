"""Which bearing is it? Vibration travels along the shaft, so healthy neighbours of a failing bearing alarm later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from gauntlet.tasks.alarms.rule import Verdict


def attribute(verdicts: Mapping[str, Verdict], power: Mapping[str, np.ndarray], healthy: int) -> dict[str, Verdict]:
    """The verdicts with `crosstalk_of` set where a neighbour explains the alarm.

    A unit's alarm is cross-talk of a unit that alarmed before it and whose rise in power exceeded its own ever since:
    an own fault is loudest in its own housing, whatever came first.

    Args:
        power: variance of the signal per snapshot [g^2], greatest channel of each unit.
        healthy: how many snapshots are the healthy beginning.
    """
    rise = {unit: np.maximum(p - np.median(p[:healthy]), 0.0) for unit, p in power.items()}
    found = {}
    for unit, own in verdicts.items():
        found[unit] = own
        if own.onset is None:
            continue
        since = slice(own.onset, None)
        earlier = [v for v in verdicts.values() if v.onset is not None and v.onset < own.onset and v.unit != unit]
        louder = [v for v in earlier if np.median(rise[v.unit][since]) > np.median(rise[unit][since])]
        loudest = [v for v in louder if rise[v.unit][-10:].max() > rise[unit][-10:].max()]
        if loudest:
            source = max(loudest, key=lambda v: float(np.median(rise[v.unit][since])))
            found[unit] = replace(own, crosstalk_of=source.unit)
    return found
