"""One module per data set: what it is (`SPEC`), how to `fetch`, `read` and `simulate` it.

`DATASETS` names the modules, `dataset` imports one: naming a set costs nothing, only using it does.
"""

from __future__ import annotations

from types import ModuleType

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.named import named

DATASETS = {
    "ai4i": "ai4i",
    "pump": "pump",
    "skab": "skab",
    "nasa": "ims",
    "xjtu": "xjtu",
    "femto": "femto",
    "mimii": "mimii",
    "ett": "ett",
    "sensors": "sensors",
    "nab": "nab",
}


def dataset(name: str) -> ModuleType:
    """The module of a data set.

    Raises:
        BadInput: no set has this name; the message lists those that there are.
    """
    if name not in DATASETS:
        raise BadInput(None, f"there is no data set {name!r}", expected=" or ".join(DATASETS))
    return named(f"datasets.{DATASETS[name]}")
