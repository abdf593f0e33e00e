"""Which clips are learnt from and which are judged: the authors' split, DCASE's own, and folds by recording order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gauntlet.datasets.errors import BadInput

FEWEST_TRAINING = 16
FOLDS = 5


@dataclass(frozen=True, eq=False)
class CellSplit:
    """Positions of one cell's clips in the table: normal ones to learn from in recording order, and those to judge."""

    cell: str
    train: np.ndarray
    test: np.ndarray


@dataclass(frozen=True)
class Split:
    """The cells that can be judged, in order, and why the others cannot."""

    parts: tuple[CellSplit, ...]
    left_out: tuple[tuple[str, str], ...] = ()


def split(rows: pd.DataFrame, place: Path | None = None, fewest: int = FEWEST_TRAINING) -> Split:
    """The split of every cell.

    MIMII's authors sort the normal clips, put the first n to the test part, n being the number of abnormal clips, and
    train on the rest. DCASE 2020 comes split. `rows`: see `SoundSet.rows`, sorted by cell, label and number; `place`: the
    folder to name where nothing can be judged.

    Raises:
        BadInput: no cell can be judged; the line says what the first one lacks.
    """
    parts, left_out = [], []
    for cell, of_cell in rows.groupby("cell", sort=True):
        given = (of_cell["part"] != "").any()
        part = _publishers_split(str(cell), of_cell) if given else _authors_split(str(cell), of_cell)
        abnormal = rows["abnormal"].to_numpy()[part.test]
        if reason := _lacking(len(part.train), int((~abnormal).sum()), int(abnormal.sum()), len(of_cell), fewest):
            left_out.append((str(cell), reason))
        else:
            parts.append(part)
    if not parts:
        cell, reason = left_out[0] if left_out else ("any machine", "no usable clip")
        more = f" (and {len(left_out) - 1} more cells, none complete)" if len(left_out) > 1 else ""
        wanted = f"at least {fewest} normal clips to learn from, and normal and abnormal ones to judge, of one machine"
        raise BadInput(place, f"nothing to judge: {cell} has {reason}{more}", expected=wanted)
    return Split(tuple(parts), tuple(left_out))


def _authors_split(cell: str, rows: pd.DataFrame) -> CellSplit:
    normal, abnormal = rows.index[~rows["abnormal"]].to_numpy(), rows.index[rows["abnormal"]].to_numpy()
    count = len(abnormal)
    return CellSplit(cell, normal[count:], np.concatenate([normal[:count], abnormal]))


def _publishers_split(cell: str, rows: pd.DataFrame) -> CellSplit:
    train = rows.index[(rows["part"] == "train") & ~rows["abnormal"]].to_numpy()
    return CellSplit(cell, train, rows.index[rows["part"] == "test"].to_numpy())


def _lacking(train: int, normal: int, abnormal: int, clips: int, fewest: int) -> str:
    if clips == 1:
        return "one clip only"
    if not abnormal:
        return "no abnormal clips"
    if not normal:
        return "no normal clips to judge"
    if train < fewest:
        return f"{train} normal clips to learn from"
    return ""


def recording_folds(rows: pd.DataFrame, folds: int = FOLDS) -> np.ndarray:
    """The fold of each clip, 0 to folds - 1: consecutive clips of a machine and label go together, at all its SNRs.

    MIMII names no recording session. Clips are numbered in recording order, so that blocks of consecutive numbers keep
    sessions together but for those that straddle one of the `folds - 1` borders.
    """
    machine = rows["cell"].astype(str).str.split("/", n=1).str[1]
    keys = [machine, rows["abnormal"]]
    place = rows["number"].groupby(keys).rank(method="dense").to_numpy() - 1
    count = rows["number"].groupby(keys).transform("nunique").to_numpy()
    return (place * folds // count).astype(int)


def shuffled_folds(rows: pd.DataFrame, seed: int, folds: int = FOLDS) -> np.ndarray:
    """The fold of each clip, at random within machine and label, each recording at all its SNRs together."""
    machine = rows["cell"].astype(str).str.split("/", n=1).str[1]
    recording = machine + "|" + rows["abnormal"].astype(str) + "|" + rows["number"].astype(str)
    names = np.array(sorted(recording.unique()))
    fold_of_recording = np.random.default_rng(seed).permutation(len(names)) % folds
    return fold_of_recording[np.searchsorted(names, recording.to_numpy())]


def recording_groups(rows: pd.DataFrame, folds: int = FOLDS) -> np.ndarray:
    """The name of the block of consecutive recordings that a clip belongs to: what must not be on both sides of a split."""
    machine = rows["cell"].astype(str).str.split("/", n=1).str[1]
    label = np.where(rows["abnormal"], "abnormal", "normal")
    names = (machine + " " + label + " block ").to_numpy() + recording_folds(rows, folds).astype(str)
    return names.astype(str)  # not objects, which numpy compares one by one
