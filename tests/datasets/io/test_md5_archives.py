"""An archive is unpacked whole after its md5 was compared, and nothing escapes from its folder."""

import hashlib
import zipfile

import pytest

from gauntlet.datasets import mimii
from gauntlet.datasets.errors import BadInput, WrongHash
from gauntlet.datasets.io import md5_archives


def _archive(path, entries):
    with zipfile.ZipFile(path, "w") as zipped:
        for name, content in entries.items():
            zipped.writestr(name, content)
    return path


def test_a_wrong_md5_names_both_and_removes_the_file(tmp_path):
    """So that the next call fetches it anew."""
    archive = _archive(tmp_path / "6_dB_fan.zip", {"fan/id_00/normal/00000000.wav": b"x"})
    saw = hashlib.md5(archive.read_bytes()).hexdigest()
    with pytest.raises(WrongHash, match=f"md5 {saw}.*md5 {'0' * 32}"):
        md5_archives.verify(archive, "0" * 32)
    assert not archive.exists()
    again = _archive(tmp_path / "6_dB_fan.zip", {"fan/id_00/normal/00000000.wav": b"x"})
    md5_archives.verify(again, hashlib.md5(again.read_bytes()).hexdigest())


def test_unpacked_below_the_archives_name(tmp_path):
    """As the reader wants it."""
    archive = _archive(tmp_path / "a.zip", {"fan/id_00/normal/00000000.wav": b"x"})
    md5_archives.unpack(archive, tmp_path / "6_dB_fan")
    found = mimii.read(tmp_path)
    assert [cell.name for cell in found.cells] == ["6dB/fan/id_00"]


@pytest.mark.parametrize("name", ["../outside.wav", "fan/../../outside.wav"])
def test_no_entry_leaves_the_folder(tmp_path, name):
    """Nothing is written at all."""
    archive = _archive(tmp_path / "a.zip", {name: b"x"})
    with pytest.raises(BadInput, match="points out"):
        md5_archives.unpack(archive, tmp_path / "in" / "6_dB_fan")
    assert not (tmp_path / "in" / "6_dB_fan").exists()
    assert not list(tmp_path.rglob("outside.wav"))


def test_a_torn_archive_and_an_unknown_name(tmp_path):
    """One line each, and no folder stays behind."""
    (tmp_path / "a.zip").write_bytes(b"PK not a zip")
    with pytest.raises(BadInput, match="not a whole zip"):
        md5_archives.unpack(tmp_path / "a.zip", tmp_path / "6_dB_fan")
    assert not (tmp_path / "6_dB_fan").exists()
    with pytest.raises(BadInput, match="6_dB_tractor"):
        mimii.fetch(tmp_path, archives=("6_dB_tractor",))


def test_the_twelve_archives():
    """Three SNRs by four machines, at the publisher."""
    assert len(mimii.MD5) == 12
    assert all(len(md5) == 32 for md5 in mimii.MD5.values())
    assert mimii.remote("-6_dB_fan").url == "https://zenodo.org/records/3384388/files/-6_dB_fan.zip?download=1"
