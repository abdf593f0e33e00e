"""Files and folders that appear whole or not at all: written beside their place, then moved into it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gauntlet.datasets.errors import BadInput


def write_whole(file: Path, content: bytes, mode: int = 0o644) -> Path:
    """`file`, which now holds `content` with these permissions; its folder is made where needed.

    Raises:
        BadInput: the folder cannot be written, or the disk is full; a file that was there before is untouched.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=file.parent, prefix=f".{file.name}.", delete=False) as scratch:
            part = Path(scratch.name)
            try:
                scratch.write(content)
                scratch.close()
                part.chmod(mode)  # a temporary file is private to its user, a data file is not
                part.replace(file)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise cannot_write(file, error) from None
    return file


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A scratch folder that takes the place of `folder` when the block ends well and disappears when it does not.

    Whoever comes second in a race finds the folder of the first in place and keeps that one: contents are taken to be
    determined by the name.

    Raises:
        BadInput: the parent folder cannot be written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    except OSError as error:
        raise cannot_write(folder, error) from None
    try:
        yield scratch
        scratch.chmod(0o755)
        try:
            scratch.rename(folder)
        except OSError as error:
            if not folder.is_dir() or not any(folder.iterdir()):
                raise cannot_write(folder, error) from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def cannot_write(place: Path, error: OSError) -> BadInput:
    """The error to raise for an OSError met while writing `place`."""
    why = os.strerror(error.errno) if error.errno else str(error)
    return BadInput(place, f"cannot be written ({why})", do="free the place or name another folder")
