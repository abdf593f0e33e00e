"""CWRU: seeded faults in an SKF 6205, drive end, 12 kHz, MATLAB 5 files; the check that an element is named right."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import scipy.io

from gauntlet.datasets.bearing import SKF6205, Element
from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.io.signal_file import Quarantined, check, quarantined
from gauntlet.datasets.records.snapshot import Channel, Snapshot, SnapshotFile, Truth, VibrationSet

RATE = 12_000.0
# Record number: the damaged element, at 0 hp; other loads follow in the same blocks of four.
_BLOCKS: tuple[tuple[range, Element | None], ...] = (
    (range(97, 101), None),
    (range(105, 109), "inner"),
    (range(169, 173), "inner"),
    (range(209, 213), "inner"),
    (range(118, 122), "rolling"),
    (range(185, 189), "rolling"),
    (range(222, 226), "rolling"),
    (range(130, 134), "outer"),
    (range(197, 201), "outer"),
    (range(234, 238), "outer"),
)
ELEMENT: dict[int, Element | None] = {number: element for block, element in _BLOCKS for number in block}

SPEC = VibrationSet(
    name="cwru",
    title="Case Western Reserve University bearing data",
    homepage="https://engineering.case.edu/bearingdatacenter",
    licence="none stated",
    citation="W. A. Smith, R. B. Randall, Rolling element bearing diagnostics using the CWRU data, MSSP 64-65 (2015)",
    sensor_type="bearing",
    marker="*.mat",
    rate=RATE,
    bearing=SKF6205,
    truth=tuple(Truth(str(n), "drive end", (element,) if element else (), 1) for n, element in ELEMENT.items()),
)


def number_of(path: Path) -> int:
    """The record's number: 130 of `130.mat`, `130@6_0.mat` or `X130_DE.mat`.

    Raises:
        BadInput: the name has none.
    """
    match = re.search(r"\d+", path.stem)
    if match is None:
        raise BadInput(path, "the name has no record number", expected="105.mat, 130@6_0.mat and the like")
    return int(match[0])


def read(path: Path) -> Snapshot:
    """The drive-end channel of a record; the shaft speed is the recorded one where the file has it, else 1797 rpm.

    Raises:
        BadInput: not a MATLAB file, or without a drive-end signal, or not finite.
    """
    path = Path(path)
    try:
        content = scipy.io.loadmat(path)
    except (OSError, ValueError, NotImplementedError, TypeError) as error:
        raise BadInput(path, f"not a MATLAB 5 file ({error})") from None
    number = number_of(path)
    # Some records carry a second signal of another record; the record's own number decides.
    names = [key for key in content if key.endswith("_DE_time")]
    name = next((key for key in names if key == f"X{number:03d}_DE_time"), names[0] if names else None)
    if name is None:
        raise BadInput(path, "no drive-end signal", expected=f"X{number:03d}_DE_time")
    samples = np.ascontiguousarray(content[name].reshape(1, -1), np.float32)
    if not np.isfinite(samples).all():
        raise BadInput(path, "the signal is not finite")
    check(samples, path, 0.0)
    rpm = content.get(name.replace("_DE_time", "RPM"))
    shaft_hz = (float(np.ravel(rpm)[0]) if rpm is not None else 1797.0) / 60
    return Snapshot(str(number), SnapshotFile(path, 0, 0.0), (Channel("DE", "drive end"),), RATE, shaft_hz, samples)


def records(folder: Path, quarantine: list[Quarantined]) -> Iterator[Snapshot]:
    """The records of a folder by number; what cannot be used is appended to `quarantine`."""
    for path in sorted(Path(folder).glob("*.mat")):
        try:
            yield read(path)
        except BadInput as error:
            quarantine.append(quarantined(path, error))
