"""One module per data set: what it is (`SPEC`), how to `fetch`, `read` and `simulate` it.

`DATASETS` names the modules, `dataset` imports one: naming a set costs nothing, only using it does.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from datasets.errors import BadInput

DATASETS = {
    "ai4i": "datasets.ai4i",
    "nasa": "datasets.ims",
    "xjtu": "datasets.xjtu",
    "femto": "datasets.femto",
    "sensors": "datasets.sensors",
    "nab": "datasets.nab",
}


def dataset(name: str) -> ModuleType:
    """The module of a data set.

    Raises:
        BadInput: no set has this name; the message lists those that there are.
    """
    if name not in DATASETS:
        raise BadInput(None, f"there is no data set {name!r}", expected=" or ".join(DATASETS))
    return import_module(DATASETS[name])
