"""What a monitor is fed with: tables of features or levels, or a folder of raw snapshots in the publisher's layout."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.provenance import provenance
from gauntlet.datasets.records.snapshot import Run
from gauntlet.tasks.loop import input_files
from gauntlet.tasks.loop.contract import InputFile
from gauntlet.tasks.loop.input_files import changed_ns, stamp_of, tables
from gauntlet.tasks.vibration.definition import VibrationGauntlet
from gauntlet.tasks.vibration.online.monitor import TIME


def files(folder: Path, gauntlet: VibrationGauntlet) -> list[InputFile]:
    """The tables of a folder where it has any; otherwise its runs of raw snapshots, each as one input. By the time of their
    first row, whatever they are called.

    Raises:
        BadInput: there is neither.
    """
    if not folder.is_dir() or any(folder.glob("*.[ct]sv")):
        timed = [replace(file, begins_s=_begins(file.path)) for file in tables(folder)]
    else:
        timed = [
            InputFile(folder, provenance(folder), run.name, stamp_of_run(run), run.files[0].time.timestamp())
            if run.files[0].time is not None
            else InputFile(folder, provenance(folder), run.name, stamp_of_run(run))
            for run in gauntlet.module.runs(folder)
        ]
    if not timed:
        raise BadInput(folder, "nothing to score", expected="tables, or snapshots in the publisher's layout")
    return sorted(timed, key=lambda file: file.begins_s)


def take(file: InputFile, gauntlet: VibrationGauntlet) -> InputFile:
    """The file with its content; of a run of raw snapshots the hash over names and content, in order.

    Raises:
        StillWritten: it is not whole yet.
    """
    if not file.part:
        return input_files.take(file)
    run = _run(file, gauntlet)
    total = hashlib.sha256(run.name.encode())
    for one in run.files:
        total.update(one.path.name.encode() + hashlib.sha256(one.path.read_bytes()).digest())
    check_stamp(file, run)
    return replace(file, sha256=total.hexdigest())


def raw_run(file: InputFile, gauntlet: VibrationGauntlet) -> Run:
    """The run behind an input.

    Raises:
        BadInput: its snapshots bear no time, so that nobody knows where they belong.
    """
    run = _run(file, gauntlet)
    if run.files[0].time is None:
        do = "give a table with time, machine and features"
        raise BadInput(file.path, "these snapshots bear no time of day", saw=run.files[0].path.name, do=do)
    return run


def stamp_of_run(run: Run) -> tuple[object, ...]:
    """When the newest snapshot was changed [ns since 1970], and the stamps of all."""
    stamps = tuple((one.path.name, stamp_of(one.path)) for one in run.files)
    return max((changed_ns(stamp) for _, stamp in stamps), default=0), stamps


def check_stamp(file: InputFile, run: Run) -> None:
    """Nothing, where the snapshots are those that were listed.

    Raises:
        StillWritten: one has changed since, or has come.
    """
    if stamp_of_run(run) != file.stamp:
        raise input_files.changed(file)


def _run(file: InputFile, gauntlet: VibrationGauntlet) -> Run:
    run: Run | None = next((run for run in gauntlet.module.runs(file.path) if run.name == file.part), None)
    if run is None:
        raise input_files.changed(file)
    return run


def _begins(path: Path) -> float:
    """The time of the first row [s since 1970], 0 where it cannot be told: the reader says why."""
    try:
        with path.open("rb") as opened:
            head = io.BytesIO(opened.readline() + opened.readline())
        row = pd.read_csv(head, sep="\t" if path.suffix == ".tsv" else ",")
        first = row[TIME].iloc[0] if TIME in row else row.iloc[0, 0]
        return float(first) if isinstance(first, float | np.number) else pd.Timestamp(str(first)).timestamp()
    except (OSError, ValueError, LookupError, TypeError):
        return 0.0
