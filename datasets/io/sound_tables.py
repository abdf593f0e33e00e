"""Tables of features per clip, one per SNR and machine id, as others publish them: `6dB/id_00_raw.csv`.

In the published tables label 1 is *normal*: 1,011 of 1,418 clips of fan id_00, as in MIMII itself.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np
import pandas as pd

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.provenance import provenance
from gauntlet.datasets.records.clip import MACHINES, Cell, SoundSet, snr_of

_ID = re.compile(r"(id_\d\d)")
KEYS = ("filename", "label")
NORMAL = {"1": False, "0": True, "normal": False, "abnormal": True, "anomaly": True}


def tables(folder: Path) -> list[Path]:
    """The files in `folder` that are named as such tables are."""
    return sorted(path for path in folder.rglob("*.csv") if _ID.search(path.stem) and snr_of(path) != "unknown")


def read(folder: Path) -> SoundSet:
    """All tables of the folder as one; rows with a gap or an infinity are quarantined, constant columns dropped.

    Raises:
        BadInput: a table lacks the label or the file name, is not numeric, or differs from the others in its columns.
    """
    files = tables(folder)
    frames: list[pd.DataFrame] = []
    bad: list[tuple[str, str]] = []
    for path in files:
        frame, unusable = _table(path)
        if frames and list(frame.columns) != list(frames[0].columns):
            differing = sorted(set(frame.columns) ^ set(frames[0].columns))
            raise BadInput(path, "other columns than in the first table", saw=", ".join(map(str, differing[:3])))
        frames.append(frame)
        bad += unusable
    rows = pd.concat(frames, ignore_index=True)
    features = [name for name in rows.columns if name not in ("file", "cell", "abnormal", "number", "part")]
    varying = tuple(name for name in features if rows[name].nunique() > 1)
    rows = rows[["file", "cell", "abnormal", "number", "part", *varying]]
    size = sum(path.stat().st_size for path in files)
    return SoundSet(folder, "tables", provenance(folder), rows, (), varying, size, tuple(bad))


def content_hash(folder: Path) -> str:
    """sha256 over the tables' contents in order."""
    summary = hashlib.sha256()
    for path in tables(folder):
        summary.update(path.read_bytes())
    return summary.hexdigest()


def _table(path: Path) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    try:
        frame = pd.read_csv(path, encoding="utf-8-sig", skipinitialspace=True)
    except (ValueError, OSError) as error:
        raise BadInput(path, f"not a table ({error})", expected="comma-separated values with a header") from None
    missing = [key for key in KEYS if key not in frame]
    if missing:
        raise BadInput(path, f"there is no column {missing[0]!r}", expected=f"{', '.join(KEYS)} and features")
    words = frame["label"].astype(str).str.strip().str.lower().str.removesuffix(".0")
    unknown = ~words.isin(list(NORMAL))
    if unknown.any():
        row = int(np.flatnonzero(unknown)[0])
        raise BadInput(
            path, "not a label", row=row + 2, column="label", saw=words[row], expected="1 normal, 0 abnormal"
        )
    abnormal = words.map(NORMAL).astype(bool)
    if abnormal.mean() > 0.5:
        raise BadInput(
            path,
            f"{abnormal.mean():.0%} of the clips are labelled abnormal",
            column="label",
            expected="1 for normal clips, which are the majority",
            do="check which way round the labels are",
        )
    features = frame.drop(columns=list(KEYS))
    numbers = features.apply(pd.to_numeric, errors="coerce").replace([np.inf, -np.inf], np.nan).astype(float)
    whole = numbers.notna().all(axis=1)
    if not whole.any():
        raise BadInput(path, "no row is all numbers", expected="numbers in every feature column")
    name = frame["filename"].astype(str)
    bad = [(f"{path.name}:{name[row]}", f"line {row + 2}: not a finite number") for row in np.flatnonzero(~whole)]
    machine = next((m for m in MACHINES for part in reversed(path.parts) if m in part.lower()), "machine")
    match = _ID.search(path.stem)
    cell = Cell(snr_of(path), machine, match[1] if match else path.stem)
    digits = name.str.extract(r"(\d+)\.?\w*$")[0]
    keys = pd.DataFrame(
        {
            "file": [f"{cell.name}/{'abnormal' if a else 'normal'}/{n}" for a, n in zip(abnormal, name, strict=True)],
            "cell": cell.name,
            "abnormal": abnormal,
            "number": pd.to_numeric(digits, errors="coerce").fillna(-1).astype(int),
            "part": "",
        }
    )
    if keys["file"][whole].duplicated().any():
        twice = keys["file"][whole][keys["file"][whole].duplicated()].iloc[0]
        raise BadInput(path, "a clip is there twice", column="filename", saw=twice)
    both = pd.concat([keys, numbers], axis=1)[whole]
    return both.sort_values(["abnormal", "number"], kind="stable").reset_index(drop=True), bad
