"""How fast reading and featurizing clips is: ratios against librosa, file by file, same clips, same work, same run."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import psutil

from gauntlet.datasets.io.sound_file import waveform
from gauntlet.datasets.records.clip import Clip
from gauntlet.tasks.sound.featurize import clip as sound
from gauntlet.tasks.sound.featurize import plain as sound_plain

RATE = sound.RATE


@dataclass(frozen=True)
class BenchRow:
    """A method: milliseconds per clip, and how many times faster than the method that it is compared with."""

    method: str
    ms: float
    against: str
    ratio: float
    resident_mb: float


def bench(clips: tuple[Clip, ...], files: int = 8, rounds: int = 5, threads: int = 2) -> list[BenchRow]:
    """The table; medians of interleaved rounds so that a busy moment hits every method alike.

    librosa computes what we compute, by one call per quantity, from a float32 file loaded without resampling; the
    notebook computes less (log-mel and MFCC only), with librosa's default loading.
    """
    spread = np.unique(np.linspace(0, len(clips) - 1, min(files, len(clips))).astype(int))
    chosen = [clips[i].path for i in spread]
    methods = _methods(chosen, threads)
    for work, _ in methods.values():
        work()  # compiles, and fills the page cache
    taken: dict[str, list[float]] = {name: [] for name in methods}
    memory: dict[str, float] = {}
    for _ in range(rounds):
        for name, (work, _) in methods.items():
            start = time.perf_counter()
            work()
            taken[name].append((time.perf_counter() - start) / len(chosen))
            memory[name] = psutil.Process().memory_info().rss / 1e6
    seconds = {name: median(values) for name, values in taken.items()}
    return [
        BenchRow(name, seconds[name] * 1e3, against, seconds[against] / seconds[name], memory[name])
        for name, (_, against) in methods.items()
    ]


def _methods(paths: list[Path], threads: int) -> dict[str, tuple[Callable[[], object], str]]:
    def ours(channel: int | str) -> Callable[[], object]:
        return lambda: [sound.features(waveform(path, channel)) for path in paths]  # type: ignore[arg-type]

    def threaded() -> object:
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(lambda path: sound.features(waveform(path, 0)), paths))

    def plain(mono: bool) -> Callable[[], object]:
        return lambda: [sound_plain.features(_loaded(path, mono)) for path in paths]

    channel_0, mean, notebook = "librosa, channel 0", "librosa, mono mean", "usual notebook"
    return {
        channel_0: (plain(mono=False), channel_0),
        mean: (plain(mono=True), mean),
        notebook: (lambda: [sound_plain.notebook_features(path) for path in paths], notebook),
        "ours, channel 0": (ours(0), channel_0),
        "ours, mono mean": (ours("mean"), mean),
        "ours against the notebook": (ours("mean"), notebook),
        f"ours, channel 0, {threads} threads": (threaded, channel_0),
        "reading alone, channel 0": (lambda: [waveform(path, 0) for path in paths], channel_0),
    }


def _loaded(path: Path, mono: bool) -> np.ndarray:
    signal, _ = sound_plain.load(path, sr=None, mono=mono)
    return signal if signal.ndim == 1 else np.ascontiguousarray(signal[0])
