"""One file per gauntlet, each a flow that reads from top to bottom as its recipe."""

from __future__ import annotations

from importlib import import_module
from typing import Any

GAUNTLETS = ("ai4i", "pump", "skab", "nasa", "xjtu", "femto", "mimii", "forecasting", "synthetic", "anomaly")


def gauntlet(name: str) -> Any:
    """The flow of this name. Imported when asked for: a flow brings its whole machine-learning stack."""
    return getattr(import_module(f"gauntlet.flows.{name}"), name)
