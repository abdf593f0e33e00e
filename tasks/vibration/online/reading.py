"""Files of a monitor: snapshots as rows of features, or levels of the IMS tests, one file per stretch of time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.ims_levels import LevelTable, level_window
from gauntlet.datasets.io.signal_file import enforce_limit
from gauntlet.tasks.loop.champion import Champion
from gauntlet.tasks.loop.contract import Batch, InputFile
from gauntlet.tasks.models.machine_health import MACHINE
from gauntlet.tasks.models.relative_level import relative_levels
from gauntlet.tasks.runtime.settings import settings
from gauntlet.tasks.vibration.definition import VibrationGauntlet
from gauntlet.tasks.vibration.featurize.table import feature_table
from gauntlet.tasks.vibration.lives import snapshot_rows
from gauntlet.tasks.vibration.online.files import raw_run
from gauntlet.tasks.vibration.online.monitor import TIME, Monitor, monitor_of

TINY = 1e-12
OFF = "the machine is off"
_FAR_S = datetime(9999, 1, 1, tzinfo=UTC).timestamp()  # Python's calendar ends here


def read(file: InputFile, champion: Champion, latest_s: float, gauntlet: VibrationGauntlet, off_level: float) -> Batch:
    """The running snapshots of a file as rows: machine, time and the features that the champion knows.

    Args:
        latest_s: rows dated later [s since 1970] are left out and named.
        off_level: a snapshot in which every bearing of the shaft is quieter [unit of the levels] is machine-off.

    Raises:
        BadInput: not such a table, a machine that the champion does not know, machines of several shafts, or no row of
            a past moment.
    """
    monitor = monitor_of(champion)
    if file.part:
        return _raw(file, monitor, gauntlet, latest_s)
    levels = level_window(file.path, latest_s) if champion.gauntlet == "nasa" else None
    if levels is not None:
        group = levels.run
        _check_basis(monitor, group, file.path, "levels")
        off = (levels.rows - len(levels.index)) * len(monitor.on_shaft(group))
        ahead = _in_words([(f"line {row + 2}", moment) for row, moment in levels.ahead], levels.rows, file.path)
        return Batch(_of_levels(levels, monitor), None, group, off, ahead)
    rows = _table(file.path, monitor)
    past, ahead = _until(
        latest_s, rows[TIME].to_numpy(np.float64), [f"line {row + 2}" for row in rows.index], file.path
    )
    rows = rows[past].reset_index(drop=True)
    groups = sorted({monitor.group_of(name) for name in rows[MACHINE].unique()})
    if len(groups) > 1:
        raise BadInput(file.path, "machines of several shafts", saw=", ".join(groups), expected="one file per shaft")
    running = _running(rows, off_level)
    kept = _with_neighbours(rows[running].reset_index(drop=True), monitor, groups[0])
    wanted = [name for name in monitor.training.columns if name in kept and name != TIME and name != MACHINE]
    return Batch(kept[[MACHINE, TIME, *wanted]], None, groups[0], int((~running).sum()), ahead)


def _until(
    latest_s: float, seconds: np.ndarray, places: Sequence[str], path: Path
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Which rows are of a past moment, bool, and the others in words.

    Raises:
        BadInput: none is.
    """
    past = seconds <= latest_s
    later = [
        (place, datetime.fromtimestamp(min(float(second), _FAR_S), UTC))
        for place, second in zip(places, seconds, strict=True)
        if second > latest_s
    ]
    return past, _in_words(later, int(past.sum()), path)


def _in_words(later: Sequence[tuple[str, datetime]], others: int, path: Path) -> tuple[str, ...]:
    """Rows of a wrong clock by place and date.

    Raises:
        BadInput: there are no others.
    """
    ahead = tuple(f"{place} ({moment:%Y-%m-%d %H:%M:%S} UTC)" for place, moment in later)
    if ahead and not others:
        expected, do = "at most ten minutes later than now", "set the clock that dated it and write the file anew"
        raise BadInput(path, "every row is dated in the future", saw=ahead[0], expected=expected, do=do)
    return ahead


def _check_basis(monitor: Monitor, group: str, path: Path, basis: str) -> None:
    """A level is the mean of absolute values, a snapshot's its standard deviation: one cannot stand for the other."""
    bases = {monitor.machines[name].basis for name in monitor.on_shaft(group)}
    if not bases:
        raise BadInput(path, f"the champion does not know {group}", do="train it on that run first")
    if bases != {basis}:
        raise BadInput(path, f"the champion learnt {group} from {bases.pop()}", saw=basis, do="give the same")


def _raw(file: InputFile, monitor: Monitor, gauntlet: VibrationGauntlet, latest_s: float) -> Batch:
    """The running snapshots of a run; unusable ones are left out up to the limit that training has, too."""
    table = feature_table(raw_run(file, gauntlet))
    run = table.run
    _check_basis(monitor, run.name, file.path, "snapshots")
    off = [file for file in table.quarantine if OFF in file.reason]
    enforce_limit(run, [file for file in table.quarantine if OFF not in file.reason], settings().quarantine_limit)
    parts, start = [], run.files[0].time
    assert start is not None  # raw_run takes no other
    seconds = start.timestamp() + table.seconds
    past, ahead = _until(latest_s, seconds, [f"snapshot {i + 1}" for i in range(len(seconds))], file.path)
    for unit in run.units:
        rows = snapshot_rows(table, unit)
        rows = rows[[name for name in rows if name in monitor.training]]
        machine = next(name for name in monitor.on_shaft(run.name) if monitor.machines[name].unit == unit)
        rows.insert(0, MACHINE, machine)
        rows.insert(1, TIME, seconds)
        parts.append(rows[past])
    whole = pd.concat(parts).sort_values(TIME, kind="stable").reset_index(drop=True)
    return Batch(_with_neighbours(whole, monitor, run.name), None, run.name, len(off) * len(run.units), ahead)


def _of_levels(table: LevelTable, monitor: Monitor) -> pd.DataFrame:
    """Rows of every bearing, snapshot by snapshot."""
    parts = []
    for unit in dict.fromkeys(table.units):
        machine = next(name for name in monitor.on_shaft(table.run) if monitor.machines[name].unit == unit)
        values = np.log(table.levels[:, table.unit_channels(unit)] + TINY)
        rows = pd.DataFrame(values, columns=[f"log_level {i + 1}" for i in range(values.shape[1])])
        seconds = [time.timestamp() for time in table.times]
        rows.insert(0, MACHINE, machine)
        rows.insert(1, TIME, np.array(seconds, np.float64))
        parts.append(rows)
    whole = pd.concat(parts).sort_values(TIME, kind="stable").reset_index(drop=True)
    return _with_neighbours(whole, monitor, table.run)


def _table(path: Path, monitor: Monitor) -> pd.DataFrame:
    try:
        rows = pd.read_csv(path, sep="\t" if path.suffix == ".tsv" else ",")
    except (ValueError, OSError) as error:
        raise BadInput(path, "cannot be read as a table", saw=str(error).split("\n")[0]) from None
    if TIME not in rows or not len(rows):
        raise BadInput(path, "no snapshots", column=TIME, expected="a row per snapshot and machine, with its time")
    if MACHINE not in rows:
        if len(monitor.machines) > 1:
            raise BadInput(path, "which machine is it?", column=MACHINE, expected=f"one of {_some(monitor)}")
        rows[MACHINE] = next(iter(monitor.machines))
    rows[MACHINE] = rows[MACHINE].astype(str)
    strange = [name for name in rows[MACHINE].unique() if name not in monitor.machines]
    if strange:
        raise BadInput(path, f"no healthy beginning of {strange[0]!r} was learnt", expected=f"one of {_some(monitor)}")
    rows[TIME] = _seconds(rows[TIME], path)
    for name in rows.columns.difference([MACHINE, TIME]):
        values = pd.to_numeric(rows[name], errors="coerce")
        if (
            name in monitor.training
            and not np.isfinite(values.to_numpy(np.float64)).all()
            and monitor.training[name].notna().all()
        ):
            row = int(np.argmin(np.isfinite(values.to_numpy(np.float64))))
            raise BadInput(path, "not a number", row=row + 2, column=str(name), saw=str(rows[name].iloc[row]))
        rows[name] = values
    return rows.sort_values(TIME, kind="stable")


def _seconds(column: pd.Series, path: Path) -> np.ndarray:
    if pd.api.types.is_numeric_dtype(column):
        seconds = column.to_numpy(np.float64)
    else:
        times = pd.to_datetime(column, utc=True, errors="coerce", format="ISO8601")
        seconds = (times - pd.Timestamp(0, tz="UTC").as_unit("s")).dt.total_seconds().to_numpy(np.float64)
    if not np.isfinite(seconds).all():
        row = int(np.argmin(np.isfinite(seconds)))
        raise BadInput(path, "no time", row=row + 2, column=TIME, saw=str(column.iloc[row]), expected="ISO 8601")
    return np.asarray(seconds, np.float64)


def _running(rows: pd.DataFrame, off_level: float) -> np.ndarray:
    """False for snapshots in which every bearing is quiet."""
    levels = rows.filter(regex=r"^log_level ")
    if not levels.shape[1] or off_level <= 0:
        return np.ones(len(rows), bool)
    loudest = levels.max(axis=1).groupby(rows[TIME]).transform("max")
    return np.asarray(loudest.to_numpy() > np.log(off_level))


def _with_neighbours(rows: pd.DataFrame, monitor: Monitor, group: str) -> pd.DataFrame:
    """The rows with every bearing's level beside the others', where the champion knows that and the file lacks it."""
    wanted = [str(name) for name in monitor.training if str(name).startswith("relative_level ")]
    machines = monitor.on_shaft(group)
    if len(machines) < 2 or not wanted or set(wanted) <= set(rows) or not len(rows):
        return rows
    levels = rows.filter(regex=r"^log_level ").columns
    places = {name: np.flatnonzero((rows[MACHINE] == name).to_numpy()) for name in machines}
    times = [rows[TIME].to_numpy()[place] for place in places.values()]
    if any(not np.array_equal(times[0], other) for other in times[1:]):
        return rows  # some bearing is missing at some time: the model says which feature it lacks
    own = {name: rows[levels].dropna(axis=1, how="all").to_numpy(np.float64)[place] for name, place in places.items()}
    for name, values in relative_levels(own).items():
        for i, column in enumerate(values.T, start=1):
            rows.loc[rows.index[places[name]], f"relative_level {i}"] = column
    return rows


def _some(monitor: Monitor) -> str:
    return ", ".join(list(monitor.machines)[:5])
