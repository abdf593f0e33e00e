"""The gauntlets whose champions score new data, each with the functions of its kind."""

from __future__ import annotations

from gauntlet.datasets import ai4i
from gauntlet.datasets.errors import BadInput
from gauntlet.tasks.loop.champion import registered_names
from gauntlet.tasks.loop.contract import Adapter
from gauntlet.tasks.tabular.online import supervised_table
from gauntlet.tasks.vibration.gauntlets import FEMTO, NASA, XJTU
from gauntlet.tasks.vibration.online import monitor

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
