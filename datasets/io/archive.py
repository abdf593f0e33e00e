"""Archives in formats that Python does not read (7z, rar), unpacked by a program of the system."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.io.atomic import whole_folder
from gauntlet.datasets.io.fetch import download
from gauntlet.datasets.source import holds
from gauntlet.datasets.spec import Dataset

_PROGRAMS = {
    "bsdtar": lambda archive, folder: ["bsdtar", "-xf", str(archive), "-C", str(folder)],
    "7z": lambda archive, folder: ["7z", "x", "-y", f"-o{folder}", str(archive)],
    "7zz": lambda archive, folder: ["7zz", "x", "-y", f"-o{folder}", str(archive)],
}
SUFFIXES = (".zip", ".7z", ".rar")


def unpack(archive: Path, folder: Path) -> None:
    """The files of an archive in `folder`, archives inside of it unpacked in their places and removed.

    Raises:
        BadInput: no program that can, or the archive is damaged.
    """
    program = next((name for name in _PROGRAMS if shutil.which(name)), None)
    if program is None:
        do = f"install libarchive-tools (bsdtar) or 7zip, or unpack it by hand into {folder}"
        raise BadInput(archive, "no program here unpacks this archive", do=do)
    folder.mkdir(parents=True, exist_ok=True)
    answer = subprocess.run(_PROGRAMS[program](archive, folder), capture_output=True, text=True, check=False)
    if answer.returncode:
        said = (answer.stderr or answer.stdout).strip().splitlines() or ["no message"]
        raise BadInput(archive, f"{program} cannot unpack it", saw=said[-1], do="remove it and fetch it again")
    for inner in sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path != archive):
        unpack(inner, inner.parent)
        inner.unlink()


def fetch_archive(spec: Dataset, folder: Path, progress: bool = True) -> Path:
    """`folder` with the set's first file downloaded and unpacked; nothing is sent when the set is there already.

    Raises:
        WrongHash, ServiceDown, BadInput: as `fetch.download` and `unpack`.
    """
    if holds(folder, spec):
        return folder
    archive = download(spec.files[0], folder.parent / f"{spec.name}-download", progress=progress)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
    with whole_folder(folder) as scratch:
        unpack(archive, scratch)
        _lift(scratch, spec)
    return folder


def _lift(folder: Path, spec: Dataset) -> None:
    """Move what an archive wrapped in a folder of its own up to where the publisher's layout begins."""
    if holds(folder, spec):
        return
    inner = next((path.parent for path in sorted(folder.rglob(spec.marker))), None)
    if inner is None:
        raise BadInput(folder, f"the archive does not hold {spec.name}", expected=spec.marker)
    for entry in list(inner.iterdir()):
        entry.rename(folder / entry.name)
