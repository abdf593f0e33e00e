"""The runs of a rig: the publisher's, the user's own in their format, or simulated ones; never a silent mix."""

from __future__ import annotations

from dataclasses import dataclass

from gauntlet.datasets import dataset
from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.skab import BEGINNING, SKAB
from gauntlet.datasets.source import locate
from gauntlet.tasks.gauntlet import Gauntlet, Request


@dataclass(frozen=True, eq=False)
class LoadedRuns:
    """The runs, and what was asked for."""

    gauntlet: Gauntlet
    request: Request
    rig: SKAB


def load(gauntlet: Gauntlet, request: Request) -> LoadedRuns:
    """Every run that can be used.

    Raises:
        BadInput: no run, too many that cannot be used, or no anomaly in any of them.
    """
    module = dataset(gauntlet.dataset)
    place = locate(module.SPEC, request.source, request.data, request.root, module.simulation(request.seed))
    rig = module.read(place.path)
    if not any(run.anomaly[BEGINNING:].any() for run in rig.runs):
        raise BadInput(
            rig.path,
            "no row is an anomaly",
            column="anomaly",
            expected="runs with anomalies",
            do="add labelled runs: misses cannot be counted without",
        )
    return LoadedRuns(gauntlet, request, rig)
