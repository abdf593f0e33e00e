"""The sensor record: the published file, the user's own in its format, or a simulated one; never a silent mix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gauntlet.datasets import dataset
from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.pump import Pump
from gauntlet.datasets.source import read_located
from gauntlet.datasets.spec import Dataset
from gauntlet.tasks.gauntlet import Gauntlet, Request
from gauntlet.tasks.metrics.prices import Prices

LEAST_FAILURES = 3


@dataclass(frozen=True)
class WarningQuestion:
    """What is asked, in hours: fails within `horizon_h`? A warning counts from `least_lead_h`; `purge_h` at the edges."""

    horizon_h: float = 24.0
    least_lead_h: float = 2.0
    purge_h: float = 24.0
    budget_per_week: float = 0.25


@dataclass(frozen=True, eq=False)
class Record:
    """A table of sensors in order of time with the machine's status, and what is asked of it."""

    gauntlet: Gauntlet
    request: Request
    spec: Dataset
    table: Pump

    @property
    def question(self) -> WarningQuestion:
        """With the horizon that the run was asked for."""
        return WarningQuestion(self.request.parameters["horizon_h"])

    @property
    def prices(self) -> Prices:
        """What a miss and a false alarm cost."""
        parameters = self.request.parameters
        return Prices(parameters["price_of_miss"], parameters["price_of_false_alarm"])

    @property
    def seconds(self) -> np.ndarray:
        """Time of each row since the first, (n,) float64."""
        return (self.table.time - self.table.time[0]).astype(np.int64) / 1e9


def load(gauntlet: Gauntlet, request: Request) -> Record:
    """The record.

    Raises:
        BadInput: fewer failures than can be held out one at a time and still leave something to learn from.
    """
    module = dataset(gauntlet.dataset)
    table: Pump = read_located(module, request.source, request.data, request.root, request.seed)
    count = len(table.failures)
    if count < LEAST_FAILURES:
        raise BadInput(
            table.path,
            f"{count} failure{'s' if count != 1 else ''}",
            column="machine_status",
            expected=f"at least {LEAST_FAILURES}: one is held out, the others are learnt from",
            do="add periods with failures, or use `gauntlet score`; so few prove nothing",
        )
    return Record(gauntlet, request, module.SPEC, table)
