"""A machine that stands still is told from one that runs by the whole snapshot, however the movement is spread."""

import numpy as np
import pytest

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.io.signal_file import MachineOff, check


def _noise(deviation, n=4096):
    return (np.random.default_rng(1).standard_normal((2, n)) * deviation - 0.1).astype(np.float32)


def _late(deviation):
    samples = _noise(1e-4)
    samples[1, 3000:] += np.float32(deviation) * np.sign(np.sin(np.arange(1096))).astype(np.float32)
    return samples


@pytest.mark.parametrize("samples", [_noise(0.011), _noise(1.0), _late(0.1), np.vstack([_noise(0.001)[:1], _noise(1)])])
def test_running(samples, tmp_path):
    """One channel above the level is enough, also when it moves only at the end."""
    assert samples.astype(float).std(axis=1).max() > 0.01
    check(samples, tmp_path / "file", 0.01)


@pytest.mark.parametrize("samples", [_noise(0.009), _noise(0.0015), np.pad(_noise(0.02, 512), ((0, 0), (0, 3584)))])
def test_off(samples, tmp_path):
    """A start that moves does not make up for a rest that does not."""
    if samples[0, -1] == 0:
        samples -= samples[:, :512].mean(axis=1, keepdims=True) * (np.arange(4096) < 512)
    assert samples.astype(float).std(axis=1).max() < 0.01
    with pytest.raises(MachineOff):
        check(samples, tmp_path / "file", 0.01)


@pytest.mark.parametrize("n", [1, 2, 8, 9, 100])
def test_constant(n, tmp_path):
    """Of any length; one sample that differs is movement."""
    samples = np.full((3, n), 0.25, np.float32)
    with pytest.raises(BadInput, match="constant"):
        check(samples, tmp_path / "file", 0.0)
    if n > 1:
        samples[2, -1] = 0.5
        check(samples, tmp_path / "file", 0.0)
