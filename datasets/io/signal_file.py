"""A run's files as snapshots, each checked; what cannot be used is quarantined with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from gauntlet.datasets.errors import BadInput, TooManyBadFiles
from gauntlet.datasets.io.signal_text import parse, read_bytes
from gauntlet.datasets.records.snapshot import Run, Snapshot, SnapshotFile

Kind = Literal["bad", "machine-off"]


@dataclass(frozen=True)
class Quarantined:
    """A file that is not used. `machine-off` is a fact about the machine and does not count as a bad file."""

    path: Path
    reason: str
    kind: Kind = "bad"


class MachineOff(BadInput):
    """The file is sound, and the machine stood still while it was recorded."""


def snapshot(run: Run, file: SnapshotFile, content: np.ndarray | None = None) -> Snapshot:
    """The snapshot in a text file; `content`: the file's bytes if they were read already.

    Raises:
        MachineOff: every channel's standard deviation is under `run.off_level`.
        BadInput: the file cannot be used, and why.
    """
    if run.layout is None:
        raise BadInput(file.path, "this set is not text")
    samples = parse(read_bytes(file.path) if content is None else content, run.layout, file.path)
    check(samples, file.path, run.off_level)
    return Snapshot(run.name, file, run.channels, run.rate, run.shaft_hz, samples)


def check(samples: np.ndarray, path: Path, off_level: float) -> None:
    """Nothing, when at least one channel moves as a running machine does.

    Raises:
        BadInput: every channel holds one value throughout (all zeros, a dead logger).
        MachineOff: see `snapshot`.
    """
    if not np.any(samples[:, 1:9] != samples[:, :1]) and np.array_equal(samples[:, 1:], samples[:, :-1]):
        raise BadInput(path, "every channel is constant", saw=f"{samples[0, 0]:g} throughout")
    # The squares of a part about its own mean are at most those of the whole about the whole's: a part that moves
    # enough for all settles it, and the whole is gone through only for a machine that hardly moves.
    part = samples[:, : max(1, samples.shape[1] // 8)]
    if float(part.std(axis=1).max()) * np.sqrt(part.shape[1] / samples.shape[1]) > 1.001 * off_level:
        return
    deviation = float(samples.std(axis=1).max())
    if deviation < off_level:
        raise MachineOff(path, "the machine is off", saw=f"standard deviation {deviation:.4f} g")


def snapshots(run: Run, quarantine: list[Quarantined]) -> Iterator[Snapshot]:
    """The usable snapshots of a text run one by one, in order; the others are appended to `quarantine`."""
    for file in run.files:
        try:
            yield snapshot(run, file)
        except BadInput as error:
            quarantine.append(quarantined(file.path, error))


def quarantined(path: Path, error: BadInput) -> Quarantined:
    """The entry for a file that raised `error`; the reason does not repeat the file's name."""
    reason = str(error).removeprefix(f"{path}: ").removeprefix(f"{path}, ")
    return Quarantined(path, reason, "machine-off" if isinstance(error, MachineOff) else "bad")


def enforce_limit(run: Run, quarantine: list[Quarantined], limit: float = 0.05) -> None:
    """Nothing, when at most `limit` of the run's files are bad.

    Raises:
        TooManyBadFiles: with the whole list.
    """
    bad = [(q.path.name, q.reason) for q in quarantine if q.kind == "bad"]
    if run.files and len(bad) > limit * len(run.files):
        raise TooManyBadFiles(run.files[0].path.parent, bad, len(run.files), limit)
