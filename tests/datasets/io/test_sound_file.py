"""A clip is read as it was written, and one that cannot be used says why."""

import io
import struct
import wave

import numpy as np
import pytest

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.io.sound_file import Expected, samples, usual_length, waveform
from gauntlet.datasets.simulate.sound import extensible_wav

RATE = 16_000
EXPECTED = Expected(RATE, 2.0)


def _noise(channels=8, seconds=2.0, seed=0, level=1_000):
    rng = np.random.default_rng(seed)
    return np.round(level * rng.standard_normal((channels, round(seconds * RATE)))).clip(-32_000, 32_000).astype("<i2")


def _plain_wav(content, rate=RATE):
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(len(content))
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(content.T.tobytes())
    return buffer.getvalue()


def test_each_of_eight_channels_is_read_to_the_sample(tmp_path):
    """WAVE_FORMAT_EXTENSIBLE, which the standard library refuses, as MIMII's own clips."""
    content, path = _noise(), tmp_path / "00000000.wav"
    path.write_bytes(extensible_wav(content, RATE))
    assert struct.unpack("<H", path.read_bytes()[20:22])[0] == 0xFFFE
    for channel in range(8):
        counts, rate = samples(path, channel)
        np.testing.assert_array_equal(counts, content[channel])
        assert rate == RATE
    np.testing.assert_allclose(samples(path, "mean")[0], content.mean(axis=0), rtol=1e-6)


def test_mono_pcm_is_scaled_as_libsndfile_scales(tmp_path):
    """DCASE's format: int16 counts over 32,768."""
    content, path = _noise(channels=1), tmp_path / "normal_id_00_00000000.wav"
    path.write_bytes(_plain_wav(content))
    np.testing.assert_allclose(waveform(path, 0, EXPECTED), content[0] / 32_768, rtol=1e-7)


BAD = {
    "empty": (b"", "empty"),
    "text": (b"this is no sound\n" * 500, "not a WAV file"),
    "header only": (extensible_wav(np.empty((8, 0), "<i2"), RATE), "no sample"),
    "short": (extensible_wav(_noise(seconds=1.0), RATE), "short: 1.00 s"),
    "cut off": (extensible_wav(_noise(), RATE)[:200_000], "short"),
    "silent": (extensible_wav(np.zeros((8, 2 * RATE), "<i2"), RATE), "silent"),
    "one step of noise": (extensible_wav(_noise(level=0.3), RATE), "silent"),
    "clipped": (extensible_wav(np.where(_noise() > 1_500, 32_767, _noise()).astype("<i2"), RATE), "clipped"),
    "other rate": (_plain_wav(_noise(seconds=6.0), 44_100), "44,100 Hz"),
}


@pytest.mark.parametrize("name", BAD)
def test_each_damage_is_named(tmp_path, name):
    """One line with the file, what is wrong and what was expected."""
    content, words = BAD[name]
    path = tmp_path / "00000001.wav"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=words) as caught:
        waveform(path, 0, EXPECTED)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_channel_that_is_not_there_is_refused(tmp_path):
    """With those that there are."""
    path = tmp_path / "a.wav"
    path.write_bytes(extensible_wav(_noise(), RATE))
    with pytest.raises(BadInput, match="0 to 7, or mean"):
        samples(path, 8)


def test_the_usual_length_is_the_commonest(tmp_path):
    """One short clip among five does not make the others too long."""
    for k in range(5):
        (tmp_path / f"{k}.wav").write_bytes(extensible_wav(_noise(1, 0.5 if k == 0 else 2.0), RATE))
    assert usual_length(sorted(tmp_path.glob("*.wav"))) == 2.0
