"""One file per DAG, each a flow that reads from top to bottom as its recipe."""

from __future__ import annotations

from typing import Any

from gauntlet.datasets.named import named


def flow_named(name: str) -> Any:
    """The flow of this name, a gauntlet's or one of the loop's. Imported when asked for: a flow brings its whole stack."""
    module = name.replace("-", "_")
    return getattr(named(f"flows.{module}"), module)
