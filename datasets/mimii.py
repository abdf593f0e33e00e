"""MIMII: sounds of fans, pumps, slide rails and valves, normal and damaged, in factory noise at three levels.

6_dB_fan/fan/id_00/normal/00000000.wav     MIMII: 10 s, 16 kHz, 8 channels, WAVE_FORMAT_EXTENSIBLE
dev_data/slider/train/normal_id_00_….wav   DCASE 2020 task 2: the same recordings reworked, mono, split by the organisers
6dB/id_00_raw.csv                          features of every clip, as others publish them
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pandas as pd

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.io import sound_tables
from gauntlet.datasets.io.md5_archives import fetch_archives
from gauntlet.datasets.provenance import provenance
from gauntlet.datasets.records.clip import Cell, Clip, Layout, Part, SoundSet, snr_of
from gauntlet.datasets.simulate.sound import SoundPlan, folder_name, write
from gauntlet.datasets.source import Simulation
from gauntlet.datasets.spec import Dataset, RemoteFile

SPEC = Dataset(
    name="mimii",
    title="MIMII: malfunctioning industrial machine investigation and inspection, public 1.0",
    homepage="https://zenodo.org/records/3384388",
    licence="CC BY-SA 4.0",
    citation=(
        "H. Purohit, R. Tanabe, K. Ichige, T. Endo, Y. Nikaido, K. Suefusa, Y. Kawaguchi, MIMII Dataset: Sound Dataset "
        "for Malfunctioning Industrial Machine Investigation and Inspection, DCASE Workshop 2019, arXiv:1909.09347"
    ),
    sensor_type="audio",
    marker="*/*",
)
_URL = "https://zenodo.org/records/3384388/files/{name}.zip?download=1"
# Zenodo states md5, and no sha256.
MD5 = {
    "-6_dB_fan": "f02ae808a58d84b6815b7ec38ff30879",
    "-6_dB_pump": "d20b783a0ff9c93d58f452f98c37b112",
    "-6_dB_slider": "49913eda7d37f182cbf8ed5c984140e0",
    "-6_dB_valve": "fdfaf185fea61b21e11952a070a4ada7",
    "0_dB_fan": "6354d1cc2165c52168f9ef1bcd9c7c52",
    "0_dB_pump": "488748295c3f60b25de07b58fe75b049",
    "0_dB_slider": "4d674c21474f0646ecd75546db6c0c4e",
    "0_dB_valve": "178478eb0d11c79080a35562bfdeee71",
    "6_dB_fan": "0890f7d3c2fd8448634e69ff1d66dd47",
    "6_dB_pump": "a09ba6060c10fc09cd4c8770213b0b9f",
    "6_dB_slider": "838c2b3441858359c4704ef13a1b27ff",
    "6_dB_valve": "fe5fb7c337cd701b1d31dc641e621892",
}
# Where real files of this kind may lie below the folder of all data sets, the most complete first.
HOMES = ("mimii", "mimii_fan_features", "dcase2020_task2")

_DCASE = re.compile(r"(normal|anomaly)_(id_\d\d)_(\d+)\.wav$", re.IGNORECASE)
_LABELS = {"normal": False, "abnormal": True}
_EXPECTED = "SNR/machine/id_00/normal/*.wav, dev_data/machine/train/normal_id_00_*.wav or 6dB/id_00_*.csv"


def read(path: Path) -> SoundSet:
    """What the folder holds, nothing decoded yet: clips of one layout or feature tables, sorted.

    Raises:
        BadInput: no such folder, no clip in any of the three layouts, or two of the layouts at once.
    """
    folder = Path(path).expanduser().absolute()
    if folder.is_file():
        raise BadInput(folder, "this is a file", expected="the folder of all clips", do="name its folder")
    if not folder.is_dir():
        raise BadInput(folder, "there is no such folder", expected=_EXPECTED, do="check --data")
    waves = _waves(folder)
    mimii = [clip for place, names in waves for clip in _mimii_clips(place, names)]
    dcase = [clip for place, names in waves for clip in _dcase_clips(place, names)]
    if mimii and dcase:
        names = f"{mimii[0].path.name} and {dcase[0].path.name}"
        raise BadInput(folder, "clips of two layouts", saw=names, do="name the folder of one of them")
    clips = mimii or dcase
    if clips:
        return _clips(folder, "mimii" if mimii else "dcase", clips)
    if sound_tables.tables(folder):
        return sound_tables.read(folder)
    waves_there = [str((place / names[0]).relative_to(folder)) for place, names in waves[:2]]
    there = waves_there or sorted(entry.name for entry in folder.iterdir())[:4]
    raise BadInput(
        folder, "no clip of a machine in here", saw=", ".join(there) or "an empty folder", expected=_EXPECTED
    )


def simulate(folder: Path, seed: int = 7, scale: float = 1.0) -> Path:
    """MIMII's layout in `folder`, four types of machine, two ids, three SNRs, with the record that it is simulated.

    Raises:
        BadInput: the folder cannot be written, or holds a file that is not simulated.
    """
    return write(folder, SoundPlan(seed=seed).scaled(scale))


def simulation(seed: int = 7, scale: float = 1.0) -> Simulation:
    """The clips for `source.locate` to make or to find; see `SoundPlan.scaled` for `scale`. 1: 1,200 clips, 0.6 GB."""
    plan = SoundPlan(seed=seed).scaled(scale)
    return Simulation(folder_name(plan), lambda folder: write(folder, plan))


def fetch(folder: Path, progress: bool = True, archives: tuple[str, ...] = ()) -> Path:
    """The publisher's archives in `folder`, each verified by its md5 and unpacked as `6_dB_fan/fan/id_00/…`.

    Args:
        archives: names such as `6_dB_fan`; empty for all twelve (100 GB).

    Raises:
        WrongHash: a download is not the published file.
        ServiceDown: the publisher does not answer.
        BadInput: an archive that is not there, or a folder that cannot be written.
    """
    return fetch_archives(remote, MD5, Path(folder), archives, progress)


def remote(name: str) -> RemoteFile:
    """The archive of this name."""
    return RemoteFile(f"{name}.zip", _URL.format(name=name))


def _waves(folder: Path) -> list[tuple[Path, list[str]]]:
    """(folder, names of its .wav files) of `folder` and all below it, in order; links to folders are not followed."""
    places = {
        Path(place): sorted(name for name in names if name.lower().endswith(".wav"))
        for place, _, names in os.walk(folder)
    }
    return sorted((place, names) for place, names in places.items() if names)


def _mimii_clips(place: Path, names: list[str]) -> list[Clip]:
    """The clips of a folder `SNR/machine/id_00/normal`; none of a folder of any other name."""
    if len(place.parts) < 4 or place.name not in _LABELS or not place.parent.name.startswith("id_"):
        return []
    cell = Cell(snr_of(place / "any.wav"), place.parts[-3], place.parent.name)
    numbers = (re.search(r"\d+", name) for name in names)
    return [
        Clip(place / name, cell, _LABELS[place.name], int(number[0]) if number else -1)
        for name, number in zip(names, numbers, strict=True)
    ]


def _dcase_clips(place: Path, names: list[str]) -> list[Clip]:
    """The clips of a folder `machine/train` or `machine/test`; none of a folder of any other name."""
    if place.name not in ("train", "test"):
        return []
    part: Part = "train" if place.name == "train" else "test"
    matches = ((name, _DCASE.match(name)) for name in names)
    return [
        Clip(place / name, Cell("dcase", place.parts[-2], match[2]), match[1] == "anomaly", int(match[3]), part)
        for name, match in matches
        if match
    ]


def _clips(folder: Path, layout: Layout, clips: list[Clip]) -> SoundSet:
    clips.sort(key=lambda clip: (clip.cell, clip.abnormal, clip.part or "", clip.number, clip.path.name))
    rows = pd.DataFrame(
        {
            "file": [str(clip.path)[len(str(folder)) + 1 :] for clip in clips],
            "cell": [clip.cell.name for clip in clips],
            "abnormal": [clip.abnormal for clip in clips],
            "number": [clip.number for clip in clips],
            "part": [clip.part or "" for clip in clips],
        }
    )
    size = sum(clip.path.stat().st_size for clip in clips)
    return SoundSet(folder, layout, provenance(folder), rows, tuple(clips), (), size)
