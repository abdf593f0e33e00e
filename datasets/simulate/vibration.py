"""Simulated lives in a publisher's on-disk format: known element, onset and growth, so that results can be judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from gauntlet.datasets.bearing import PRONOSTIA, SKF6205, UER204, ZA2115, Element
from gauntlet.datasets.provenance import mark_simulated
from gauntlet.datasets.records.run_truth import of_lives
from gauntlet.datasets.records.snapshot import Truth, VibrationSet
from gauntlet.datasets.simulate.bearing_signal import VERSION, Machine, acceleration, severity
from gauntlet.datasets.source import Simulation

ALL_FROM = 0.05  # the scale from which all fifteen XJTU bearings are drawn
FEW = ("Bearing1_1", "Bearing2_5", "Bearing3_3")


@dataclass(frozen=True)
class Life:
    """One simulated unit: where its fault starts (share of life; 1 = never) and on which elements."""

    run: str
    unit: str
    elements: tuple[Element, ...]
    files: int
    onset: float

    @property
    def truth(self) -> Truth:
        """The same as a publisher states it."""
        return Truth(self.run, self.unit, self.elements, self.files, round(self.onset * (self.files - 1)))


def xjtu_lives(spec: VibrationSet, scale: float = 1.0, least: int = 100) -> tuple[Life, ...]:
    """The fifteen bearings with their true elements; lifetimes times `scale`, at least `least` files.

    Where no onset is published, or it comes before a healthy beginning could be learnt (3_5), it is set to 60 %.
    """
    lives = []
    for truth in spec.truth:
        onset = truth.onset / truth.files if truth.onset else 0.6
        files = max(least, round(truth.files * scale))
        lives.append(Life(truth.run, truth.unit, truth.elements, files, onset if onset > 0.2 else 0.6))
    return tuple(lives)


def simulate_xjtu(
    spec: VibrationSet, shafts: Mapping[str, float], header: str, folder: Path, seed: int, scale: float
) -> tuple[Life, ...]:
    """The lives written to `folder` as `35Hz12kN/Bearing1_1/1.csv` and so on; below a scale of 0.05 only `FEW`.

    `shafts`: speed [Hz] by the folder of a condition. `header`: first line of a file.
    """
    lives = tuple(life for life in xjtu_lives(spec, scale) if scale >= ALL_FROM or life.run in FEW)
    for life in lives:
        condition = int(life.run.removeprefix("Bearing")[0]) - 1
        name, shaft = list(shafts.items())[condition]
        machine = Machine(UER204, shaft, spec.rate, noise=0.5)
        rng = _generator(seed, life)
        for i in range(life.files):
            samples = _axes(machine, spec.samples, life, i, rng)
            text = header + "\r\n" + _table(samples, ",", "\r\n", 6)
            _write(Path(folder) / name / life.run / f"{i + 1}.csv", text)
    return lives


def simulate_femto(
    spec: VibrationSet, shafts: Mapping[str, float], interval_s: float, folder: Path, seed: int, scale: float
) -> tuple[Life, ...]:
    """The runs of public truth in `folder` as `Learning_set/Bearing1_1/acc_00001.csv`; faults outer or inner.

    `shafts`: speed [Hz] by the digit of a condition. `interval_s`: between two files.
    """
    lives = []
    for k, truth in enumerate(spec.truth):
        elements: tuple[Element, ...] = ("outer",) if k % 2 == 0 else ("inner",)
        life = Life(truth.run, truth.unit, elements, max(100, round(truth.files * scale)), 0.6 + 0.05 * (k % 4))
        lives.append(life)
        machine = Machine(PRONOSTIA, shafts[truth.run[7]], spec.rate, noise=0.3)
        rng = _generator(seed, life)
        for i in range(life.files):
            samples = _axes(machine, spec.samples, life, i, rng)
            clock = timedelta(hours=8, seconds=i * interval_s)
            hour, rest = divmod(int(clock.total_seconds()), 3600)
            rows = _table(samples, ",", "\n", 3).splitlines()
            stamp = f"{hour},{rest // 60},{rest % 60},"
            text = "\n".join(f"{stamp}{39.0625 * j:.5g},{row}" for j, row in enumerate(rows)) + "\n"
            _write(Path(folder) / "Learning_set" / truth.run / f"acc_{i + 1:05d}.csv", text)
    return tuple(lives)


def simulate_ims(spec: VibrationSet, shaft_hz: float, folder: Path, seed: int, scale: float) -> tuple[Life, ...]:
    """Test 2 written to `folder/2nd_test`: bearing 1 fails at the outer race from 54 %; the others hear it faintly.

    The last two files are machine-off, as the publisher's are.
    """
    files = max(60, round(984 * scale))
    failing = Life("2nd_test", "bearing 1", ("outer",), files, 533 / 984)
    machine = Machine(ZA2115, shaft_hz, spec.rate, noise=0.08)
    rng = _generator(seed, failing)
    start = datetime(2004, 2, 12, 10, 32, 39, tzinfo=UTC)
    for i in range(files):
        amplitude = severity(i / (files - 1), failing.onset)
        shares = (1.0, 0.15, 0.1, 0.15)  # what reaches the other housings along the shaft
        samples = np.array([acceleration(machine, spec.samples, ("outer",), amplitude * s, rng) for s in shares])
        if i >= files - 2:
            samples = 0.001 * rng.standard_normal(samples.shape)
        name = (start + timedelta(minutes=10 * i)).strftime("%Y.%m.%d.%H.%M.%S")
        _write(Path(folder) / "2nd_test" / name, _table(samples, "\t", "\r\n", 3))
    return (failing,)


def drawn(simulate: Callable[[Path, int, float], tuple[Life, ...]], seed: int, scale: float) -> Simulation:
    """The draw of a set at a scale, whose folder bears the record that it is simulated and the truth of its lives."""

    def write(folder: Path) -> Path:
        lives = simulate(folder, seed, scale)
        known = of_lives([life.truth for life in lives])
        mark_simulated(folder, __name__, VERSION, seed=seed, scale=scale, lives=known)
        return folder

    return Simulation(f"v{VERSION}-seed{seed}-scale{scale:g}", write)


def simulate_cwru(
    element: Element | None, seed: int = 7, n: int = 120_000, amplitude: float = 4.0, rate: float = 12_000.0
) -> np.ndarray:
    """A drive-end record at 1797 rpm, float32, 1 x n; `element` None is a sound bearing."""
    machine = Machine(SKF6205, 1797 / 60, rate, resonance_hz=3000.0)
    faults = (element,) if element else ()
    return acceleration(machine, n, faults, amplitude, np.random.default_rng(seed))[None].astype(np.float32)


def _axes(machine: Machine, n: int, life: Life, i: int, rng: np.random.Generator) -> np.ndarray:
    amplitude = severity(i / (life.files - 1), life.onset)
    return np.array([acceleration(machine, n, life.elements, amplitude * share, rng) for share in (1.0, 0.8)])


def _generator(seed: int, life: Life) -> np.random.Generator:
    return np.random.default_rng([seed, *life.run.encode()])


def _table(samples: np.ndarray, separator: str, end: str, digits: int) -> str:
    """Rows of text, samples at `digits` decimals; equal numbers are formatted once."""
    step = 10 ** min(digits, 3)
    counts = np.round(samples.T * step).astype(int)
    low = int(counts.min())
    words = np.array([f"{value / step:.{digits}f}" for value in range(low, int(counts.max()) + 1)], dtype=object)
    rows = words[counts - low].tolist()
    return end.join(map(separator.join, rows)) + end


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("ascii"))
