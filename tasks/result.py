"""What a gauntlet hands back: one document, the same shape for every gauntlet (`gauntlet run --json`)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

from tasks.audit import Finding

METRICS = (
    "accuracy", "f1", "precision", "recall", "pr_auc", "roc_auc", "mcc", "brier", "cost",
    "auc", "pauc", "far", "mar",
    "mae", "rmse", "mse", "mase", "mape", "coverage_80", "coverage_95", "phm_score",
)  # fmt: skip


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


@dataclass(frozen=True)
class GauntletResult:
    """The whole result. Fields that a gauntlet has no use for stay None and are absent from the document."""

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
    champion: str | None
    registered: tuple[Registered, ...]
    timings_s: Mapping[str, float]
    input: InputSummary
    report: str
    machines: tuple[Mapping[str, Any], ...] | None = None
    cells: tuple[Mapping[str, Any], ...] | None = None
    verdict: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """The JSON document as plain types; NaN and infinity become null."""
        return {f.name: _plain(value) for f in fields(self) if (value := getattr(self, f.name)) is not None}


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):
        return _plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value) if isinstance(value, Path) else value


def as_json(result: GauntletResult) -> str:
    """The document as JSON text."""
    return json.dumps(result.document(), indent=1, allow_nan=False) + "\n"


def write_document(result: GauntletResult, file: Path) -> None:
    """Write the document whole or not at all: a temporary sibling is moved into place.

    Raises:
        OSError: the folder cannot be written or the disk is full; nothing stays behind.
    """
    scratch = file.with_name(f".{file.name}.part")
    try:
        scratch.write_text(as_json(result), encoding="utf-8")
        scratch.replace(file)
    finally:
        scratch.unlink(missing_ok=True)
