"""Archives of which the publisher states the md5: fetched, verified and unpacked, one at a time."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pooch

from gauntlet.datasets.errors import BadInput, WrongHash
from gauntlet.datasets.io.atomic import cannot_write, whole_folder
from gauntlet.datasets.io.fetch import download
from gauntlet.datasets.spec import RemoteFile


def fetch_archives(
    remote: Callable[[str], RemoteFile], md5: Mapping[str, str], folder: Path, names: tuple[str, ...], progress: bool
) -> Path:
    """The archives below `folder`, each removed once it is unpacked; all of `md5` where no names are given.

    Raises:
        WrongHash: a download is not the published file.
        ServiceDown: the publisher does not answer.
        BadInput: an archive that is not there, or a folder that cannot be written.
    """
    if unknown := [name for name in names if name not in md5]:
        raise BadInput(None, f"there is no archive {unknown[0]!r}", expected=", ".join(md5))
    for name in names or tuple(md5):
        target = Path(folder) / name
        if target.is_dir():
            continue
        archive = download(remote(name), Path(folder), progress=progress)
        verify(archive, md5[name])
        unpack(archive, target)
        archive.unlink()
    return Path(folder)


def verify(archive: Path, md5: str) -> None:
    """Nothing, when the archive's md5 is the published one; otherwise it is removed.

    Raises:
        WrongHash: with both hashes.
    """
    saw = pooch.file_hash(str(archive), alg="md5")
    if saw != md5:
        archive.unlink()
        raise WrongHash(archive, saw, md5, "md5")


def unpack(archive: Path, target: Path) -> None:
    """The archive's clips below `target`, whole or not at all.

    Raises:
        BadInput: not a whole zip, an entry that points out of the folder, or a full disk.
    """
    try:
        with zipfile.ZipFile(archive) as zipped, whole_folder(target) as scratch:
            for entry in zipped.namelist():
                if not (scratch / entry).resolve().is_relative_to(scratch.resolve()):
                    raise BadInput(archive, "an entry points out of the archive's folder", saw=entry)
            zipped.extractall(scratch)
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise BadInput(archive, f"not a whole zip archive ({error})", do="remove it and fetch it again") from None
    except OSError as error:
        raise cannot_write(target, error) from None
