"""Files of a monitor: snapshots as rows of features, or levels of the IMS tests, one file per stretch of time."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.ims_levels import LevelTable, level_window
from gauntlet.datasets.io.signal_file import enforce_limit
from gauntlet.tasks.loop.champion import Champion
from gauntlet.tasks.loop.contract import Batch, InputFile
from gauntlet.tasks.loop.row_keys import digests
from gauntlet.tasks.loop.waiting import WAITS
from gauntlet.tasks.models.machine_health import MACHINE
from gauntlet.tasks.models.relative_level import relative_levels
from gauntlet.tasks.runtime.settings import settings
from gauntlet.tasks.vibration.definition import VibrationGauntlet
from gauntlet.tasks.vibration.featurize.table import feature_table
from gauntlet.tasks.vibration.lives import snapshot_rows
from gauntlet.tasks.vibration.online.files import check_stamp, raw_run
from gauntlet.tasks.vibration.online.monitor import TIME, Monitor, monitor_of

TINY = 1e-12
OFF = "the machine is off"
_PLACE = "_place"
_FAR_S = datetime(9999, 1, 1, tzinfo=UTC).timestamp()  # Python's calendar ends here


def read(file: InputFile, champion: Champion, latest_s: float, gauntlet: VibrationGauntlet) -> Batch:
    """The snapshots of a file as rows: machine, time and the features that the champion knows; machine-off ones, too.

    Args:
        latest_s: rows dated later [s since 1970] are left out and named.

    Raises:
        BadInput: not such a table, a machine that the champion does not know, machines of several shafts, or no row of
            a past moment.
        StillWritten: a snapshot has changed while it was read.
    """
    monitor = monitor_of(champion)
    if file.part:
        return _raw(file, monitor, gauntlet, latest_s)
    levels = level_window(file.path, latest_s, file.content) if champion.gauntlet == "nasa" else None
    if levels is not None:
        group = levels.run
        _check_basis(monitor, group, file.path, "levels")
        ahead = _in_words([(f"line {row + 2}", moment) for row, moment in levels.ahead], levels.rows, file.path)
        off = [key for moment in levels.off for key in _off_keys(monitor.on_shaft(group), moment.timestamp())]
        rows = _of_levels(levels, monitor)
        line_at = dict(zip((time.timestamp() for time in levels.times), (levels.index + 2).tolist(), strict=True))
        return _batch(rows, group, [line_at[at] for at in rows[TIME]], ahead, off)
    rows = _table(file, monitor)
    lines = [row + 2 for row in rows.index]
    past, ahead = _until(latest_s, rows[TIME].to_numpy(np.float64), [f"line {line}" for line in lines], file.path)
    rows = rows[past].reset_index(drop=True)
    groups = sorted({monitor.group_of(name) for name in rows[MACHINE].unique()})
    if len(groups) > 1:
        raise BadInput(file.path, "machines of several shafts", saw=", ".join(groups), expected="one file per shaft")
    wanted = [name for name in monitor.training.columns if name in rows and name not in (TIME, MACHINE)]
    return _batch(rows[[MACHINE, TIME, *wanted]], groups[0], np.array(lines)[past].tolist(), ahead)


def whole(batch: Batch, waiting: pd.DataFrame | None, champion: Champion, off_level: float) -> Batch:
    """The running rows of whole snapshots, each with its level beside the neighbours' where the champion knows that.

    A snapshot that lacks a machine of the shaft waits, where that decides anything: for the rest of it may be in another file.
    Rows of it that do not wait are kept beside those that do: a loud bearing says of a quiet one that the machine is on.

    Args:
        waiting: rows that waited until now.
        off_level: a snapshot in which every bearing of the shaft is quieter [unit of the levels] is machine-off.
    """
    monitor, rows = monitor_of(champion), batch.rows
    lines = list(batch.lines)
    if waiting is not None:
        others = waiting[~pd.Series(_keys(waiting)).isin(batch.keys).to_numpy()]
        others = others[~pd.Series(_keys(others), dtype=object).duplicated().to_numpy()]
        rows, lines = pd.concat([rows, others], ignore_index=True), [*lines, *[0] * len(others)]
    order = np.argsort(rows[TIME].to_numpy(np.float64), kind="stable")
    rows, lines = rows.iloc[order].reset_index(drop=True), [lines[i] for i in order]
    machines = monitor.on_shaft(batch.group)
    there = rows.groupby(TIME)[MACHINE].transform("nunique").to_numpy() >= len(machines)
    running = _running(rows, off_level)
    beside = [str(name) for name in monitor.training if str(name).startswith("relative_level ")]
    needs = len(machines) > 1 and bool(beside) and not set(beside) <= set(rows)
    ready = there | (running & (not needs))
    off = tuple(key for key, one in zip(_keys(rows), there & ~running, strict=True) if one)
    done = np.flatnonzero(ready & running)
    kept = rows.iloc[done].reset_index(drop=True)
    if needs and len(kept):
        kept = _with_neighbours(kept, machines)
    made = _batch(kept, batch.group, [lines[i] for i in done], batch.ahead, [*batch.off, *off], rows.iloc[done])
    return replace(made, waiting=rows.assign(**{WAITS: ~ready})[~there].reset_index(drop=True))


def _batch(
    rows: pd.DataFrame,
    group: str,
    lines: Sequence[int],
    ahead: tuple[str, ...],
    off: Sequence[str] = (),
    said: pd.DataFrame | None = None,
) -> Batch:
    """A row is its machine at its time, and says its features (of `said`, where more was laid beside them)."""
    said = rows if said is None else said
    features = sorted(str(name) for name in said.columns if name not in (MACHINE, TIME))
    sources, seconds = rows[MACHINE].to_numpy(object), rows[TIME].to_numpy(np.float64)
    contents = digests(said, features) if features else tuple("" for _ in lines)
    return Batch(
        rows, None, group, _keys(rows), contents, tuple(map(int, lines)), sources, seconds, tuple(off), ahead=ahead
    )


def _keys(rows: pd.DataFrame) -> tuple[str, ...]:
    return digests(rows.astype({MACHINE: str, TIME: np.float64}), [MACHINE, TIME])


def _off_keys(machines: Sequence[str], second: float) -> tuple[str, ...]:
    return _keys(pd.DataFrame({MACHINE: list(machines), TIME: second}))


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
    check_stamp(file, run)
    _check_basis(monitor, run.name, file.path, "snapshots")
    silent = {one.path for one in table.quarantine if OFF in one.reason}
    enforce_limit(run, [one for one in table.quarantine if OFF not in one.reason], settings().quarantine_limit)
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
        rows.insert(2, _PLACE, table.index + 1)
        parts.append(rows[past])
    joined = pd.concat(parts).sort_values(TIME, kind="stable").reset_index(drop=True)
    quiet = [start.timestamp() + one.seconds for one in run.files if one.path in silent]
    off = [key for second in quiet for key in _off_keys(monitor.on_shaft(run.name), second)]
    return _batch(joined.drop(columns=_PLACE), run.name, joined[_PLACE].tolist(), ahead, off)


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
    return pd.concat(parts).sort_values(TIME, kind="stable").reset_index(drop=True)


def _table(file: InputFile, monitor: Monitor) -> pd.DataFrame:
    path = file.path
    try:
        rows = pd.read_csv(io.BytesIO(file.content), sep="\t" if path.suffix == ".tsv" else ",")
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


def _with_neighbours(rows: pd.DataFrame, machines: Sequence[str]) -> pd.DataFrame:
    """The rows of whole snapshots, in the order of time, with every bearing's level beside the others'."""
    levels = rows.filter(regex=r"^log_level ").columns
    places = {name: np.flatnonzero((rows[MACHINE] == name).to_numpy()) for name in machines}
    own = {name: rows[levels].dropna(axis=1, how="all").to_numpy(np.float64)[place] for name, place in places.items()}
    for name, values in relative_levels(own).items():
        for i, column in enumerate(values.T, start=1):
            rows.loc[rows.index[places[name]], f"relative_level {i}"] = column
    return rows


def _some(monitor: Monitor) -> str:
    return ", ".join(list(monitor.machines)[:5])
