"""FEMTO / PRONOSTIA (IEEE PHM 2012 challenge): 17 bearings run to failure, 25.6 kHz, 0.1 s of two axes every 10 s."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from gauntlet.datasets.bearing import PRONOSTIA
from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.io.archive import fetch_archive
from gauntlet.datasets.records.snapshot import Channel, Run, TextLayout, Truth, VibrationSet, in_order, spacing
from gauntlet.datasets.source import Simulation
from gauntlet.datasets.spec import RemoteFile

RATE, ROWS, INTERVAL_S = 25_600.0, 2_560, 10.0
SHAFT_HZ = {"1": 30.0, "2": 27.5, "3": 25.0}  # condition: 1800, 1650, 1500 rpm
LOAD_N = {"1": 4000.0, "2": 4200.0, "3": 5000.0}  # the same conditions' radial load
PARTS = ("Learning_set", "Full_Test_Set")
# hour, minute, second, microsecond, horizontal, vertical; no header; Bearing1_4 has semicolons.
LAYOUT = TextLayout(columns=6, signal=(4, 5), rows=ROWS)
_FILE = re.compile(r"acc_(\d+)\.csv")
_BEARING = re.compile(r"Bearing([123])_\d")

SPEC = VibrationSet(
    name="femto",
    title="FEMTO bearing data set (PRONOSTIA)",
    homepage="https://www.femto-st.fr/en",
    licence="public; cite",
    citation=(
        "P. Nectoux et al., PRONOSTIA: An experimental platform for bearings accelerated degradation tests, "
        "IEEE International Conference on Prognostics and Health Management (PHM 2012), Denver"
    ),
    sensor_type="bearing",
    marker="*_[Ss]et",
    files=(RemoteFile("10. FEMTO Bearing.zip", "https://phm-datasets.s3.amazonaws.com/NASA/10.+FEMTO+Bearing.zip"),),
    rate=RATE,
    samples=ROWS,
    bearing=PRONOSTIA,
    # The failed element is unpublished; the onsets are the first prediction times of public RUL code.
    truth=tuple(
        Truth(f"Bearing{name}", f"Bearing{name}", (), files, onset)
        for name, files, onset in (
            ("1_1", 2803, 1314), ("1_2", 871, 826), ("2_1", 911, 836), ("2_2", 797, 790), ("3_1", 515, 490),
            ("3_2", 1637, 1446),
        )
    ),
)  # fmt: skip


def runs(folder: Path) -> tuple[Run, ...]:
    """The bearings found under `Learning_set/` and `Full_Test_Set/`, files by number; temperature files are left out.

    Raises:
        BadInput: no bearing is there.
    """
    folder = Path(folder)
    folders = [bearing for part in PARTS for bearing in sorted((folder / part).glob("Bearing*"))]
    found = tuple(run for bearing in folders if (run := _run(bearing)) is not None)
    if not found:
        raise BadInput(folder, "no FEMTO bearing here", expected="Learning_set/Bearing1_1/acc_00001.csv and the like")
    return found


def simulation(seed: int = 7, scale: float = 0.1) -> Simulation:
    """Six bearings at `scale` of their lifetimes, for `source.locate` to make or to find."""
    from gauntlet.datasets.simulate.vibration import drawn, simulate_femto

    return drawn(partial(simulate_femto, SPEC, SHAFT_HZ, INTERVAL_S), seed, scale)


def fetch(folder: Path, progress: bool = True) -> Path:
    """The 17 bearings in `folder`, downloaded from NASA's server and unpacked; the publisher gives no hash.

    Raises:
        ServiceDown: the publisher does not answer.
        BadInput: the folder cannot be written, or no program here unpacks the archives inside.
    """
    return fetch_archive(SPEC, Path(folder), progress)


def _run(folder: Path) -> Run | None:
    named = _BEARING.fullmatch(folder.name)
    if named is None:
        return None
    numbered = [(path, match) for path in folder.iterdir() if (match := _FILE.fullmatch(path.name))]
    if not numbered:
        return None
    files = in_order([(path, int(match[1]) * INTERVAL_S, None) for path, match in numbered])
    interval, gaps = spacing(files, INTERVAL_S)
    channels = (Channel("horizontal", folder.name), Channel("vertical", folder.name))
    shaft = SHAFT_HZ[named[1]]
    return Run(
        "femto", folder.name, files, channels, RATE, shaft, PRONOSTIA, LAYOUT, interval, 0.01, gaps, LOAD_N[named[1]]
    )
