"""What the simulator writes is read by the publisher's reader, deterministic by seed, and true to its own truth."""

import numpy as np
import pytest

from gauntlet.datasets import ims, xjtu
from gauntlet.datasets.io.signal_file import snapshots
from gauntlet.datasets.simulate.bearing_signal import severity
from gauntlet.datasets.simulate.vibration import simulate_ims, xjtu_lives


@pytest.fixture(scope="module")
def second_test(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ims")
    return folder, simulate_ims(ims.SPEC, ims.SHAFT_HZ, folder, seed=7, scale=0.01)[0]


def test_read_back_in_order_with_machine_off(second_test):
    """Sixty files ten minutes apart; the last two are machine-off, which is not a bad file."""
    folder, life = second_test
    run = ims.runs(folder)[0]
    quarantine = []
    usable = list(snapshots(run, quarantine))
    assert (len(usable), run.interval_s, run.gaps) == (life.files - 2, 600.0, ())
    assert {q.kind for q in quarantine} == {"machine-off"}
    level = np.array([s.samples.std(axis=1) for s in usable])
    assert level[-1, 0] > 1.3 * level[:20, 0].mean()
    assert level[-1, 0] > 1.3 * level[-1, 1:].max()


@pytest.mark.slow
def test_same_seed_same_bytes(second_test, tmp_path):
    """The first snapshot is drawn again to the byte; another seed gives another."""
    folder, _ = second_test
    name = ims.runs(folder)[0].files[0].path.relative_to(folder)
    simulate_ims(ims.SPEC, ims.SHAFT_HZ, tmp_path / "same", 7, 0.01)
    assert (tmp_path / "same" / name).read_bytes() == (folder / name).read_bytes()


def test_severity_in_closed_form():
    """Nothing before onset, then exponential between its ends."""
    assert severity(0.49, 0.5) == 0
    assert severity(0.5, 0.5, end=9, start=1) == 1
    assert severity(0.75, 0.5, end=9, start=1) == pytest.approx(3)
    assert severity(1.0, 0.5, end=9, start=1) == pytest.approx(9)


def test_xjtu_truth_table():
    """Fifteen lives, each with a healthy beginning to learn from."""
    lives = xjtu_lives(xjtu.SPEC)
    assert len(lives) == 15
    assert all(0.2 < life.onset < 1 for life in lives)
