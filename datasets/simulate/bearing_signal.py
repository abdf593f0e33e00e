"""Simulated acceleration of a bearing: a fault's impacts ringing a resonance, over shaft harmonics and noise.

The model is that of P. D. McFadden and J. D. Smith, Model for the vibration produced by a single point defect in a
rolling element bearing, J. Sound Vib. 96 (1984), with the random slip of J. Antoni and R. B. Randall, MSSP 17 (2003).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import oaconvolve

from gauntlet.datasets.bearing import Bearing, Element

VERSION = 1  # raise it whenever equal seeds give other numbers


@dataclass(frozen=True)
class Machine:
    """What stays the same through a life. `noise` [g] is the healthy standard deviation; damping is relative."""

    bearing: Bearing
    shaft_hz: float
    rate: float
    noise: float = 0.1
    resonance_hz: float = 4000.0
    damping: float = 0.05
    slip: float = 0.01


def severity(life: float, onset: float, end: float = 6.0, start: float = 1.0) -> float:
    """Impact amplitude in multiples of the healthy standard deviation: 0 before onset, then exponential to `end`.

    Exponential growth after a threshold: Gebraeel et al., IIE Transactions 37 (2005). Arguments are shares of life.
    """
    if life < onset:
        return 0.0
    return start * (end / start) ** ((life - onset) / max(1 - onset, 1e-9))


def acceleration(
    machine: Machine, n: int, faults: tuple[Element, ...], amplitude: float, rng: np.random.Generator
) -> np.ndarray:
    """n samples in g, float64. `amplitude` in multiples of `machine.noise`, the same for each fault."""
    t = np.arange(n) / machine.rate
    signal = machine.noise * rng.standard_normal(n)
    for harmonic, share in ((1, 0.3), (2, 0.15), (3, 0.08)):
        phase = rng.uniform(0, 2 * np.pi)
        signal += share * machine.noise * np.sin(2 * np.pi * harmonic * machine.shaft_hz * t + phase)
    if amplitude > 0:
        for element in faults:
            signal += amplitude * machine.noise * _ringing(_impacts(machine, n, element, rng), machine)
    return signal


def _impacts(machine: Machine, n: int, element: Element, rng: np.random.Generator) -> np.ndarray:
    """The train of impacts, n samples: an outer fault strikes evenly, others pass through the load zone."""
    hertz = machine.bearing.fault_frequencies(machine.shaft_hz)
    rate_hz = hertz[element] * (2 if element == "rolling" else 1)
    count = int(n / machine.rate * rate_hz) + 2
    gaps = (1 + machine.slip * rng.standard_normal(count)) / rate_hz
    # The mean gap stays exact: slip is jitter about the kinematic frequency, not another speed.
    times = rng.uniform(0, 1 / rate_hz) + np.arange(count) / rate_hz + (gaps - gaps.mean())
    passes = {"outer": 0.0, "inner": machine.shaft_hz, "rolling": hertz["cage"], "cage": 0.0}[element]
    strength = 1 + 0.8 * np.cos(2 * np.pi * passes * times) if passes else np.ones(count)
    train = np.zeros(n)
    places = np.round(times * machine.rate).astype(int)
    inside = (places >= 0) & (places < n)
    np.add.at(train, places[inside], strength[inside] * (1 + 0.1 * rng.standard_normal(inside.sum())))
    return train


def _ringing(train: np.ndarray, machine: Machine) -> np.ndarray:
    omega = 2 * np.pi * machine.resonance_hz
    decay = machine.damping * omega
    t = np.arange(int(6 / decay * machine.rate) + 2) / machine.rate
    response = np.exp(-decay * t) * np.sin(omega * np.sqrt(1 - machine.damping**2) * t)
    return oaconvolve(train, response)[: len(train)]
