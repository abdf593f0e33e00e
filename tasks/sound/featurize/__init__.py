"""The features of all usable clips, split into those to learn from and those to judge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from gauntlet.datasets import dataset
from gauntlet.tasks.contract import Prepared, Summary
from gauntlet.tasks.result import InputSummary, Quarantined
from gauntlet.tasks.sound.featurize.table import SoundTable, sound_table
from gauntlet.tasks.sound.gauntlets import PROTOCOLS
from gauntlet.tasks.sound.load import LoadedSound
from gauntlet.tasks.sound.split import Split, split


@dataclass(frozen=True, eq=False)
class SoundFeatures(Prepared):
    """The table of features, which of its clips are learnt from and judged, and how many normal ones may alarm."""

    table: SoundTable
    split: Split
    passed_over: tuple[str, ...]
    false_alarm_rate: float

    @property
    def learnt(self) -> np.ndarray:
        """Positions of the normal clips to learn from, machine by machine."""
        return np.concatenate([part.train for part in self.split.parts])

    @property
    def judged(self) -> np.ndarray:
        """Positions of the clips to judge, machine by machine."""
        return np.concatenate([part.test for part in self.split.parts])

    def rows(self, positions: np.ndarray) -> pd.DataFrame:
        """What the models take: the column `cell`, then one column per feature."""
        return self.table.frame().iloc[positions]


def featurize(loaded: LoadedSound) -> SoundFeatures:
    """The features of all usable clips, bad ones set aside with the reason; the authors' split, or DCASE's own.

    Raises:
        TooManyBadFiles: more of the files cannot be used than the request allows.
        BadInput: nothing that can be judged is left.
    """
    request, sounds = loaded.request, loaded.sounds
    cache = request.cache / "sound"
    table = sound_table(sounds, cache, request.parameters["channel"], request.quarantine_limit, request.workers)
    clips = len(table.rows) + len(table.quarantine)
    summary = Summary(
        dataset=dataset(loaded.gauntlet.dataset).SPEC,
        source=table.source,
        data_hash=table.data_hash,
        input=InputSummary(
            files=len(table.cells) if table.layout == "tables" else clips,
            rows=len(table.rows),
            bytes=table.bytes,
            cached_files=table.cached,
            quarantined=tuple(Quarantined(file, reason) for file, reason in table.quarantine),
        ),
        size=sounds.size,
        place=f"{table.path.name}/",
        protocol=PROTOCOLS[table.layout],
        facts=(("channel", str(table.channel)),),
    )
    return SoundFeatures(
        loaded.gauntlet,
        request,
        summary,
        table,
        split(table.rows, table.path),
        loaded.passed_over,
        request.parameters["false_alarm_rate"],
    )
