"""One pass over the frames gives what librosa gives, and clicks survive the pooling."""

import numpy as np
import pytest

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.simulate import sound_signal
from gauntlet.tasks.sound.featurize import clip as sound
from gauntlet.tasks.sound.featurize import plain as sound_plain

# Decibels and cepstra pass through zero, where a relative error means nothing.
TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}


def _clip(machine="fan", seed=0, fault=None, seconds=4.0, noise=0.5):
    rng = np.random.default_rng(seed)
    n = round(seconds * sound.RATE)
    heard = sound_signal.machine_sound(sound_signal.model(machine, "id_00"), n, rng, fault)
    return (0.05 * (heard + noise * sound_signal.factory_noise(n, rng))).astype(np.float32)


CLIPS = {
    "fan": _clip("fan"),
    "valve": _clip("valve", 1, "bounce"),
    "slider, ten seconds": _clip("slider", 2, None, 10.0),
    "odd length": _clip("pump", 3)[:50_001],
    "one second": _clip("pump", 4)[:16_000],
    "half silent": np.where(np.arange(64_000) < 32_000, 0, _clip("fan", 5)).astype(np.float32),
    "tone in noise": (0.1 * np.sin(2 * np.pi * 440 * np.arange(64_000) / 16_000)).astype(np.float32)
    + _clip("fan", 6, seconds=4.0) * np.float32(0.2),
}


@pytest.mark.parametrize("name", CLIPS)
def test_features_equal_librosas(name):
    """Every one of them, to 1e-4."""
    ours, theirs = sound.features(CLIPS[name]), sound_plain.features(CLIPS[name])
    assert len(ours) == len(theirs) == len(sound.FEATURES) == len(set(sound.FEATURES))
    wrong = ~np.isclose(ours, theirs, **TOLERANCE)
    assert not wrong.any(), [(sound.FEATURES[k], ours[k], theirs[k]) for k in np.flatnonzero(wrong)[:5]]


def test_a_tone_crosses_zero_twice_a_period():
    """Closed form: 2 f / rate of a pure tone, in both ways of computing it."""
    tone = np.sin(2 * np.pi * 1000 * np.arange(32_000) / sound.RATE + 0.1).astype(np.float32)
    place = sound.FEATURES.index("zero_crossings_mean")
    expected = pytest.approx(2 * 1000 / sound.RATE, rel=0.02)
    assert sound.features(tone)[place] == expected
    assert sound_plain.features(tone)[place] == expected


def test_mel_filters_and_spectrogram_equal_librosas():
    """Slaney's scale and norm, Hann window, centred frames."""
    librosa = sound_plain.librosa()
    filters = librosa.filters.mel(sr=sound.RATE, n_fft=sound.FFT, n_mels=sound.MELS)
    np.testing.assert_allclose(sound.mel_filters(), filters, rtol=1e-4, atol=1e-9)
    clip = CLIPS["fan"]
    np.testing.assert_allclose(sound.log_mel(clip).T, sound_plain.log_mel(clip), rtol=1e-4, atol=1e-4)


def test_a_click_that_a_mean_washes_away_is_seen():
    """One click in ten seconds: the band mean moves by less than its deviation between clips, the loud frames by far more."""
    quiet = [_clip("fan", seed, seconds=10.0) for seed in range(12)]
    table = np.array([sound.features(clip) for clip in quiet])
    click = quiet[0].copy()
    for start in (1.0, 4.0, 7.0):
        place = int(start * sound.RATE)
        click[place : place + 400] += 0.4 * np.random.default_rng(0).standard_normal(400).astype(np.float32)
    moved = np.abs(sound.features(click) - table[0]) / table.std(0)
    names = np.array(sound.FEATURES)
    high = [k for k, name in enumerate(names) if name.startswith("logmel_loud") and int(name[-2:]) > 50]
    mean = [k for k, name in enumerate(names) if name.startswith("logmel_mean") and int(name[-2:]) > 50]
    assert np.median(moved[high]) > 4 * np.median(moved[mean])


def test_modulation_names_the_rhythm():
    """Noise that swells three times a second stands out in the band from 2 to 4 Hz."""
    rng, time = np.random.default_rng(0), np.arange(160_000) / sound.RATE
    swelling = (1 + 0.8 * np.sin(2 * np.pi * 3 * time)) * rng.standard_normal(len(time)) * 0.05
    values = dict(zip(sound.FEATURES, sound.features(swelling.astype(np.float32)), strict=True))
    bands = [f"modulation_{low:g}_{high:g}_4" for low, high in sound.MODULATION_HZ]
    assert max(bands, key=values.__getitem__) == "modulation_2_4_4"


def test_half_as_loud_is_six_decibels_less():
    """Closed form: all band means fall by 20 log10 2, all shapes stay."""
    clip = CLIPS["fan"]
    full, half = sound.features(clip), sound.features(clip / 2)
    of = {name: k for k, name in enumerate(sound.FEATURES)}
    for band in range(sound.MELS):
        assert full[of[f"logmel_mean_{band:02d}"]] - half[of[f"logmel_mean_{band:02d}"]] == pytest.approx(
            6.0206, abs=1e-3
        )
        assert full[of[f"logmel_std_{band:02d}"]] == pytest.approx(half[of[f"logmel_std_{band:02d}"]], rel=1e-3)
    assert full[of["centroid_mean"]] == pytest.approx(half[of["centroid_mean"]], rel=1e-4)
    assert full[of["rms_mean"]] == pytest.approx(2 * half[of["rms_mean"]], rel=1e-5)


def test_less_than_a_second_is_refused():
    """It holds no rhythm."""
    with pytest.raises(BadInput, match="one second"):
        sound.features(np.zeros(15_999, np.float32))
