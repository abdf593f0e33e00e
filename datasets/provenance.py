"""Whether files are real or simulated, written beside simulated ones so that it travels with their folder."""

from __future__ import annotations

import json
from pathlib import Path

from gauntlet.datasets.io.atomic import write_whole
from gauntlet.datasets.spec import Provenance

RECORD = "SIMULATED.json"


def mark_simulated(folder: Path, generator: str, version: int, **drawn: object) -> Path:
    """The record that `folder` holds simulated files: which generator, its version, and what the draw depends on.

    Raises:
        BadInput: the folder cannot be written.
    """
    record = {"generator": generator, "version": version, **drawn, "note": "Simulated. Not measured on any machine."}
    return write_whole(folder / RECORD, (json.dumps(record, indent=1) + "\n").encode())


def provenance(place: Path) -> Provenance:
    """`simulated` where the folder, or the file's folder, bears the record, whatever else is in it; otherwise `real`."""
    folder = place if place.is_dir() else place.parent
    return "simulated" if (folder / RECORD).exists() else "real"
