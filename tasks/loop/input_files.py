"""The tables in a folder that are to be scored, known by their content."""

from __future__ import annotations

import hashlib
from pathlib import Path

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.provenance import provenance
from gauntlet.tasks.loop.contract import InputFile


def tables(folder: Path) -> list[InputFile]:
    """The CSV and TSV files of a folder in the order of their names, or the one file; also those that cannot be read.

    Raises:
        BadInput: there is none.
    """
    if not folder.exists():
        raise BadInput(folder, "there is no such folder or file", do="check --data")
    files = sorted(folder.glob("*.[ct]sv")) if folder.is_dir() else [folder]
    if not files:
        raise BadInput(folder, "no table to score", expected="files that end in .csv or .tsv")
    return [_known(file) for file in files]


def _known(file: Path) -> InputFile:
    try:
        return InputFile(file, hashlib.sha256(file.read_bytes()).hexdigest(), provenance(file))
    except OSError as error:
        name = hashlib.sha256(f"name {file}".encode()).hexdigest()
        return InputFile(file, name, provenance(file), fault=error.strerror or type(error).__name__)
