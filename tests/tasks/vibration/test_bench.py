"""The benchmark compares ways that do the same work, and says what each of its figures is of."""

import numpy as np
import pytest

from gauntlet.datasets import femto
from gauntlet.datasets.errors import BadInput
from gauntlet.tasks.vibration.bench import LIMIT, ONE_CORE, PLAIN, SECOND_RUN, bench
from gauntlet.tasks.vibration.featurize import plain as vibration_plain
from gauntlet.tasks.vibration.featurize.table import feature_table


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "Learning_set" / "Bearing1_1"
    folder.mkdir(parents=True)
    for i in range(1, 5):
        noise = np.random.default_rng(i).standard_normal((femto.ROWS, 2)) * 0.5
        text = "".join(f"8,0,0,{j},{a:.3f},{b:.3f}\n" for j, (a, b) in enumerate(noise))
        (folder / f"acc_{i:05d}.csv").write_text(text if i != 2 else "")
    return next(iter(femto.runs(tmp_path)))


def test_rows(run):
    """Every way once, the plain one first and the measure of the ratios; an empty file is left out, not an end."""
    rows = bench(run, files=6, rounds=2, threads=2)
    ours = [row for row in rows if not row.features_only]
    assert [row.way for row in ours] == [PLAIN, ONE_CORE, "2 threads", SECOND_RUN, LIMIT]
    assert ours[0].ratio == ours[0].cpu_ratio == 1
    assert ours[-1].share_of_limit == 1
    size = np.mean([file.path.stat().st_size for file in run.files if file.path.stat().st_size])
    for row in ours:
        assert row.megabytes_per_s == pytest.approx(size / row.ms / 1e3, rel=0.01)
        assert row.resident_mb > 10
    limit, plain = ours[-1], ours[0]
    assert limit.ms < plain.ms


def test_ways_do_the_same_work(run):
    """The same table to 1e-4, whichever way: else the ratio would compare different things."""
    ours = feature_table(run, threads=2)
    for row, i in zip(ours.values, ours.index, strict=True):
        plain = vibration_plain.features(run, vibration_plain.read(run, run.files[i].path))
        np.testing.assert_allclose(row, plain, rtol=1e-4, atol=1e-4)


def test_nothing_to_measure_with(run):
    """The reason of the last file is given when no file is usable."""
    for file in run.files:
        file.path.write_text("")
    with pytest.raises(BadInput, match="empty"):
        bench(run, files=2, rounds=1)
