"""The publisher's twelve archives: name, size and md5 as Zenodo record 3384388 states them, fetched and unpacked."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pooch

from gauntlet.datasets.errors import BadInput, WrongHash
from gauntlet.datasets.io.atomic import cannot_write, whole_folder
from gauntlet.datasets.io.fetch import download
from gauntlet.datasets.spec import RemoteFile

_URL = "https://zenodo.org/records/3384388/files/{name}.zip?download=1"
# Zenodo states md5, and no sha256.
MD5 = {
    "-6_dB_fan": "f02ae808a58d84b6815b7ec38ff30879",
    "-6_dB_pump": "d20b783a0ff9c93d58f452f98c37b112",
    "-6_dB_slider": "49913eda7d37f182cbf8ed5c984140e0",
    "-6_dB_valve": "fdfaf185fea61b21e11952a070a4ada7",
    "0_dB_fan": "6354d1cc2165c52168f9ef1bcd9c7c52",
    "0_dB_pump": "488748295c3f60b25de07b58fe75b049",
    "0_dB_slider": "4d674c21474f0646ecd75546db6c0c4e",
    "0_dB_valve": "178478eb0d11c79080a35562bfdeee71",
    "6_dB_fan": "0890f7d3c2fd8448634e69ff1d66dd47",
    "6_dB_pump": "a09ba6060c10fc09cd4c8770213b0b9f",
    "6_dB_slider": "838c2b3441858359c4704ef13a1b27ff",
    "6_dB_valve": "fe5fb7c337cd701b1d31dc641e621892",
}


def remote(name: str) -> RemoteFile:
    """The archive of this name."""
    return RemoteFile(f"{name}.zip", _URL.format(name=name))


def fetch_archives(folder: Path, names: tuple[str, ...] = (), progress: bool = True) -> Path:
    """See `mimii.fetch`. One archive at a time, removed once unpacked: the twelve are 100 GB."""
    if unknown := [name for name in names if name not in MD5]:
        raise BadInput(None, f"there is no archive {unknown[0]!r}", expected=", ".join(MD5))
    for name in names or tuple(MD5):
        target = Path(folder) / name
        if target.is_dir():
            continue
        archive = download(remote(name), Path(folder), progress=progress)
        verify(archive, MD5[name])
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
