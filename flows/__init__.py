"""One file per DAG, each a flow that reads from top to bottom as its recipe."""

from __future__ import annotations

from typing import Any

from gauntlet.datasets.named import named

REFUSED = "Refused"  # the state of a run that was not allowed to do its work


def call(flow: Any, **parameters: Any) -> Any:
    """What the flow hands back, called in this process; of a refused run why. Its errors are raised as they are."""
    state = flow(**parameters, return_state=True)
    return state.result(raise_on_failure=state.name != REFUSED)


def flow_named(name: str) -> Any:
    """The flow of this name, a gauntlet's or one of the loop's. Imported when asked for: a flow brings its whole stack."""
    module = name.replace("-", "_")
    return getattr(named(f"flows.{module}"), module)
