"""The one place where a module of ours is imported by its name: what is only named costs nothing."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType


def named(module: str) -> ModuleType:
    """The module `gauntlet.MODULE`."""
    return import_module(f"gauntlet.{module}")
