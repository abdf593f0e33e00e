"""The champion of a gauntlet, verified and loaded, with what it brought along."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from gauntlet.datasets.errors import BadInput, GauntletError
from gauntlet.tasks.gauntlet import Gauntlet
from gauntlet.tasks.registry.aliases import CHAMPION, holder
from gauntlet.tasks.registry.keys import signing_key
from gauntlet.tasks.registry.load import LoadedModel, load
from gauntlet.tasks.runtime.connection import Connection
from gauntlet.tasks.runtime.tracking import servers

if TYPE_CHECKING:
    from gauntlet.tasks.loop.contract import Adapter


@dataclass(frozen=True, eq=False)
class Champion:
    """`reference`: the features it was fitted on, the label among them. `adapter`: the functions of its kind of data."""

    gauntlet: str
    loaded: LoadedModel
    adapter: Adapter

    @property
    def label(self) -> str:
        """Name and version."""
        return f"{self.loaded.name} v{self.loaded.version}"

    @property
    def reference(self) -> pd.DataFrame:
        """The fixed healthy reference that drift is measured against."""
        return self.table("reference.parquet")

    def table(self, name: str) -> pd.DataFrame:
        """One of the tables in the model's folder.

        Raises:
            GauntletError: the version was registered without it.
        """
        if name not in self.loaded.files:
            raise GauntletError(f"{self.label} has no {name}: register it anew with `gauntlet run {self.gauntlet}`.")
        return pd.read_parquet(io.BytesIO(self.loaded.files[name]))


def champion_of(gauntlet: Gauntlet, connection: Connection, key_file: Path) -> Champion:
    """The model that is in use.

    Raises:
        GauntletError: the gauntlet has no champion yet.
        Untrusted: it must not be loaded.
        NotPromotable: it was trained on leaked columns, whatever its tag says.
    """
    with servers(connection):
        held = holder(gauntlet.registered, CHAMPION)
        if held is None:
            raise GauntletError(f"{gauntlet.name} has no champion yet. Run `gauntlet run {gauntlet.name}` first.")
        loaded = load(held.name, held.version, signing_key(key_file).public_key())
        loaded.refuse_leaked()
        return Champion(gauntlet.name, loaded, adapter(gauntlet))


def adapter(gauntlet: Gauntlet) -> Adapter:
    """How the gauntlet's kind of data is read, scored and learnt from.

    Raises:
        BadInput: its models cannot score new data by themselves yet.
    """
    if gauntlet.online is None:
        raise BadInput(None, f"{gauntlet.name} cannot score new data yet", do="train it anew with `gauntlet run`")
    return gauntlet.online(gauntlet)
