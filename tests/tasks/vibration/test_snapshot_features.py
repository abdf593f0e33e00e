"""Batched features agree with scipy's, channel by channel, and with closed forms."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from gauntlet.datasets.bearing import ZA2115
from gauntlet.datasets.records.snapshot import Channel, Run
from gauntlet.tasks.vibration.featurize import plain as vibration_plain
from gauntlet.tasks.vibration.featurize.snapshot import FEATURES, LINES, NASA_10, XJTU_11, features, subset


def _run(rate=20_000.0, shaft=2000 / 60):
    return Run("nasa", "r", (), (Channel("a", "a"),), rate, shaft, ZA2115, None, 600.0)


@pytest.mark.parametrize("n", [2560, 2562, 20_480, 32_768])
@pytest.mark.parametrize("kind", ["normal", "offset", "impulsive", "quantised"])
def test_agree_with_scipy(n, kind):
    """To 1e-4 of the value, or of 1 for what is a logarithm or crosses zero."""
    rng = np.random.default_rng(n)
    x = rng.standard_normal((3, n))
    x = {
        "normal": x, "offset": x * 0.1 - 3.0, "impulsive": x + 20 * (rng.random((3, n)) < 0.002),
        "quantised": np.round(x * 50) / 50,
    }[kind].astype(np.float32)  # fmt: skip
    got = features(x, 20_000.0, ZA2115, 2000 / 60)
    truth = vibration_plain.features(_run(), x.astype(np.float64))
    for i, name in enumerate(FEATURES):
        small = 1.0 if name in LINES or name in ("skewness", "kurtosis", "mean") else 1e-9
        np.testing.assert_allclose(got[:, i], truth[:, i], rtol=1e-4, atol=1e-4 * small, err_msg=name)


def test_sine_in_closed_form():
    """A sine of amplitude A: rms A/sqrt 2, crest sqrt 2, excess kurtosis -1.5, one line at its frequency."""
    t = np.arange(20_480) / 20_480
    x = (2.0 * np.sin(2 * np.pi * 1000 * t))[None].astype(np.float32)
    row = dict(zip(FEATURES, features(x, 20_480.0, ZA2115, 33.0)[0], strict=True))
    assert row["rms"] == pytest.approx(2 / np.sqrt(2), rel=1e-6)
    assert row["crest_factor"] == pytest.approx(np.sqrt(2), rel=1e-4)
    assert row["kurtosis"] == pytest.approx(-1.5, abs=1e-4)
    assert row["dominant_frequency"] == 1000
    assert row["dominant_amplitude"] == pytest.approx(2.0, rel=1e-5)
    assert row["spectral_centroid"] == pytest.approx(1000, rel=1e-3)
    assert row["absolute_mean"] == pytest.approx(4 / np.pi, rel=1e-4)


def test_named_subsets():
    """XJTU's eleven per channel (22 for two) and ten of NASA's are columns of the table."""
    table = features(np.ones((2, 2560), np.float32) * np.arange(2560, dtype=np.float32), 25_600.0, ZA2115, 30.0)
    assert subset(table, XJTU_11).size == 22
    assert subset(table, NASA_10).shape == (2, 10)
    assert np.isfinite(table).all()


def test_neither_order_nor_company_nor_memory_layout_matters():
    """A row's features are its own: alone, reversed in order, every second column of a wider array, in two threads."""
    x = np.random.default_rng(8).standard_normal((5, 2 * 2560)).astype(np.float32)
    x[::2] *= np.where(np.arange(2 * 2560) % 170 < 8, 8, 1)  # other bands win than in the other rows
    strided = x[:, ::2]
    together = features(strided, 20_000.0, ZA2115, 2000 / 60)
    for r in range(5):
        alone = features(np.ascontiguousarray(strided[r : r + 1]), 20_000.0, ZA2115, 2000 / 60)[0]
        np.testing.assert_allclose(alone, together[r], rtol=1e-5, atol=1e-5)
    with ThreadPoolExecutor(2) as pool:
        again = list(
            pool.map(lambda order: features(strided[order], 20_000.0, ZA2115, 2000 / 60), [[4, 3, 2, 1, 0]] * 8)
        )
    for table in again:
        np.testing.assert_allclose(table[::-1], together, rtol=1e-5, atol=1e-5)


def test_the_input_is_left_as_it_was():
    """The arrays kept per thread are not the caller's."""
    x = np.random.default_rng(9).standard_normal((2, 2560)).astype(np.float32)
    before = x.copy()
    first = features(x, 20_000.0, ZA2115, 33.0)
    kept = first.copy()
    features(x * 3, 20_000.0, ZA2115, 33.0)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(first, kept)
