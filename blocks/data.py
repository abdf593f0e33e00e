"""Where the data sets are."""

from __future__ import annotations

from pathlib import Path

from prefect.blocks.core import Block
from pydantic import Field


class DataLocation(Block):
    """The folder that holds the data sets, one folder each, in their publishers' layouts."""

    _block_type_name = "Gauntlet Data Location"
    _block_type_slug = "gauntlet-data-location"
    _description = "Root folder of the data sets, as the worker sees it."

    root: Path = Field(
        description="Folder on the worker's machine, such as /srv/machines; ai4i is looked for in ai4i/."
    )
