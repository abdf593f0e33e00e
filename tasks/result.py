"""What a gauntlet hands back: one document, the same shape for every gauntlet (`gauntlet run --json`)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gauntlet.datasets.io.atomic import write_whole

if TYPE_CHECKING:
    from gauntlet.tasks.audit import Finding


@dataclass(frozen=True)
class Row:
    """One line of the results table: a candidate or a baseline. Interval = 95 % bootstrap, [low, high]."""

    name: str
    metrics: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Registered:
    """A model version as the registry has it."""

    name: str
    version: int
    aliases: tuple[str, ...]
    uri: str


@dataclass(frozen=True)
class Leakage:
    """What the audit found, and whether the caller let the run go on."""

    findings: tuple[Finding, ...] = ()
    allowed: bool = False

    @property
    def leaked(self) -> bool:
        """True for a result that went on in spite of findings."""
        return bool(self.findings)


@dataclass(frozen=True)
class Quarantined:
    """A file that was set aside, and why."""

    file: str
    reason: str


@dataclass(frozen=True)
class InputSummary:
    """What was read."""

    files: int
    rows: int
    bytes: int
    cached_files: int = 0
    quarantined: tuple[Quarantined, ...] = ()


_OPTIONAL = ("machines", "cells")


@dataclass(frozen=True)
class GauntletResult:
    """The whole result. `chosen_on`: the part of the data that `best` was chosen on. `machines` and `cells` are absent from the document of a gauntlet that has no use for them."""

    gauntlet: str
    source: str
    data_hash: str
    seed: int
    protocol: str
    leakage: Leakage
    primary_metric: str
    candidates: tuple[Row, ...]
    baselines: tuple[Row, ...]
    best: str
    chosen_on: str
    champion: str | None
    registered: tuple[Registered, ...]
    timings_s: Mapping[str, float]
    input: InputSummary
    report: str
    machines: tuple[Mapping[str, Any], ...] | None = None
    cells: tuple[Mapping[str, Any], ...] | None = None
    verdict: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """The JSON document as plain types; NaN and infinity become null, and so does a champion that is not there."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: _plain(value) for name, value in values.items() if value is not None or name not in _OPTIONAL}


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):  # numpy's numbers and arrays
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value) if isinstance(value, Path) else value


def as_json(result: GauntletResult) -> str:
    """The document as JSON text."""
    return json.dumps(result.document(), indent=1, allow_nan=False) + "\n"


def write_document(result: GauntletResult, file: Path) -> None:
    """Write the document whole or not at all.

    Raises:
        BadInput: the folder cannot be written or the disk is full; nothing stays behind, an older document is kept.
    """
    write_whole(file, as_json(result).encode())
