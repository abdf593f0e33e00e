"""What every sound set is read into: clips of machines, each with its cell, its label and its place in the recording."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pandas as pd

from gauntlet.datasets.spec import Provenance

Layout = Literal["mimii", "dcase", "tables"]
Part = Literal["train", "test"]
MACHINES = ("fan", "pump", "slider", "valve")

_SNR = re.compile(r"(?i)(min|-)?(\d+)_?dB(?![a-z])")


@dataclass(frozen=True, order=True)
class Cell:
    """What one detector is for: one machine (type and id) at one signal-to-noise ratio."""

    snr: str
    machine: str
    id: str

    @property
    def name(self) -> str:
        """`6dB/fan/id_00`: the value of the column `cell` in every feature table."""
        return f"{self.snr}/{self.machine}/{self.id}"

    @classmethod
    def of(cls, name: str) -> Cell:
        """The cell of this name."""
        return cls(*name.split("/"))


@dataclass(frozen=True)
class Clip:
    """One recording. `number`: its place in the recording order of its machine and label. `part` None: no given split."""

    path: Path
    cell: Cell
    abnormal: bool
    number: int
    part: Part | None = None


@dataclass(frozen=True, eq=False)
class SoundSet:
    """A folder of clips, or of feature tables made of clips by somebody else.

    `rows`: one per clip in the order cell, label, number: file, cell, abnormal (bool), number, part ("", train, test);
    of feature tables with the columns `features` behind them. `clips`: the files to be read, in the order of `rows`.
    """

    path: Path
    layout: Layout
    source: Provenance
    rows: pd.DataFrame
    clips: tuple[Clip, ...] = ()
    features: tuple[str, ...] = ()
    bytes: int = 0
    quarantined: tuple[tuple[str, str], ...] = field(default=())

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The cells, sorted."""
        return tuple(sorted({Cell.of(name) for name in self.rows["cell"].unique()}))

    @property
    def size(self) -> str:
        """One line on what the folder holds."""
        what = {
            "mimii": "8-channel clips in MIMII's layout",
            "dcase": "clips in the layout of DCASE 2020 task 2",
            "tables": f"tables of {len(self.features)} features per clip",
        }[self.layout]
        normal, abnormal = int((~self.rows["abnormal"]).sum()), int(self.rows["abnormal"].sum())
        return f"{what}: {len(self.cells)} cells, {normal:,} normal and {abnormal:,} abnormal clips"


def snr_of(path: Path) -> str:
    """`-6dB` of `-6_dB_fan/…`, `min6dB/…` or `-6dB/…`, from the nearest folder that says it; otherwise `unknown`."""
    for part in reversed(path.parts[:-1]):
        if match := _SNR.search(part):
            return f"{'-' if match[1] and match[2] != '0' else ''}{int(match[2])}dB"
    return "unknown"
