"""The series: ETT where the folder holds it, else the long table of series in it; with no folder ETT, or simulated sensors."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gauntlet.datasets import ett, sensors
from gauntlet.datasets.io import series_table
from gauntlet.datasets.records.series import SeriesSet
from gauntlet.datasets.source import Simulation, holds, locate
from gauntlet.tasks.gauntlet import Gauntlet, Request


@dataclass(frozen=True, eq=False)
class LoadedSeries:
    """The series, and what was asked for."""

    gauntlet: Gauntlet
    request: Request
    found: SeriesSet


def load(gauntlet: Gauntlet, request: Request) -> LoadedSeries:
    """ETT where the folder holds it, else the long table of series in it; with no folder ETT, or simulated sensors.

    Raises:
        BadInput: the files are missing, of another format, or not what `source` asks for.
    """
    found = _series(request, sensors.simulation(request.seed))
    return LoadedSeries(gauntlet, request, found)


def _series(request: Request, simulation: Simulation) -> SeriesSet:
    data, source, root = request.data, request.source, request.root
    frequency, long = request.parameters["frequency"], request.parameters["long"]
    if data is not None and not (data.is_dir() and holds(data, ett.SPEC)) and not data.match(ett.SPEC.marker):
        found = locate(replace(ett.SPEC, name="a table of series", marker="*.[ct]sv"), source, data, root, simulation)
        return replace(series_table.read(found.path, frequency=frequency), source=found.source)
    simulated = replace(ett.SPEC, name="sensors", marker="*.csv")
    if data is None and (source == "simulated" or (source == "auto" and not holds(root / ett.SPEC.name, ett.SPEC))):
        found = locate(simulated, "simulated", None, root, simulation)
        return replace(series_table.read(found.path, frequency=frequency), source="simulated")
    found = locate(ett.SPEC, source, data, root, simulation)
    return replace(ett.read(found.path, long=long), source=found.source)
