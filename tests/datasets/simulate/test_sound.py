"""What is simulated is what was asked for: format, noise ratios, sessions, and the same bytes again."""

import json

import numpy as np
import pytest
import soundfile

from gauntlet.datasets import mimii
from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.simulate import sound_signal
from gauntlet.datasets.simulate.sound import SoundPlan, extensible_wav, session_of, write

SMALL = SoundPlan(
    machines=("pump",), ids=("id_02",), snrs=(6,), normal=4, abnormal=2, sessions=2, fault_sessions=1, seconds=1
)


def test_equal_plans_are_equal_bytes(tmp_path):
    """And another seed is another sound."""
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        write(tmp_path / name, SoundPlan(**{**SMALL.__dict__, "seed": seed}))
    content = {
        name: [file.read_bytes() for file in sorted((tmp_path / name).rglob("*.wav"))] for name in ("a", "b", "c")
    }
    assert content["a"] == content["b"]
    assert all(one != other for one, other in zip(content["a"], content["c"], strict=True))


def test_the_format_is_mimiis(tmp_path):
    """8 channels, 16 kHz, 16 bit, extensible, and the record that it is simulated."""
    write(tmp_path, SMALL)
    info = soundfile.info(tmp_path / "6_dB_pump" / "pump" / "id_02" / "abnormal" / "00000001.wav")
    assert (info.channels, info.samplerate, info.subtype, info.format) == (8, 16_000, "PCM_16", "WAVEX")
    assert json.loads((tmp_path / "SIMULATED.json").read_text())["seed"] == 7
    assert mimii.read(tmp_path).source == "simulated"


@pytest.mark.parametrize("snr", [6, 0, -6])
@pytest.mark.parametrize("machine", sound_signal.MACHINES)
def test_the_noise_ratio_is_the_stated_one(machine, snr):
    """Power of the machine in order over power of the noise, within 1.5 dB of the stated ratio, clip by clip."""
    rng = np.random.default_rng(1)
    model = sound_signal.model(machine, "id_00")
    ratios = []
    for _ in range(6):
        sound = sound_signal.machine_sound(model, 48_000, rng, None)
        noise = 10 ** (-snr / 20) * sound_signal.factory_noise(48_000, rng)
        ratios.append(10 * np.log10(np.mean(sound**2) / np.mean(noise**2)))
    assert np.mean(ratios) == pytest.approx(snr, abs=1.5)


def test_a_session_colours_by_the_stated_decibels():
    """The gain of a session's filter, found again from what it does to white noise."""
    rng = np.random.default_rng(3)
    filter_ = sound_signal.colour(rng, 3.0)
    white = rng.standard_normal(320_000)
    heard = sound_signal.coloured(white, filter_)
    frequency = np.fft.rfftfreq(len(white), 1 / sound_signal.RATE)
    gain = 20 * np.log10(np.abs(np.fft.rfft(heard)) / np.abs(np.fft.rfft(white)))
    for knot, wanted in zip(*filter_, strict=True):
        assert np.interp(knot, frequency, gain) == pytest.approx(wanted, abs=0.05)
    drawn = np.array([sound_signal.colour(rng, 3.0)[1] for _ in range(400)])
    assert drawn.std() == pytest.approx(3.0, rel=0.05)


def test_sessions_follow_one_another():
    """Ten clips over four sessions, in order, none empty."""
    sessions = [session_of(number, 10, 4) for number in range(10)]
    assert sessions == sorted(sessions)
    assert set(sessions) == {0, 1, 2, 3}


@pytest.mark.parametrize("machine", sound_signal.MACHINES)
def test_every_fault_can_be_heard(machine):
    """Each fault changes the sound of the same draw by more than a twentieth of its power."""
    model = sound_signal.model(machine, "id_00")
    sound = sound_signal.machine_sound(model, 32_000, np.random.default_rng(5), None)
    for fault in sound_signal.FAULTS[machine]:
        damaged = sound_signal.machine_sound(model, 32_000, np.random.default_rng(5), fault)
        assert np.mean((damaged - sound) ** 2) > 0.05 * np.mean(sound**2), fault


def test_real_files_are_not_mixed_with_simulated_ones(tmp_path):
    """A folder that holds anything else is left alone."""
    (tmp_path / "mine.wav").write_bytes(extensible_wav(np.ones((1, 10), "<i2"), 16_000))
    with pytest.raises(BadInput, match="not simulated"):
        write(tmp_path, SMALL)
    with pytest.raises(BadInput, match="cannot simulate"):
        write(tmp_path / "new", SoundPlan(normal=0))


@pytest.mark.parametrize(("scale", "machines", "normal"), [(0.01, 1, 40), (0.5, 2, 40), (1.0, 4, 40), (3.0, 4, 120)])
def test_scale_changes_machines_first_then_clips(scale, machines, normal):
    """A small set is of fewer machines, each still with enough clips to learn from."""
    plan = SoundPlan().scaled(scale)
    assert (len(plan.machines), plan.normal) == (machines, normal)
