"""What a monitor's champion knows: its machines, healthy rows, past lives, and which work orders it has learnt."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from gauntlet.datasets.errors import GauntletError
from gauntlet.tasks.loop.champion import Champion
from gauntlet.tasks.loop.maintenance import Event
from gauntlet.tasks.models.machine_health import MACHINE, REGIME
from gauntlet.tasks.vibration.evaluate import RULE
from gauntlet.tasks.vibration.library import FACTS, TRAINING, Monitored, lives_in, machines_in
from gauntlet.tasks.vibration.lives import Life

TIME = "time"  # seconds since 1970; missing for the rows that came without a clock
BASELINES = "baselines.json"
SINCE = "since.parquet"
DAY_S = 24 * 3600.0


@dataclass(frozen=True)
class Baseline:
    """A machine's baseline after a work order: closed `event_s`, learnt from rows until `until_s`."""

    event_s: float
    until_s: float


@dataclass(frozen=True, eq=False)
class Monitor:
    """`training`: rows that the champion was fitted on: machine, time, regime, features. `lives`: past ones, whole."""

    machines: Mapping[str, Monitored]
    training: pd.DataFrame
    lives: tuple[Life, ...]
    baselines: Mapping[str, Baseline]

    def group_of(self, machine: str) -> str:
        """The shaft that a machine is on."""
        return self.machines[machine].run

    def on_shaft(self, group: str) -> list[str]:
        """The machines on a shaft, in the order of training."""
        return [name for name, one in self.machines.items() if one.run == group]

    def healthy(self, machine: str, regime: int = 0) -> pd.DataFrame:
        """The rows that a machine's baseline was learnt from, oldest first."""
        rows = self.training[self.training[MACHINE] == machine]
        own = rows[rows[REGIME] == regime]
        return own if len(own) else rows[rows[REGIME] == 0]

    def named_by(self, event: Event) -> list[str]:
        """The machines that a work order is about: one, or all of a shaft."""
        names = {event.machine, f"{event.machine} {event.unit}".strip()}
        exact = [name for name in self.machines if name in names]
        return exact or ([] if event.unit else self.on_shaft(event.machine))

    def newest(self, events: Sequence[Event]) -> dict[str, Event]:
        """The newest work order of each machine that has one."""
        return {machine: event for event in events for machine in self.named_by(event)}

    def pending(self, events: Sequence[Event]) -> dict[str, Event]:
        """The newest work order of each machine, where no baseline was learnt since."""
        return {
            m: one
            for m, one in self.newest(events).items()
            if m not in self.baselines or self.baselines[m].event_s < one.at_s
        }


@lru_cache(maxsize=4)
def monitor_of(champion: Champion) -> Monitor:
    """The champion's own files, read once.

    Raises:
        GauntletError: the version was registered before monitors were in the loop, or is no monitor.
    """
    files = champion.loaded.files
    if FACTS not in files:
        raise GauntletError(
            f"{champion.label} has no {FACTS}: register it anew with `gauntlet run {champion.gauntlet}`."
        )
    training = champion.table(TRAINING)
    for column, value in ((TIME, np.nan), (REGIME, 0)):
        if column not in training:
            training[column] = value
    known = json.loads(files[BASELINES])["machines"] if BASELINES in files else {}
    return Monitor(
        machines_in(files), training, lives_in(files), {name: Baseline(**one) for name, one in known.items()}
    )


def limit_of(champion: Champion, machine: str, healthy: np.ndarray) -> float:
    """The alarm limit for a machine; `healthy`: index (rows,) of the rows that its baseline was learnt from."""
    share = champion.loaded.model.fit_share
    rest = healthy[round(len(healthy) * share) :]
    return RULE.limit(monitor_of(champion).machines[machine].interval_s, rest if share < 1 and len(rest) >= 8 else None)
