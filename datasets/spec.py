"""What is known about a data set before a byte of it is read: where it comes from, what it must look like, the truth."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Source = Literal["auto", "real", "simulated"]
Provenance = Literal["real", "simulated"]


@dataclass(frozen=True)
class RemoteFile:
    """One file of a publisher. `sha256` None: the publisher gives none. `member`: the wanted file inside a zip."""

    name: str
    url: str
    sha256: str | None = None
    member: str | None = None


@dataclass(frozen=True)
class Dataset:
    """A published data set.

    `marker` is a glob that is true of a folder which holds the set, whole or in part; it is how `source="auto"`
    knows that real files are there. `also`: other names that its folder below the data root goes by.
    """

    name: str
    title: str
    homepage: str
    licence: str
    citation: str
    sensor_type: str
    marker: str
    files: tuple[RemoteFile, ...] = ()
    also: tuple[str, ...] = ()

    @property
    def folders(self) -> tuple[str, ...]:
        """The names that its folder may have below the data root, its own name first."""
        return (self.name, *self.also)


@dataclass(frozen=True)
class Table(Dataset):
    """A data set that is one table: which columns are features, the target, and what must never be a feature.

    `consequences` are columns that only exist because the target is known (label-derived or post-event).
    """

    target: str = ""
    features: tuple[str, ...] = ()
    categories: dict[str, tuple[str, ...]] = field(default_factory=dict)
    consequences: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()
    rows: int | None = None
    sha256: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column of the published table."""
        return (*self.identifiers, *self.features, self.target, *self.consequences)
