"""What a monitor is fed with: tables of features or levels, or a folder of raw snapshots in the publisher's layout."""

from __future__ import annotations

import hashlib
from pathlib import Path

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.provenance import provenance
from gauntlet.datasets.records.snapshot import Run
from gauntlet.tasks.loop.contract import InputFile
from gauntlet.tasks.loop.input_files import tables
from gauntlet.tasks.vibration.definition import VibrationGauntlet


def files(folder: Path, gauntlet: VibrationGauntlet) -> list[InputFile]:
    """The tables of a folder where it has any; otherwise its runs of raw snapshots, each as one input.

    Raises:
        BadInput: there is neither.
    """
    if not folder.is_dir() or any(folder.glob("*.[ct]sv")):
        return tables(folder)
    runs = gauntlet.module.runs(folder)
    if not runs:
        raise BadInput(folder, "nothing to score", expected="tables, or snapshots in the publisher's layout")
    return [InputFile(folder, _hash(run), provenance(folder), run.name) for run in runs]


def raw_run(file: InputFile, gauntlet: VibrationGauntlet) -> Run:
    """The run behind an input.

    Raises:
        BadInput: its snapshots bear no time, so that nobody knows where they belong.
    """
    run: Run = next(run for run in gauntlet.module.runs(file.path) if run.name == file.part)
    if run.files[0].time is None:
        do = "give a table with time, machine and features"
        raise BadInput(file.path, "these snapshots bear no time of day", saw=run.files[0].path.name, do=do)
    return run


def _hash(run: Run) -> str:
    """Over names and content, in order."""
    total = hashlib.sha256(run.name.encode())
    for file in run.files:
        total.update(file.path.name.encode() + hashlib.sha256(file.path.read_bytes()).digest())
    return total.hexdigest()
