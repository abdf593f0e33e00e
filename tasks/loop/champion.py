"""The champion of a gauntlet, verified and loaded, with what it brought along."""

from __future__ import annotations

import io
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pandas as pd

from gauntlet.datasets.errors import GauntletError
from gauntlet.tasks.registry.aliases import CHAMPION, holder
from gauntlet.tasks.registry.load import LoadedModel, load
from gauntlet.tasks.registry.signing import signing_key
from gauntlet.tasks.runtime.connection import Connection
from gauntlet.tasks.runtime.tracking import servers


@dataclass(frozen=True, eq=False)
class Champion:
    """`reference`: the features it was fitted on, the label among them."""

    gauntlet: str
    loaded: LoadedModel

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


def registered_names(gauntlet: str) -> tuple[str, ...]:
    """The names that a gauntlet registers models under."""
    return tuple(import_module(f"gauntlet.flows.{gauntlet}").REGISTERED)


def champion_of(gauntlet: str, connection: Connection, key_file: Path) -> Champion:
    """The model that is in use.

    Raises:
        GauntletError: the gauntlet has no champion yet.
        Untrusted: it must not be loaded.
    """
    with servers(connection):
        held = holder(registered_names(gauntlet), CHAMPION)
        if held is None:
            raise GauntletError(f"{gauntlet} has no champion yet. Run `gauntlet run {gauntlet}` first.")
        return Champion(gauntlet, load(held.name, held.version, signing_key(key_file).public_key()))
