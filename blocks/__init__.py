"""What an operator edits in the Prefect UI: `prefect block register -m blocks`."""

from blocks.data import DataLocation
from blocks.store import ArtifactStore
from blocks.tracking import TrackingServer

BLOCKS = (TrackingServer, ArtifactStore, DataLocation)

__all__ = ["BLOCKS", "ArtifactStore", "DataLocation", "TrackingServer"]
