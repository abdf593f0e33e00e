"""Tuning and fitting anew: resumed where it was cut off, the same whoever does it, and silent."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gauntlet.datasets.records.series import Series
from gauntlet.tasks.forecasting import boosted, refits
from gauntlet.tasks.forecasting.tuning import ORIGINS, prophet_error, search
from gauntlet.tasks.forecasting.windows import split

SPACE = {"x": (-3.0, 3.0, False), "y": (0.1, 10.0, True)}


def bowl(settings: dict[str, float]) -> float:
    """Least at x = 1, y = 1."""
    return (settings["x"] - 1) ** 2 + np.log(settings["y"]) ** 2


def wave(n: int = 600) -> Series:
    values = 10 + np.sin(2 * np.pi * np.arange(n) / 24) + 0.1 * np.random.default_rng(0).normal(size=n)
    return Series("s", pd.Timestamp("2026-01-01"), pd.Timedelta("1h"), values, np.ones(n, bool))


def test_a_search_cut_off_ends_where_a_whole_one_does(tmp_path: Path) -> None:
    """Killed in the seventh trial, started again from its journal: the same twelve trials, to the digit."""
    whole = search("s", SPACE, bowl, 12, 7, None)
    calls: list[float] = []

    def killed(settings: dict[str, float]) -> float:
        calls.append(settings["x"])
        if len(calls) == 7:
            raise KeyboardInterrupt
        return bowl(settings)

    with pytest.raises(KeyboardInterrupt):
        search("s", SPACE, killed, 12, 7, tmp_path / "journal.log")
    resumed = search("s", SPACE, bowl, 12, 7, tmp_path / "journal.log")
    assert [(one.settings, one.error) for one in resumed] == [(one.settings, one.error) for one in whole]
    assert whole[0].error < 0.7


def test_a_finished_search_is_not_repeated(tmp_path: Path) -> None:
    """All trials are in the journal: nothing is tried again."""
    first = search("s", SPACE, bowl, 4, 7, tmp_path / "journal.log")

    def never(_: dict[str, float]) -> float:
        raise AssertionError("tried again")

    assert search("s", SPACE, never, 4, 7, tmp_path / "journal.log") == first


@pytest.mark.slow
def test_tuning_sees_the_training_part_only() -> None:
    """Whatever comes after it changes no error of a trial."""
    series = wave()
    one = split(series, (24,))
    changed = series.values.copy()
    changed[one.train :] = -1e6
    other = split(Series(series.name, series.start, series.step, changed, series.measured), (24,))
    assert boosted.tuning_error([one], 24, {}, 7) == boosted.tuning_error([other], 24, {}, 7)
    assert prophet_error(one, 24, {}, None) == prophet_error(other, 24, {}, None)


@pytest.mark.slow
def test_fits_side_by_side_are_the_same_and_silent(capfd: pytest.CaptureFixture[str]) -> None:
    """Two processes forecast what this one does, to the digit, and not a character reaches the terminal."""
    one = split(wave(), (24,))
    fits = [
        refits.Refit("prophet", one.values[:origin], one.series.start.isoformat(), 3600.0, 24, 24)
        for origin in range(one.train, one.train + ORIGINS)
    ]
    here = refits.run_all(fits, None)
    with refits.workers(2) as pool:
        there = refits.run_all(fits, pool)
    sys.stdout.flush()
    captured = capfd.readouterr()
    assert np.array_equal(here, there)
    assert (captured.out, captured.err) == ("", "")
    assert all(np.abs(a - one.values[o : o + 24]).mean() < 0.3 for a, o in zip(here, range(one.train, 10_000)))  # noqa: B905
