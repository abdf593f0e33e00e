"""The gauntlets whose champions score new data, each with the functions of its kind."""

from __future__ import annotations

from datasets import ai4i
from datasets.errors import BadInput
from tasks.loop.champion import registered_names
from tasks.loop.contract import Adapter
from tasks.loop.monitor import monitor
from tasks.loop.table import supervised_table
from tasks.vibration.sets import FEMTO, NASA, XJTU

__all__ = ["ADAPTERS", "adapter", "registered_names"]

ADAPTERS: dict[str, Adapter] = {
    "ai4i": supervised_table(ai4i.SPEC, ai4i.read, "pr_auc"),
    **{one.name: monitor(one) for one in (NASA, XJTU, FEMTO)},
}


def adapter(gauntlet: str) -> Adapter:
    """The functions of a gauntlet's kind.

    Raises:
        BadInput: its models cannot score new data by themselves.
    """
    if gauntlet not in ADAPTERS:
        raise BadInput(None, f"{gauntlet} has no scoring", expected=" or ".join(ADAPTERS))
    return ADAPTERS[gauntlet]
