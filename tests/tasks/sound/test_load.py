"""What cannot be judged is refused or passed over with the reason, and real is never made of simulated."""

from dataclasses import replace

import numpy as np
import pytest

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.simulate.sound import SoundPlan, extensible_wav, write
from gauntlet.tasks.sound.gauntlets import MIMII
from gauntlet.tasks.sound.load import load


def _folder(tmp_path, normal, abnormal):
    rng = np.random.default_rng(0)
    for label, count in (("normal", normal), ("abnormal", abnormal)):
        for number in range(count):
            place = tmp_path / "data" / "6_dB_fan" / "fan" / "id_00" / label / f"{number:08d}.wav"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(extensible_wav(rng.integers(-99, 99, (1, 16_000)).astype("<i2"), 16_000))
    return tmp_path / "data"


@pytest.mark.parametrize(
    ("normal", "abnormal", "words"),
    [(20, 0, "no abnormal clips"), (1, 0, "one clip only"), (12, 10, "2 normal clips to learn from")],
)
def test_a_folder_that_cannot_be_judged_is_refused_before_any_work(tmp_path, request_of, normal, abnormal, words):
    """In one line."""
    folder = _folder(tmp_path, normal, abnormal)
    with pytest.raises(BadInput, match=words) as caught:
        load(MIMII, request_of(MIMII, folder, root=tmp_path))
    assert str(folder) in str(caught.value)


def test_real_is_not_made_of_simulated(tmp_path, request_of):
    """`--source real` with simulated files, or without any; auto simulates and says so."""
    simulated = write(
        tmp_path / "simulated", SoundPlan(machines=("fan",), ids=("id_00",), snrs=(6,), channels=1, seconds=1)
    )
    with pytest.raises(BadInput, match="real files are wanted, these are simulated"):
        load(MIMII, request_of(MIMII, simulated, "real", root=tmp_path))
    with pytest.raises(BadInput, match="real files of mimii are wanted"):
        load(MIMII, replace(request_of(MIMII, tmp_path / "empty", "real"), data=None))
    assert load(MIMII, request_of(MIMII, simulated, root=tmp_path)).sounds.source == "simulated"


def test_what_cannot_be_judged_is_passed_over_and_said(tmp_path, request_of):
    """A root with two clips of mimii and a whole other set: the other one is taken, and the first named."""
    folder = _folder(tmp_path, 2, 0)
    root = tmp_path / "root"
    root.mkdir()
    folder.rename(root / "mimii")
    write(root / "dcase2020_task2", SoundPlan(machines=("fan",), ids=("id_00",), snrs=(6,), channels=1, seconds=1))
    loaded = load(MIMII, replace(request_of(MIMII, root), data=None))
    assert loaded.sounds.path == root / "dcase2020_task2"
    assert "no abnormal clips" in loaded.passed_over[0]
