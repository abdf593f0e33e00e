"""What an operator edits in the Prefect UI: `prefect block register -m blocks`."""

from blocks.alerts import AlertChannel
from blocks.data import DataLocation
from blocks.policy import DriftPolicy, RetrainPolicy
from blocks.store import ArtifactStore
from blocks.telemetry import TelemetryDatabase
from blocks.tracking import TrackingServer

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
