"""The kind "monitor": machines watched over time by a health index, each knowing its own healthy beginning."""

from __future__ import annotations

from functools import partial

from gauntlet.tasks.loop.contract import Adapter
from gauntlet.tasks.vibration.definition import VibrationGauntlet
from gauntlet.tasks.vibration.online import contest, files, reading, scoring, training_data, windows


def adapter(gauntlet: VibrationGauntlet) -> Adapter:
    """The functions of a vibration gauntlet."""
    return Adapter(
        files=partial(files.files, gauntlet=gauntlet),
        take=partial(files.take, gauntlet=gauntlet),
        read=partial(reading.read, gauntlet=gauntlet),
        whole=partial(reading.whole, off_level=gauntlet.off_level),
        score=scoring.score,
        follow=scoring.follow,
        windows=windows.windows,
        gather=training_data.gather,
        of_versions=training_data.of_versions,
        train=training_data.train,
        contest=contest.contest,
        version_files=training_data.version_files,
    )
