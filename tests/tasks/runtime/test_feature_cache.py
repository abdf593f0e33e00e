"""What was computed once is not computed again; what went wrong with the cache costs the cache only."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from gauntlet.tasks.runtime.feature_cache import FeatureCache, content_key, in_order, stamp_of

CONTENT, ROW = np.arange(8, dtype=np.uint8), np.array([1.0, 2.0])


def _saved(path: Path) -> FeatureCache:
    cache = FeatureCache.at(path)
    cache.keep("key", ROW, "stamp")
    cache.save()
    return cache


def test_what_is_kept_comes_back_by_content_and_by_stamp(tmp_path: Path) -> None:
    """And is not written again while nothing is new."""
    _saved(tmp_path / "c.npz")
    again = FeatureCache.at(tmp_path / "c.npz")
    found = again.unchanged("stamp")
    assert found is not None
    assert found[0] == "key"
    np.testing.assert_array_equal(found[1], ROW)
    again.keep("key", ROW, "stamp")
    assert not again.new
    assert again.unchanged("another") is None


@pytest.mark.parametrize("size", [0, 3, 40, 300, -30, -1])
def test_a_cache_cut_off_anywhere_is_an_empty_one(tmp_path: Path, size: int) -> None:
    """Of a write that was killed, or a disk that lost its end; the next save makes it whole."""
    path = tmp_path / "c.npz"
    _saved(path)
    path.write_bytes(path.read_bytes()[:size])
    assert FeatureCache.at(path).rows == {}
    _saved(path)
    assert list(FeatureCache.at(path).rows) == ["key"]


FULL = """
import logging, resource, signal, sys
from pathlib import Path
import numpy as np
from gauntlet.tasks.runtime.feature_cache import FeatureCache
logging.basicConfig(format="%(message)s")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, 4_096))
cache = FeatureCache.at(Path(sys.argv[1]))
for number in range(1_000):
    cache.keep(f"new-{number}", np.zeros(2), f"stamp-{number}")
cache.save()
"""


@pytest.mark.promise("beside")
def test_a_full_disk_costs_the_cache_only(tmp_path: Path) -> None:
    """It is said, the older cache stands, and no part of the new one stays behind."""
    path = tmp_path / "c.npz"
    _saved(path)
    done = subprocess.run([sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=True)
    assert "features are not kept for the next run" in done.stderr
    assert list(FeatureCache.at(path).rows) == ["key"]
    assert [one.name for one in tmp_path.iterdir()] == ["c.npz"]


def test_stamps_and_keys_bear_the_setting(tmp_path: Path) -> None:
    """Another setting is another feature, also of the same bytes in the same file."""
    file = tmp_path / "x"
    file.write_bytes(b"abc")
    assert stamp_of(file, "a") != stamp_of(file, "b")
    assert stamp_of(tmp_path / "none", "a") == ""
    assert len({content_key(CONTENT, "a"), content_key(CONTENT, "b"), content_key(CONTENT + 1, "a")}) == 3


def test_results_come_in_order_whatever_takes_longest() -> None:
    """What is known is not worked on; the others are, side by side."""
    worked = []

    def work(number: int) -> int:
        time.sleep(0.02 if number % 5 == 1 else 0)
        worked.append(number)
        return number * 10

    done = list(in_order(range(40), lambda number: number * 10 if number % 2 == 0 else None, work, threads=4))
    assert done == [number * 10 for number in range(40)]
    assert sorted(worked) == list(range(1, 40, 2))
