"""THE table of gauntlets by name: the command line, webhooks, the loop, deployments, tests and documentation all read it."""

from __future__ import annotations

from gauntlet.datasets.errors import BadInput
from gauntlet.tasks.failure_prediction.gauntlets import GAUNTLETS as FAILURE_PREDICTION
from gauntlet.tasks.forecasting.gauntlets import GAUNTLETS as FORECASTING
from gauntlet.tasks.gauntlet import Gauntlet
from gauntlet.tasks.multivariate.gauntlets import GAUNTLETS as MULTIVARIATE
from gauntlet.tasks.sensors.gauntlets import GAUNTLETS as SENSORS
from gauntlet.tasks.sound.gauntlets import GAUNTLETS as SOUND
from gauntlet.tasks.tabular.gauntlets import GAUNTLETS as TABULAR
from gauntlet.tasks.vibration.gauntlets import GAUNTLETS as VIBRATION

GAUNTLETS: dict[str, Gauntlet] = {
    one.name: one for one in (*TABULAR, *FAILURE_PREDICTION, *MULTIVARIATE, *VIBRATION, *SOUND, *FORECASTING, *SENSORS)
}


IN_LOOP = tuple(gauntlet.name for gauntlet in GAUNTLETS.values() if gauntlet.online is not None)


def named(name: str) -> Gauntlet:
    """The gauntlet of this name.

    Raises:
        BadInput: there is none; the message lists those that there are.
    """
    if name not in GAUNTLETS:
        raise BadInput(None, f"no gauntlet {name!r}", expected=f"one of {', '.join(GAUNTLETS)}")
    return GAUNTLETS[name]


def in_loop(name: str) -> Gauntlet:
    """The gauntlet of this name, whose champion scores new data, drifts and is retrained.

    Raises:
        BadInput: there is none of this name, or its models cannot score new data by themselves yet.
    """
    gauntlet = named(name)
    if gauntlet.online is None:
        raise BadInput(None, f"{name} cannot score new data yet", expected=f"one of {', '.join(IN_LOOP)}")
    return gauntlet
