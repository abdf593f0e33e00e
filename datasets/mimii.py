"""MIMII: sounds of fans, pumps, slide rails and valves, normal and damaged, in factory noise at three levels.

6_dB_fan/fan/id_00/normal/00000000.wav     MIMII: 10 s, 16 kHz, 8 channels, WAVE_FORMAT_EXTENSIBLE
dev_data/slider/train/normal_id_00_….wav   DCASE 2020 task 2: the same recordings reworked, mono, split by the organisers
6dB/id_00_raw.csv                          features of every clip, as others publish them
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from datasets import sound_tables
from datasets._mimii_archives import fetch_archives
from datasets.errors import BadInput
from datasets.provenance import provenance
from datasets.sound_clip import Cell, Clip, Layout, SoundSet, snr_of
from datasets.sound_simulator import Draw, draw_name, write
from datasets.source import Simulation
from datasets.spec import Dataset

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
# Where real files of this kind may lie below the folder of all data sets, the most complete first.
HOMES = ("mimii", "mimii_fan_features", "dcase2020_task2")

_DCASE = re.compile(r"(normal|anomaly)_(id_\d\d)_(\d+)$")
_LABELS = {"normal": False, "abnormal": True}
_EXPECTED = "SNR/machine/id_00/normal/*.wav, dev_data/machine/train/normal_id_00_*.wav or 6dB/id_00_*.csv"


def read(path: Path) -> SoundSet:
    """What the folder holds, nothing decoded yet: clips of one layout or feature tables, sorted.

    Raises:
        BadInput: no such folder, no clip in any of the three layouts, or two of the layouts at once.
    """
    folder = Path(path).expanduser().absolute()
    if not folder.is_dir():
        raise BadInput(folder, "there is no such folder", expected=_EXPECTED, do="check --data")
    waves = sorted(found for found in folder.rglob("*") if found.suffix.lower() == ".wav")
    mimii = [clip for wave in waves if (clip := _mimii_clip(wave))]
    dcase = [clip for wave in waves if (clip := _dcase_clip(wave))]
    if mimii and dcase:
        raise BadInput(folder, "clips of two layouts", saw=f"{mimii[0].path.name} and {dcase[0].path.name}",
                       do="name the folder of one of them")  # fmt: skip
    clips = mimii or dcase
    if clips:
        return _clips(folder, "mimii" if mimii else "dcase", clips)
    if sound_tables.tables(folder):
        return sound_tables.read(folder)
    there = [str(one.relative_to(folder)) for one in waves[:2]] or sorted(one.name for one in folder.iterdir())[:4]
    raise BadInput(
        folder, "no clip of a machine in here", saw=", ".join(there) or "an empty folder", expected=_EXPECTED
    )


def simulate(folder: Path, seed: int = 7, scale: float = 1.0) -> Path:
    """MIMII's layout in `folder`, all four machines, two ids, three SNRs, with the record that it is simulated.

    Raises:
        BadInput: the folder cannot be written, or holds a file that is not simulated.
    """
    return write(folder, Draw(seed=seed).scaled(scale))


def simulation(seed: int = 7, scale: float = 1.0) -> Simulation:
    """The draw for `source.locate` to make or to find; `scale` is a factor on the number of clips per cell."""
    draw = Draw(seed=seed).scaled(scale)
    return Simulation(draw_name(draw), lambda folder: write(folder, draw))


def fetch(folder: Path, progress: bool = True, archives: tuple[str, ...] = ()) -> Path:
    """The publisher's archives in `folder`, each verified by its md5 and unpacked as `6_dB_fan/fan/id_00/…`.

    Args:
        archives: names such as `6_dB_fan`; empty for all twelve (100 GB).

    Raises:
        WrongHash: a download is not the published file.
        ServiceDown: the publisher does not answer.
        BadInput: an archive that is not there, or a folder that cannot be written.
    """
    return fetch_archives(folder, archives, progress)


def _mimii_clip(path: Path) -> Clip | None:
    if len(path.parts) < 4 or path.parent.name not in _LABELS or not path.parts[-3].startswith("id_"):
        return None
    digits = re.search(r"\d+", path.stem)
    cell = Cell(snr_of(path), path.parts[-4], path.parts[-3])
    return Clip(path, cell, _LABELS[path.parent.name], int(digits[0]) if digits else -1)


def _dcase_clip(path: Path) -> Clip | None:
    found = _DCASE.match(path.stem)
    if not found or path.parent.name not in ("train", "test"):
        return None
    cell = Cell("dcase", path.parts[-3], found[2])
    return Clip(path, cell, found[1] == "anomaly", int(found[3]), "train" if path.parent.name == "train" else "test")


def _clips(folder: Path, layout: Layout, clips: list[Clip]) -> SoundSet:
    clips.sort(key=lambda clip: (clip.cell, clip.abnormal, clip.part or "", clip.number, clip.path.name))
    rows = pd.DataFrame(
        {
            "file": [str(clip.path.relative_to(folder)) for clip in clips],
            "cell": [clip.cell.name for clip in clips],
            "abnormal": [clip.abnormal for clip in clips],
            "number": [clip.number for clip in clips],
            "part": [clip.part or "" for clip in clips],
        }
    )
    size = sum(clip.path.stat().st_size for clip in clips)
    return SoundSet(folder, layout, provenance(folder), rows, tuple(clips), (), size)
