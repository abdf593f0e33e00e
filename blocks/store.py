"""Where models, reports and plots are kept."""

from __future__ import annotations

from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, SecretStr


class ArtifactStore(Block):
    """The S3 bucket that holds what gauntlets make."""

    _block_type_name = "Gauntlet Artifact Store"
    _block_type_slug = "gauntlet-artifact-store"
    _description = "S3 bucket for models, reports and plots of the gauntlets."
    _documentation_url = HttpUrl("https://mlflow.org/docs/latest/self-hosting/architecture/artifact-store/")

    bucket: str = Field(default="maintenance-artifacts", description="Name of the bucket; it must exist.")
    endpoint_url: str = Field(
        default="", title="Endpoint URL", description="Address of an S3 server of your own; empty for Amazon S3."
    )
    region: str = Field(default="us-east-1", description="Region of the bucket.")
    access_key: str = Field(default="", description="Access key; empty to let boto3 find credentials by itself.")
    secret_key: SecretStr | None = Field(default=None, description="Secret key that belongs to the access key.")
    follow_local_stack: bool = Field(
        default=False,
        title="Follow the local stack",
        description="On: the S3 server of `gauntlet up` is used. Turn off to use what stands above.",
    )
