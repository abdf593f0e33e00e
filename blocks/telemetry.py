"""Where predictions are kept beside the Parquet files."""

from __future__ import annotations

from prefect.blocks.core import Block
from pydantic import Field, SecretStr


class TelemetryDatabase(Block):
    """A SQL database that takes predictions as a table."""

    _block_type_name = "Gauntlet Telemetry Database"
    _block_type_slug = "gauntlet-telemetry-database"
    _description = "SQL database that predictions are written to, through SQLAlchemy."

    url: SecretStr | None = Field(
        None, description="SQLAlchemy address, such as postgresql+psycopg://user:password@host/db; empty for none."
    )
    table: str = Field("gauntlet_predictions", description="Table that rows are added to; made when it is not there.")
