"""One module per data set: what it is (`SPEC`), how to `fetch`, `read` and `simulate` it.

`DATASETS` names the modules, `dataset` imports one: naming a set costs nothing, only using it does.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from gauntlet.datasets.errors import BadInput

DATASETS = {
    "ai4i": "gauntlet.datasets.ai4i",
    "pump": "gauntlet.datasets.pump",
    "skab": "gauntlet.datasets.skab",
    "nasa": "gauntlet.datasets.ims",
    "xjtu": "gauntlet.datasets.xjtu",
    "femto": "gauntlet.datasets.femto",
    "mimii": "gauntlet.datasets.mimii",
    "ett": "gauntlet.datasets.ett",
    "sensors": "gauntlet.datasets.sensors",
    "nab": "gauntlet.datasets.nab",
}


def dataset(name: str) -> ModuleType:
    """The module of a data set.

    Raises:
        BadInput: no set has this name; the message lists those that there are.
    """
    if name not in DATASETS:
        raise BadInput(None, f"there is no data set {name!r}", expected=" or ".join(DATASETS))
    return import_module(DATASETS[name])
