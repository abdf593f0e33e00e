"""Bad clips are set aside with their reason, many of them end the run, and a second run decodes nothing anew."""

import shutil

import numpy as np
import pytest

from gauntlet.datasets import mimii
from gauntlet.datasets.errors import TooManyBadFiles
from gauntlet.datasets.simulate.sound import SoundPlan, extensible_wav, write
from gauntlet.tasks.sound.bench import bench
from gauntlet.tasks.sound.featurize import table as module
from gauntlet.tasks.sound.featurize.table import sound_table

PLAN = SoundPlan(machines=("fan",), ids=("id_00",), snrs=(6,), normal=36, abnormal=4, channels=2, seconds=1)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    return write(tmp_path_factory.mktemp("simulated"), PLAN)


@pytest.fixture
def clips(simulated, tmp_path):
    return shutil.copytree(simulated, tmp_path / "clips")


def _normal(folder, number):
    return folder / "6_dB_fan" / "fan" / "id_00" / "normal" / f"{number:08d}.wav"


def test_two_bad_clips_of_forty_are_set_aside(clips):
    """A text named .wav and an empty file: listed with the reason, in the table neither."""
    _normal(clips, 5).write_text("not a sound")
    _normal(clips, 7).write_bytes(b"")
    table = sound_table(mimii.read(clips))
    assert [file.rsplit("/", 1)[1] for file, _ in table.quarantine] == ["00000005.wav", "00000007.wav"]
    assert "not a WAV" in table.quarantine[0][1]
    assert "empty" in table.quarantine[1][1]
    assert len(table.values) == len(table.rows) == 38
    assert not table.rows["file"].str.contains("00000005").any()
    assert list(table.rows.index) == list(range(38))


def test_mixed_rates_end_the_run_with_the_list(clips):
    """Three of forty at 44.1 kHz are past the limit of 5 %."""
    content = np.random.default_rng(0).integers(-99, 99, (1, 44_100)).astype("<i2")
    for number in (1, 2, 3):
        _normal(clips, number).write_bytes(extensible_wav(content, 44_100))
    with pytest.raises(TooManyBadFiles, match=r"3 of 40 files.*44,100 Hz") as caught:
        sound_table(mimii.read(clips))
    assert len(caught.value.quarantined) == 3


def test_second_run_decodes_only_what_changed(clips, tmp_path, monkeypatch):
    """From the cache bit for bit; a touched clip is read but its features are known; a new one is computed."""
    first = sound_table(mimii.read(clips), tmp_path / "cache")
    read, computed = [], []
    true_samples, true_features = module.samples, module.features
    monkeypatch.setattr(module, "samples", lambda *a: (read.append(a[0].name), true_samples(*a))[1])
    monkeypatch.setattr(module, "features", lambda *a: (computed.append(1), true_features(*a))[1])
    second = sound_table(mimii.read(clips), tmp_path / "cache")
    assert (read, computed, second.cached) == ([], [], 40)
    np.testing.assert_array_equal(first.values, second.values)
    assert first.data_hash == second.data_hash
    _normal(clips, 3).touch()
    shutil.copy(_normal(clips, 9), _normal(clips, 4))
    third = sound_table(mimii.read(clips), tmp_path / "cache")
    assert (sorted(read), computed) == (["00000003.wav", "00000004.wav"], [])
    assert third.data_hash != first.data_hash
    next((tmp_path / "cache").iterdir()).write_bytes(b"torn")
    np.testing.assert_array_equal(sound_table(mimii.read(clips), tmp_path / "cache").values, third.values)


def test_channels_have_caches_of_their_own(clips, tmp_path):
    """Another microphone is another content."""
    one = sound_table(mimii.read(clips), tmp_path / "cache", 0)
    other = sound_table(mimii.read(clips), tmp_path / "cache", 1)
    assert other.cached == 0
    assert not np.allclose(one.values, other.values)
    assert sound_table(mimii.read(clips), tmp_path / "cache", 1).cached == 40


def test_threads_change_nothing(clips):
    """One or four: the same table in the same order."""
    found = mimii.read(clips)
    one, four = sound_table(found, threads=1), sound_table(found, threads=4)
    np.testing.assert_array_equal(one.values, four.values)
    assert one.data_hash == four.data_hash


def test_the_benchmark_measures_every_method(simulated):
    """Same clips for each; ours is the faster one even on clips of one second."""
    rows = {row.method: row for row in bench(mimii.read(simulated).clips, files=2, rounds=2)}
    assert rows["librosa, channel 0"].ratio == 1.0
    assert rows["ours, channel 0"].ratio > 1.5
    assert rows["reading alone, channel 0"].ms < rows["ours, channel 0"].ms
