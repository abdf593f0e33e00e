"""Where runs, metrics and the model registry are kept."""

from __future__ import annotations

from prefect.blocks.core import Block
from pydantic import Field, HttpUrl


class TrackingServer(Block):
    """The MLflow tracking server that gauntlets report to and register models with."""

    _block_type_name = "Gauntlet Tracking Server"
    _block_type_slug = "gauntlet-tracking-server"
    _description = "MLflow tracking server and model registry of the gauntlets."
    _documentation_url = HttpUrl("https://mlflow.org/docs/latest/ml/tracking/")

    tracking_uri: str = Field(
        title="Tracking URI",
        description="Address of the MLflow server, such as http://127.0.0.1:5000.",
    )
    follow_local_stack: bool = Field(
        default=False,
        title="Follow the local stack",
        description="On: the server of `gauntlet up` is used, wherever its port is. Turn off to use the address above.",
    )
