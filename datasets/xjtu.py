"""XJTU-SY: 15 LDK UER204 bearings run to failure in three conditions, 25.6 kHz, 1.28 s of two axes every minute."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from gauntlet.datasets.bearing import UER204, Element
from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.records.snapshot import Channel, Run, TextLayout, Truth, VibrationSet, in_order, spacing
from gauntlet.datasets.source import Simulation
from gauntlet.datasets.spec import RemoteFile

RATE, ROWS, INTERVAL_S = 25_600.0, 32_768, 60.0
CONDITIONS = {"35Hz12kN": 35.0, "37.5Hz11kN": 37.5, "40Hz10kN": 40.0}  # folder: shaft speed [Hz]
LOAD_N = {"1": 12_000.0, "2": 11_000.0, "3": 10_000.0}  # by the first digit of a bearing's name: radial load
LAYOUT = TextLayout(columns=2, signal=(0, 1), rows=ROWS, header=True)
HEADER = "Horizontal_vibration_signals,Vertical_vibration_signals"

_TRUTH: tuple[tuple[str, tuple[Element, ...], int, int | None], ...] = (
    ("1_1", ("outer",), 123, 76),
    ("1_2", ("outer",), 161, 44),
    ("1_3", ("outer",), 158, 60),
    ("1_4", ("cage",), 122, None),
    ("1_5", ("inner", "outer"), 52, 39),
    ("2_1", ("inner",), 491, 455),
    ("2_2", ("outer",), 161, 48),
    ("2_3", ("cage",), 533, 327),
    ("2_4", ("outer",), 42, 32),
    ("2_5", ("outer",), 339, 141),
    ("3_1", ("outer",), 2538, 2344),
    ("3_2", ("inner", "rolling", "cage", "outer"), 2496, None),
    ("3_3", ("inner",), 371, 340),
    ("3_4", ("inner",), 1515, 1418),
    ("3_5", ("outer",), 114, 9),
)
_SHA256 = (
    "c500657353f089a4ab50212ff4ddfc7b982729e92e2b127440c8ad881d80b968",
    "4dfa6286a8e9c7cec1e925b347642349f36e27ab3f703c90d1d08977b7b4f61f",
    "6929f531284f79e0209246b4ee23b23dd8d4faac1c0c3ff8fb131cda4a18bd3a",
    "2245825acd29bed3b95e7a77879a3fbadf20f4ad4f99486384c714174621597d",
    "e1b0a41a32b865e48ea7981c56f952a960d94335f3496b72eb4a65932f1671bd",
    "df1854821a9d481104476379f7bc045ea1e101427c6e36145cd7677dc7c4a684",
)
_HOME = "https://github.com/WangBiaoXJTU/xjtu-sy-bearing-datasets"

SPEC = VibrationSet(
    name="xjtu",
    title="XJTU-SY bearing data sets",
    homepage=_HOME,
    licence="public; cite",
    citation=(
        "B. Wang, Y. Lei, N. Li, N. Li, A Hybrid Prognostics Approach for Estimating Remaining Useful Life of Rolling "
        "Element Bearings, IEEE Transactions on Reliability 69 (2020) 401-412, doi:10.1109/TR.2018.2882682"
    ),
    sensor_type="bearing",
    marker="*Hz*kN",
    # The six RAR volumes are linked from the authors' page, not served under addresses of their own.
    files=tuple(RemoteFile(f"XJTU-SY_Bearing_Datasets.part0{i}.rar", _HOME, sha) for i, sha in enumerate(_SHA256, 1)),
    rate=RATE,
    samples=ROWS,
    bearing=UER204,
    truth=tuple(Truth(f"Bearing{n}", f"Bearing{n}", elements, files, onset) for n, elements, files, onset in _TRUTH),
)


def runs(folder: Path) -> tuple[Run, ...]:
    """The bearings found under the condition folders `35Hz12kN/ 37.5Hz11kN/ 40Hz10kN/`, files by number.

    Raises:
        BadInput: no bearing is there.
    """
    folder = Path(folder)
    places = [(place, hz) for name, hz in CONDITIONS.items() if (place := folder / name).is_dir()]
    found = [run for place, hz in places for bearing in sorted(place.glob("Bearing*")) if (run := _run(bearing, hz))]
    if not found:
        raise BadInput(folder, "no XJTU-SY bearing here", expected="35Hz12kN/Bearing1_1/1.csv and the like")
    return tuple(found)


def simulation(seed: int = 7, scale: float = 0.02) -> Simulation:
    """Bearings at `scale` of their lifetimes, but of 100 files at least; all fifteen from a scale of 0.05 on (1 GB),
    below that one of each condition, for `source.locate` to make or to find.
    """
    from gauntlet.datasets.simulate.vibration import drawn, simulate_xjtu

    return drawn(partial(simulate_xjtu, SPEC, CONDITIONS, HEADER), seed, scale)


def fetch(folder: Path, progress: bool = True) -> Path:  # noqa: ARG001
    """Never a path: the authors link six volumes on file hosts that want a browser.

    Raises:
        BadInput: always, with the page and where to put what it links to.
    """
    do = f"get part 1 to 6 from {_HOME}, unpack them with `bsdtar -xf` or 7-Zip, and put 35Hz12kN/ and the like here"
    raise BadInput(Path(folder), "XJTU-SY has no address that a program may fetch", do=do)


def _run(folder: Path, shaft_hz: float) -> Run | None:
    numbered = [path for path in folder.glob("*.csv") if path.stem.isdecimal()]
    if not numbered:
        return None
    files = in_order([(path, int(path.stem) * INTERVAL_S, None) for path in numbered])
    interval, gaps = spacing(files, INTERVAL_S)
    channels = (Channel("horizontal", folder.name), Channel("vertical", folder.name))
    return Run(
        "xjtu",
        folder.name,
        files,
        channels,
        RATE,
        shaft_hz,
        UER204,
        LAYOUT,
        interval,
        0.01,
        gaps,
        LOAD_N.get(folder.name[7:8]),
    )
