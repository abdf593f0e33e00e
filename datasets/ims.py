"""NASA IMS: three run-to-failure tests of four Rexnord ZA-2115 bearings on one shaft, 2000 rpm, 20 kHz."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from pathlib import Path

from gauntlet.datasets.bearing import ZA2115
from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.io.archive import fetch_archive
from gauntlet.datasets.records.snapshot import Channel, Run, TextLayout, Truth, VibrationSet, in_order, spacing
from gauntlet.datasets.source import Simulation
from gauntlet.datasets.spec import RemoteFile

RATE, ROWS, SHAFT_HZ = 20_000.0, 20_480, 2000 / 60
OFF_LEVEL = 0.01  # g; running channels of all three tests are above 0.04, the machine-off files below 0.002

SPEC = VibrationSet(
    name="nasa",
    title="IMS bearing data set",
    homepage="https://www.nasa.gov/intelligent-systems-division/discovery-and-systems-health/pcoe/pcoe-data-set-repository/",
    licence="public; cite",
    citation="J. Lee, H. Qiu, G. Yu, J. Lin, Rexnord Technical Services, Bearing Data Set, IMS, Univ. of Cincinnati",
    sensor_type="bearing",
    marker="*_test",
    also=("ims",),
    files=(
        RemoteFile(
            name="4. Bearings.zip",
            url="https://phm-datasets.s3.amazonaws.com/NASA/4.+Bearings.zip",
            sha256="21001ac266c465f5d345ec42d7b508c6a6328487fd9d4d7774422dd5ea10ad83",
        ),
    ),
    rate=RATE,
    samples=ROWS,
    bearing=ZA2115,
    truth=(
        Truth("1st_test", "bearing 3", ("inner",), 2156, 1819),
        Truth("1st_test", "bearing 4", ("rolling",), 2156, 1487),
        Truth("2nd_test", "bearing 1", ("outer",), 984, 533),
        Truth("3rd_test", "bearing 3", ("outer",), 6324, 5966),
    ),
    began={
        "1st_test": "2003.10.22.12.06.24",
        "2nd_test": "2004.02.12.10.32.39",
        "3rd_test": "2004.03.04.09.27.46",
    },
)

# The publisher's archive holds set 3 in `3rd_test/4th_test/txt`; a copy may have the files in the folder itself.
_FOLDERS = {
    "1st_test": ("1st_test",),
    "2nd_test": ("2nd_test",),
    "3rd_test": ("3rd_test/4th_test/txt", "3rd_test/txt", "3rd_test", "4th_test/txt", "4th_test"),
}
_CHANNELS = {
    "1st_test": tuple(Channel(f"bearing {b} {axis}", f"bearing {b}") for b in range(1, 5) for axis in "xy"),
    "2nd_test": tuple(Channel(f"bearing {b}", f"bearing {b}") for b in range(1, 5)),
    "3rd_test": tuple(Channel(f"bearing {b}", f"bearing {b}") for b in range(1, 5)),
}
TIME = "%Y.%m.%d.%H.%M.%S"


def runs(folder: Path) -> tuple[Run, ...]:
    """The tests found in a folder that holds any of `1st_test/ 2nd_test/ 3rd_test/` (or is one of them).

    Names that are not a time are not the publisher's snapshots and are left out.

    Raises:
        BadInput: none of the three is there.
    """
    folder = Path(folder)
    if folder.name in _FOLDERS:
        folder = folder.parent
    found = tuple(run for name in _FOLDERS if (run := _run(folder, name)) is not None)
    if not found:
        raise BadInput(
            folder, "no IMS test here", expected="1st_test/, 2nd_test/ or 3rd_test/ with files named by time"
        )
    return found


def channels_of(run: str) -> tuple[Channel, ...]:
    """The channels of a test: eight in the first, four in the others."""
    return _CHANNELS[run]


def simulation(seed: int = 7, scale: float = 0.15) -> Simulation:
    """Test 2 at `scale` of its 984 files, for `source.locate` to make or to find."""
    from gauntlet.datasets.simulate.vibration import drawn, simulate_ims

    return drawn(partial(simulate_ims, SPEC, SHAFT_HZ), seed, scale)


def fetch(folder: Path, progress: bool = True) -> Path:
    """The three tests in `folder`: 1 GB from NASA's server, its hash verified, the archives inside unpacked.

    Raises:
        WrongHash: the download is not the published file.
        ServiceDown: the publisher does not answer.
        BadInput: the folder cannot be written, or no program here unpacks 7z and rar.
    """
    return fetch_archive(SPEC, Path(folder), progress)


def _run(folder: Path, name: str) -> Run | None:
    for place in _FOLDERS[name]:
        timed = [(path, time) for path in _entries(folder / place) if (time := _time(path.name)) is not None]
        if timed:
            files = in_order([(path, time.timestamp(), time) for path, time in timed])
            interval, gaps = spacing(files, 600.0)
            channels = _CHANNELS[name]
            layout = TextLayout(len(channels), tuple(range(len(channels))), ROWS)
            return Run("nasa", name, files, channels, RATE, SHAFT_HZ, ZA2115, layout, interval, OFF_LEVEL, gaps)
    return None


def _entries(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _time(name: str) -> datetime | None:
    try:
        # The names are local time without a zone; reckoned as UTC no summer-time hour appears twice.
        return datetime.strptime(name + "+0000", TIME + "%z")
    except ValueError:
        return None
