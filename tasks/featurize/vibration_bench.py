"""How fast reading and featurizing snapshots is: ratios against the plain way, same files, same work, same run."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import psutil

from datasets.signal_file import snapshot
from datasets.signal_text import read_bytes
from datasets.snapshot import Run
from tasks.featurize import vibration, vibration_plain
from tasks.featurize.vibration_table import feature_table


@dataclass(frozen=True)
class BenchRow:
    """One way of doing it: milliseconds per snapshot, times faster than the plain way, MB/s of text read."""

    way: str
    ms: float
    ratio: float
    megabytes_per_s: float
    share_of_limit: float
    resident_mb: float


def bench(run: Run, files: int = 24, rounds: int = 5, threads: int = 2) -> list[BenchRow]:
    """The table, plain way first; medians of interleaved rounds so that a busy moment hits every way alike.

    tsfel and tsfresh take part where they can be imported, on the features alone, without reading.
    """
    chosen = _readable(run, files)
    size = sum(path.stat().st_size for path in chosen) / len(chosen)
    ways = _ways(run, chosen, threads)
    for work in ways.values():
        work()  # compiles, and fills the page cache
    taken: dict[str, list[float]] = {name: [] for name in ways}
    memory: dict[str, float] = {}
    for _ in range(rounds):
        for name, work in ways.items():
            start = time.perf_counter()
            work()
            taken[name].append((time.perf_counter() - start) / len(chosen))
            memory[name] = psutil.Process().memory_info().rss / 1e6
    seconds = {name: median(values) for name, values in taken.items()}
    plain, limit = seconds["pandas + scipy"], seconds["raw read (the limit)"]
    return [BenchRow(name, s * 1e3, plain / s, size / s / 1e6, limit / s, memory[name]) for name, s in seconds.items()]


def _ways(run: Run, paths: list[Path], threads: int) -> dict[str, Callable[[], object]]:
    chosen = [file for file in run.files if file.path in set(paths)]

    def one_core() -> None:
        for file in chosen:
            vibration.features(snapshot(run, file).samples, run.rate, run.bearing, run.shaft_hz)

    ways: dict[str, Callable[[], object]] = {
        "pandas + scipy": lambda: [vibration_plain.features(run, vibration_plain.read(run, path)) for path in paths],
        "one core": one_core,
        f"{threads} threads": lambda: feature_table(run, threads=threads, files=chosen),
        "raw read (the limit)": lambda: [read_bytes(path) for path in paths],
    }
    return ways | _optional(run, paths)


def _optional(run: Run, paths: list[Path]) -> dict[str, Callable[[], object]]:
    found: dict[str, Callable[[], object]] = {}
    few = [vibration_plain.read(run, path) for path in paths[:1]]
    try:
        tsfel = importlib.import_module("tsfel")
        settings = tsfel.get_features_by_domain()
        found["tsfel, one file, features only"] = lambda: [
            tsfel.time_series_features_extractor(settings, x, fs=run.rate, verbose=0) for x in few[0]
        ]
    except ImportError:
        pass
    try:
        extract = importlib.import_module("tsfresh").extract_features
        parameters = importlib.import_module("tsfresh.feature_extraction").EfficientFCParameters()
        frame = _long(few[0])
        found["tsfresh efficient, one file, features only"] = lambda: extract(
            frame, column_id="id", default_fc_parameters=parameters, n_jobs=0, disable_progressbar=True
        )
    except ImportError:
        pass
    return found


def _long(samples: np.ndarray) -> object:
    pandas = importlib.import_module("pandas")
    return pandas.DataFrame({"id": np.repeat(range(len(samples)), samples.shape[1]), "x": samples.ravel()})


def _readable(run: Run, files: int) -> list[Path]:
    spread = np.unique(np.linspace(0, len(run.files) - 1, min(files, len(run.files))).astype(int))
    return [run.files[i].path for i in spread if run.files[i].path.is_file()]
