"""What an operator edits in the Prefect UI: `prefect block register -m blocks`."""

from gauntlet.blocks.alerts import AlertChannel
from gauntlet.blocks.data import DataLocation
from gauntlet.blocks.policy import DriftPolicy, RetrainPolicy
from gauntlet.blocks.store import ArtifactStore
from gauntlet.blocks.telemetry import TelemetryDatabase
from gauntlet.blocks.tracking import TrackingServer

BLOCKS = (
    TrackingServer,
    ArtifactStore,
    DataLocation,
    DriftPolicy,
    RetrainPolicy,
    AlertChannel,
    TelemetryDatabase,
)

__all__ = [
    "BLOCKS",
    "AlertChannel",
    "ArtifactStore",
    "DataLocation",
    "DriftPolicy",
    "RetrainPolicy",
    "TelemetryDatabase",
    "TrackingServer",
]
