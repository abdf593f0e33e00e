"""Features of all usable clips, split into what is learnt from and what is judged; bad clips are set aside with reasons."""

from __future__ import annotations

from dataclasses import dataclass

from gauntlet.datasets import mimii
from gauntlet.tasks.contract import Prepared, Summary
from gauntlet.tasks.result import InputSummary, Quarantined
from gauntlet.tasks.sound.featurize.table import SoundTable, sound_table
from gauntlet.tasks.sound.gauntlets import CHOICES, PROTOCOLS
from gauntlet.tasks.sound.load import LoadedClips
from gauntlet.tasks.sound.split import Split, split


@dataclass(frozen=True, eq=False)
class Clips(Prepared):
    """The features of the clips, and the split of every cell: a machine id at a noise level."""

    table: SoundTable
    parts: Split
    passed_over: tuple[str, ...]

    @property
    def false_alarm_rate(self) -> float:
        """The share of normal clips that may alarm."""
        return float(self.request.parameters["false_alarm_rate"])


def featurize(loaded: LoadedClips) -> Clips:
    """The clips as candidates are trained and judged on them; split before anything is fitted."""
    request = loaded.request
    table = sound_table(loaded.set, request.cache / "sound", request.parameters["channel"])
    summary = Summary(
        dataset=mimii.SPEC,
        source=table.source,
        data_hash=table.data_hash,
        input=InputSummary(
            files=len(table.rows) + len(table.quarantine) if table.layout != "tables" else len(table.cells),
            rows=len(table.rows),
            bytes=table.bytes,
            cached_files=table.cached,
            quarantined=tuple(Quarantined(file, reason) for file, reason in table.quarantine),
        ),
        size=table.found,
        place=f"{table.path.name}/",
        protocol=f"{PROTOCOLS[table.layout]}; {CHOICES}",
        facts=(("channel", str(table.channel)),),
    )
    return Clips(loaded.gauntlet, request, summary, table, split(table.rows, table.path), loaded.passed_over)
