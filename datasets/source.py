"""Where a run's files come from: a folder that the user names, real files that are there, or a simulation.

--data DIR                    that folder, real or simulated by what it says of itself
auto                          ROOT/NAME if it holds the set, otherwise simulated once and kept
real                          ROOT/NAME, or one line that says how to get it
simulated                     ROOT/NAME-simulated/DRAW, drawn once and kept
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.io.atomic import cannot_write, whole_folder
from gauntlet.datasets.provenance import RECORD, provenance
from gauntlet.datasets.spec import Dataset, Provenance, Source


@dataclass(frozen=True)
class Simulation:
    """A draw not yet made: `write(folder)` writes the files and the record; equal `draw` means equal files."""

    draw: str
    write: Callable[[Path], object]


@dataclass(frozen=True)
class Located:
    """Where a set is, and what it is. Whoever reads the files may learn more: a reader's own `source` wins."""

    path: Path
    source: Provenance


def locate(spec: Dataset, source: Source, data: Path | None, root: Path, simulation: Simulation) -> Located:
    """The place of the set that a run is to read.

    Args:
        data: what the user named with `--data`: a folder, or one file in it.
        root: the folder of all data sets, one folder each.

    Raises:
        BadInput: the named folder lacks the set, or is not what `source` asks for; `real` without files; a simulation
            that cannot be written.
    """
    if data is not None:
        return _named(spec, source, data.expanduser().absolute())
    homes = [root / name for name in spec.folders]
    home = next((place for place in homes if holds(place, spec)), homes[0])
    if source != "simulated" and holds(home, spec):
        found = provenance(home)
        if found == "real" or source == "auto":
            return Located(home, found)
    if source == "real":
        there = "only simulated files" if holds(home, spec) else f"no file {spec.marker}"
        raise BadInput(
            home,
            f"real files of {spec.name} are wanted",
            saw=there,
            do=f"run `gauntlet data get {spec.name}`, or name their folder with --data DIR",
        )
    return Located(_simulated(spec, root / f"{spec.name}-simulated" / simulation.draw, simulation), "simulated")


def read_located(module: Any, source: Source, data: Path | None, root: Path, seed: int) -> Any:
    """The table of a set in one file, read where a run is to read it. `module`: of the set, with SPEC, simulation and read.

    Raises:
        BadInput: as `locate` and the reader; or the rows are not what `source` asks for, whatever lies beside them.
    """
    table = module.read(locate(module.SPEC, source, data, root, module.simulation(seed)).path)
    if source not in ("auto", table.source):
        wanted = f"{source} data are wanted, these rows are {table.source}"
        raise BadInput(table.path, wanted, do="check --source and --data")
    return table


def holds(folder: Path, spec: Dataset) -> bool:
    """True for a folder with at least one entry that the set's marker fits.

    Raises:
        BadInput: the folder may not be listed.
    """
    try:
        return folder.is_dir() and os.access(folder, os.R_OK | os.X_OK) and any(folder.glob(spec.marker))
    except OSError as error:
        raise BadInput(folder, f"the folder cannot be listed ({error.strerror})", do="allow reading it") from None


def _named(spec: Dataset, source: Source, data: Path) -> Located:
    if not data.exists():
        raise BadInput(data, "there is no such folder", expected=f"a folder of {spec.name}", do="check --data")
    if data.is_dir() and not os.access(data, os.R_OK | os.X_OK):
        raise BadInput(data, "the folder may not be listed", do="allow reading it")
    if data.is_dir() and not holds(data, spec):
        there = sorted(entry.name for entry in data.iterdir())
        saw = ", ".join(repr(name) for name in there[:5]) + (f" and {len(there) - 5} more" if len(there) > 5 else "")
        raise BadInput(
            data,
            f"the folder does not hold {spec.name}",
            saw=saw or "an empty folder",
            expected=spec.marker,
            do="name the folder that holds the files",
        )
    found = provenance(data)
    if source not in ("auto", found):
        told = f"{RECORD} beside them" if found == "simulated" else f"no {RECORD} beside them"
        raise BadInput(
            data, f"{source} files are wanted, these are {found}", saw=told, do="leave out --source or --data"
        )
    return Located(data, found)


def _simulated(spec: Dataset, folder: Path, simulation: Simulation) -> Path:
    """The folder of the draw: the one that is there when it is whole, otherwise drawn now."""
    if not (holds(folder, spec) and (folder / RECORD).is_file()):
        try:
            if folder.exists():
                shutil.rmtree(folder)  # below NAME-simulated/, so ours: somebody removed a part of it
        except OSError as error:
            raise cannot_write(folder, error) from None
        with whole_folder(folder) as scratch:
            simulation.write(scratch)
    return folder
