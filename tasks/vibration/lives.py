"""A bearing's life as detectors see it: a row per usable snapshot, and what is known of its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from gauntlet.datasets.ims_levels import LevelTable
from gauntlet.datasets.records.snapshot import Run, Truth
from gauntlet.tasks.models.machine_health import MACHINE
from gauntlet.tasks.models.relative_level import relative_levels
from gauntlet.tasks.vibration.definition import INDICATORS
from gauntlet.tasks.vibration.featurize.indicators import condition_indicators
from gauntlet.tasks.vibration.featurize.snapshot import XJTU_11
from gauntlet.tasks.vibration.featurize.table import FeatureTable
from gauntlet.tasks.vibration.load import VibrationData
from gauntlet.tasks.vibration.run_in import settled

HEALTHY_SHARE = 0.2
LEAST_HEALTHY = 20  # snapshots, to learn from
TAIL = 20  # files: the last ones of a run may be machine-off or unusable, and it still went to failure


@dataclass(frozen=True, eq=False)
class Life:
    """One bearing from its first snapshot at hand to its last, a row per usable snapshot.

    `rows`: frame with `machine` and features by channel. `index`: place in the whole run; `seconds` since its first
    file. `power`: variance, or squared level, of the loudest channel [g^2]. `basis`: "snapshots" or "levels".
    `settled`: row at which its run-in ends.
    `truth`: how it is known to have ended, None for one that nothing is known of or that did not fail.
    `ended`: the run is known to have gone to failure. `onset`: row of the published onset.
    """

    run: str
    unit: str
    basis: str
    rows: pd.DataFrame
    index: np.ndarray
    seconds: np.ndarray
    start: datetime | None
    power: np.ndarray
    interval_s: float
    truth: Truth | None
    ended: bool
    settled: int = 0
    shaft_hz: float = 0.0
    load_n: float | None = None

    def fitted(self, fit_share: float) -> int | None:
        """The row at which a detector's calibration part begins, None where it has none to speak of."""
        row = self.settled + round((self.healthy - self.settled) * fit_share)
        return row if self.healthy - row >= 8 else None

    @property
    def machine(self) -> str:
        """The name that models know it by."""
        return self.run if self.run == self.unit else f"{self.run} {self.unit}"

    @property
    def healthy(self) -> int:
        """How many rows are its healthy beginning."""
        return int(len(self.rows) * HEALTHY_SHARE)

    @property
    def onset(self) -> int | None:
        """The row of the published onset, None where none is published or the rows end before it."""
        if self.truth is None or self.truth.onset is None or self.truth.onset > self.index[-1]:
            return None
        return int(np.searchsorted(self.index, self.truth.onset))

    @property
    def running_s(self) -> np.ndarray:
        """Seconds of watched running: a pause counts as one interval."""
        steps = np.minimum(np.diff(self.seconds, prepend=self.seconds[:1]), 1.5 * self.interval_s)
        return np.asarray(np.cumsum(steps))

    @property
    def fails(self) -> bool:
        """Whether it is known to have failed at the end of these rows."""
        return self.ended and self.truth is not None

    @property
    def labels(self) -> np.ndarray | None:
        """1 from the published onset on, per row; None for a bearing of which too little is known."""
        if self.truth is None:
            return np.zeros(len(self.rows), np.int64) if self.ended else None
        if self.truth.onset is None:
            return None
        return (self.index >= self.truth.onset).astype(np.int64)

    def time(self, row: int) -> str | None:
        """The moment of a row in ISO 8601, None where the publisher gives no times."""
        return (self.start + timedelta(seconds=float(self.seconds[row]))).isoformat() if self.start else None


def healthy_rows(lives: Sequence[Life]) -> pd.DataFrame:
    """The healthy beginnings of all machines, after their run-in: all that training may see."""
    return pd.concat([life.rows.iloc[life.settled : life.healthy] for life in lives], ignore_index=True)


def lives_of(data: VibrationData, tables: Sequence[FeatureTable]) -> tuple[Life, ...]:
    """Every bearing's life that is long enough to learn a healthy beginning from.

    Raw snapshots where there are enough of them; otherwise the complete level table of the same run, where it is here.
    """
    lives: list[Life] = []
    leveled = {table.run: table for table in data.levels}
    for table in tables:
        if int(len(table.index) * HEALTHY_SHARE) >= LEAST_HEALTHY and _continuous(table.run):
            lives += _with_neighbours([_from_snapshots(data, table, unit) for unit in table.run.units])
            leveled.pop(table.run.name, None)
    for levels in leveled.values():
        if int(len(levels.index) * HEALTHY_SHARE) >= LEAST_HEALTHY:
            lives += _with_neighbours([_from_levels(data, levels, unit) for unit in dict.fromkeys(levels.units)])
    return tuple(lives)


def _with_neighbours(lives: list[Life]) -> list[Life]:
    """The lives of one run: when the machine has settled, and each bearing's level beside the others' if there are any."""
    levels = {life.unit: life.rows.filter(regex=r"^log_level ").to_numpy() for life in lives}
    start = settled(np.concatenate(list(levels.values()), axis=1), HEALTHY_SHARE)
    lives = [replace(life, settled=min(start, life.healthy - LEAST_HEALTHY // 2)) for life in lives]
    if len(lives) < 2:
        return lives
    relative = relative_levels(levels)
    for life in lives:
        for i, column in enumerate(relative[life.unit].T, start=1):
            life.rows[f"relative_level {i}"] = column
    return lives


def _continuous(run: Run) -> bool:
    """False for a few samples of a long life, of which a share of the files is no share of the time."""
    span = run.files[-1].seconds
    return sum(seconds for _, seconds in run.gaps) <= 0.5 * span


def snapshot_rows(table: FeatureTable, unit: str) -> pd.DataFrame:
    """What detectors see of a bearing, a row per usable snapshot: indicators and documented features by channel."""
    values = condition_indicators(table, unit)
    channels = table.unit_channels(unit)
    documented = np.concatenate([table.column(name)[:, channels] for name in XJTU_11], axis=1)
    names = [f"{name} {i + 1}" for name in (*INDICATORS, *XJTU_11) for i in range(len(channels))]
    return pd.DataFrame(np.concatenate([values, documented], axis=1), columns=names)


def _from_snapshots(data: VibrationData, table: FeatureTable, unit: str) -> Life:
    rows = snapshot_rows(table, unit)
    power = table.column("std")[:, table.unit_channels(unit)].max(axis=1) ** 2
    run = table.run
    life = _life(
        data, run.name, unit, "snapshots", rows, table.index, table.seconds, run.files[0].time, power, run.interval_s
    )
    return replace(life, shaft_hz=run.shaft_hz, load_n=run.load_n)


def _from_levels(data: VibrationData, table: LevelTable, unit: str) -> Life:
    levels = table.levels[:, table.unit_channels(unit)]
    rows = pd.DataFrame(np.log(levels + 1e-12), columns=[f"log_level {i + 1}" for i in range(levels.shape[1])])
    interval = float(np.median(np.diff(table.seconds)))
    power = levels.max(axis=1) ** 2
    return _life(data, table.run, unit, "levels", rows, table.index, table.seconds, table.times[0], power, interval)


def _life(
    data: VibrationData,
    run: str,
    unit: str,
    basis: str,
    rows: pd.DataFrame,
    index: np.ndarray,
    seconds: np.ndarray,
    start: datetime | None,
    power: np.ndarray,
    interval_s: float,
) -> Life:
    truth = next((one for one in data.truth if (one.run, one.unit) == (run, unit)), None)
    ended = any(one.run == run and index[-1] >= one.files - 1 - TAIL for one in data.truth)
    life = Life(run, unit, basis, rows, index, seconds, start, power, interval_s, truth, ended)
    rows.insert(0, MACHINE, life.machine)
    return life
