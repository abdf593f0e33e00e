"""Sounds of four kinds of machine, sound or damaged, factory noise, and the colour that a recording session adds.

A machine's sound has unit power; noise is scaled to the wanted ratio of powers; a session's colour is a smooth
filter of a few decibels over all that is recorded, as another place of the microphone or another day gives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from gauntlet.datasets.records.clip import MACHINES

RATE = 16_000


@dataclass(frozen=True)
class Model:
    """One machine of a type: its speed [Hz], the resonance [Hz] of its housing and the tilt [dB per octave] of its noise."""

    machine: str
    speed: float
    resonance: float
    tilt: float


def model(machine: str, name: str) -> Model:
    """The machine of this type and id; ids differ in speed, resonance and colour."""
    rng = np.random.default_rng([MACHINES.index(machine), *name.encode()])
    speed = {"fan": 24.0, "pump": 48.0, "slider": 1.1, "valve": 2.0}[machine]
    return Model(machine, speed * rng.uniform(0.85, 1.2), rng.uniform(1_200, 3_600), -rng.uniform(2, 5))


def shaped_noise(n: int, rng: np.random.Generator, tilt: float, peak: float = 0.0, width: float = 500.0) -> np.ndarray:
    """Noise of unit power falling by `-tilt` dB per octave above 100 Hz, with a resonance at `peak` [Hz] if any."""
    frequency = np.fft.rfftfreq(n, 1 / RATE)
    gain = np.maximum(frequency / 100.0, 1.0) ** (tilt / 6.02)
    if peak:
        gain = gain + 0.5 * np.exp(-0.5 * ((frequency - peak) / width) ** 2)
    phase = rng.standard_normal(len(frequency)) + 1j * rng.standard_normal(len(frequency))
    return unit(np.fft.irfft(phase * gain, n))


def unit(signal: np.ndarray) -> np.ndarray:
    """The signal without its mean, at unit power."""
    signal = signal - signal.mean()
    return signal / np.sqrt(np.mean(signal**2))


def harmonics(n: int, rng: np.random.Generator, base: float, count: int, fall: float) -> np.ndarray:
    """Tones at multiples of `base` [Hz], each `fall` times as strong as the one before, at random phase, unit power."""
    time = np.arange(n) / RATE
    tones = [
        fall**k * np.cos(2 * np.pi * base * (k + 1) * time + rng.uniform(0, 2 * np.pi))
        for k in range(count)
        if base * (k + 1) < RATE / 2
    ]
    return unit(np.sum(tones, axis=0))


def clicks(n: int, times: np.ndarray, strength: np.ndarray, resonance: float, decay: float) -> np.ndarray:
    """Blows at `times` [s] that ring at `resonance` [Hz] and die away in `decay` [s]."""
    blows = np.zeros(n)
    place = np.round(times * RATE).astype(int)
    inside = (place >= 0) & (place < n)
    np.add.at(blows, place[inside], strength[inside])
    radius, angle = np.exp(-1 / (decay * RATE)), 2 * np.pi * resonance / RATE
    return lfilter([1.0], [1.0, -2 * radius * np.cos(angle), radius**2], blows)


def _fan(model: Model, n: int, rng: np.random.Generator, fault: str | None) -> np.ndarray:
    speed = model.speed * rng.normal(1, 0.004) * (0.9 if fault == "voltage" else 1.0)
    rush = shaped_noise(n, rng, model.tilt - (2.0 if fault == "clogging" else 0.0), model.resonance)
    sound = 0.8 * rush + 0.6 * harmonics(n, rng, 7 * speed, 6, 0.6)
    if fault == "unbalance":
        sound = sound * (1 + 0.7 * np.sin(2 * np.pi * speed * np.arange(n) / RATE))
    return sound


def _pump(model: Model, n: int, rng: np.random.Generator, fault: str | None) -> np.ndarray:
    flow = shaped_noise(n, rng, model.tilt, model.resonance)
    hum = harmonics(n, rng, model.speed * rng.normal(1, 0.002), 12, 0.9 if fault == "clogging" else 0.75)
    sound = 0.6 * flow + 0.8 * hum
    if fault == "leakage":
        sound = sound + 0.35 * shaped_noise(n, rng, 0.0)
    if fault == "contamination":
        times = np.sort(rng.uniform(0, n / RATE, rng.poisson(12 * n / RATE)))
        sound = sound + 3.0 * clicks(n, times, rng.exponential(1, len(times)), 1.4 * model.resonance, 0.002)
    return sound


def _slider(model: Model, n: int, rng: np.random.Generator, fault: str | None) -> np.ndarray:
    time = np.arange(n) / RATE
    phase = (model.speed * rng.normal(1, 0.003) * time + rng.uniform()) % 1.0
    stroke = np.where(phase < 0.6, np.sin(np.pi * np.minimum(phase / 0.6, 1.0)) ** 2, 0.02)
    sound = unit(stroke * shaped_noise(n, rng, model.tilt, model.resonance))
    if fault == "loose belt":
        sound = sound * (1 + 0.9 * np.sin(2 * np.pi * 11 * time))
    if fault == "no grease":
        sound = sound + 0.7 * stroke * np.sin(2 * np.pi * 1.7 * model.resonance * time)
    if fault == "rail damage":
        blows = time[np.flatnonzero(np.diff((phase > 0.3).astype(int)) > 0)]
        sound = sound + 4.0 * clicks(n, blows, np.ones(len(blows)), 0.6 * model.resonance, 0.006)
    return sound


def _valve(model: Model, n: int, rng: np.random.Generator, fault: str | None) -> np.ndarray:
    period = 1 / (model.speed * rng.normal(1, 0.003))
    times = rng.uniform(0, period) + period * np.arange(int(n / RATE / period) + 1)
    strength = rng.normal(1, 0.05, len(times))
    worn = fault == "worn seat"
    ringing = model.resonance * (0.8 if worn else 1.0)
    sound = unit(clicks(n, times, strength, ringing, 0.010 if worn else 0.004))
    if fault == "bounce":
        sound = sound + 0.6 * unit(clicks(n, times + 0.035, strength, model.resonance, 0.004))
    if fault == "contamination":
        sound = 0.7 * sound + 0.4 * shaped_noise(n, rng, 0.0, 4_500.0)
    return sound + 0.2 * shaped_noise(n, rng, model.tilt)


SOUNDS: dict[str, Callable[[Model, int, np.random.Generator, str | None], np.ndarray]] = {
    "fan": _fan,
    "pump": _pump,
    "slider": _slider,
    "valve": _valve,
}
FAULTS = {
    "fan": ("unbalance", "voltage", "clogging"),
    "pump": ("leakage", "contamination", "clogging"),
    "slider": ("rail damage", "loose belt", "no grease"),
    "valve": ("contamination", "bounce", "worn seat"),
}


def machine_sound(model: Model, n: int, rng: np.random.Generator, fault: str | None) -> np.ndarray:
    """One clip of the machine, n samples; in order, its power is about one; a fault changes what it changes."""
    return SOUNDS[model.machine](model, n, rng, fault)


def factory_noise(n: int, rng: np.random.Generator) -> np.ndarray:
    """Noise of other machines and a few distant clanks, n samples of unit power; its level wanders within the clip."""
    time = np.arange(n) / RATE
    level = 1 + 0.2 * np.sin(2 * np.pi * rng.uniform(0.1, 0.5) * time + rng.uniform(0, 6.28))
    base = level * shaped_noise(n, rng, -3.5 + rng.normal(0, 0.3), rng.uniform(300, 1_500), 400.0)
    blows = rng.uniform(0, n / RATE, rng.poisson(0.4 * n / RATE))
    return unit(base + 3 * clicks(n, blows, rng.exponential(0.3, len(blows)), rng.uniform(400, 1_800), 0.03))


def colour(rng: np.random.Generator, decibels: float, knots: int = 9) -> tuple[np.ndarray, np.ndarray]:
    """A session's filter as (frequencies [Hz], gains [dB]): independent normal gains, evenly spaced in octaves."""
    return np.geomspace(60, RATE / 2, knots), decibels * rng.standard_normal(knots)


def coloured(signal: np.ndarray, filter_: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """The signal passed through a session's filter."""
    frequency = np.fft.rfftfreq(len(signal), 1 / RATE)
    gain = np.interp(np.log(np.maximum(frequency, 1.0)), np.log(filter_[0]), filter_[1])
    return np.fft.irfft(np.fft.rfft(signal) * 10 ** (gain / 20), len(signal))
