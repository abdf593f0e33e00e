"""The table: what each flow of the loop does, in order, and what can go wrong right after each of it.

The acts are recorded from an undisturbed run. One that is done and has no row here, or has one and is not done, fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class FlowRow:
    """A flow with its acts in order, what it is in Prefect and what it is called with."""

    name: str
    acts: tuple[str, ...]
    flow: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Fault:
    """What happens right after an act. `only`: the acts' first words that it can follow; empty: all."""

    name: str
    meaning: str
    only: tuple[str, ...] = ()

    def follows(self, act: str) -> bool:
        """Whether this fault can happen after such an act."""
        return not self.only or act.split()[0] in self.only


CALLS = ("put", "set", "delete", "create", "finalize", "log", "claim", "release", "begin", "finish", "rows")
KILLED = Fault("killed", "kill -9")
LOST = Fault("answer lost", "the server did it, and its answer did not arrive", only=CALLS)
IN_TURN = (
    Fault("terminated", "SIGTERM"),
    Fault("frozen", "stopped until another has had its turn, then let go on"),
    Fault("s3 away", "S3 refuses connections for two seconds"),
    Fault("mlflow away", "MLflow refuses connections for two seconds"),
    Fault("prefect away", "Prefect refuses connections for two seconds"),
    Fault("s3 cuts", "S3's answers break off in the middle for two seconds"),
    Fault("mlflow cuts", "MLflow's answers break off in the middle for two seconds"),
    Fault("all slow", "every server answers a second late for two seconds"),
    Fault("database away", "the claims database is locked for two seconds"),
    Fault("disk full", "no byte more can be written to a local file"),
)
FAULTS = {fault.name: fault for fault in (KILLED, LOST, *IN_TURN)}

GAUNTLET = "ai4i"
MOVE = (
    "log intended", "set succeeds", "set promoted", "set alias previous", "set alias champion",
    "delete alias challenger", "log done", "step promote", "release promote",
)  # fmt: skip
ROWS = (
    FlowRow(
        "score",
        (
            "step champion", "step policy", "begin score", "put rows.parquet", "put predictions.parquet",
            "put manifest.json", "rows in SQL", "finish score", "step score",
        ),
        "score",
    ),
    FlowRow(
        "drift-check",
        (
            "step policy", "step look", "step champion", "step window", "begin drift", "step recall", "step judge",
            "put drift.html", "put drift.json", "step keep", "event gauntlet.drift.detected", "finish drift",
        ),
        "drift-check",
    ),
    FlowRow(
        "retrain",
        (
            "step policy", "claim retrain", "claim promote", "step recover", "release promote", "step champion",
            "step gather", "step train", "step compare", "create logged model", "finalize logged model",
            "create model version", "set alias challenger", "step register", "claim promote#2", *MOVE[:-1],
            "release promote#2", "event gauntlet.retraining.completed", "release retrain",
        ),
        "retrain",
        {"verdict": "operating_change"},
    ),
    FlowRow(
        "promote",
        (
            "claim promote", "step policy", "step recover", "step champion", "step challenger", "step compare", *MOVE,
        ),
        "promote",
    ),
    FlowRow(
        "roll back",
        (
            "claim promote", "log intended", "set rolled_back", "set alias champion", "delete alias previous", "log done",
            "step roll back", "release promote",
        ),
        "promote",
        {"rollback": True},
    ),
)  # fmt: skip
