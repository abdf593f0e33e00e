"""The record: the published file, the user's own, or a simulated one; never a silent mix."""

from __future__ import annotations

from dataclasses import dataclass

from gauntlet.datasets import dataset
from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.pump import Pump
from gauntlet.datasets.source import locate
from gauntlet.tasks.gauntlet import Gauntlet, Request


@dataclass(frozen=True, eq=False)
class LoadedRecord:
    """The table, and what was asked for."""

    gauntlet: Gauntlet
    request: Request
    table: Pump


def load(gauntlet: Gauntlet, request: Request) -> LoadedRecord:
    """The record, with its sensors and the machine's status."""
    module = dataset(gauntlet.dataset)
    place = locate(module.SPEC, request.source, request.data, request.root, module.simulation(request.seed))
    table = module.read(place.path)
    if request.source not in ("auto", table.source):
        raise BadInput(
            table.path, f"{request.source} data are wanted, these are {table.source}", do="check --source and --data"
        )
    return LoadedRecord(gauntlet, request, table)
