"""What is known of the ends of the runs at hand: published for the publisher's files, recorded for simulated ones."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gauntlet.datasets.provenance import RECORD
from gauntlet.datasets.records.snapshot import Truth, VibrationSet


@dataclass(frozen=True)
class Seen:
    """What is at hand of a run: the name of its first file and how many files there are."""

    first: str
    files: int


def truths(spec: VibrationSet, folder: Path, seen: Mapping[str, Seen]) -> tuple[Truth, ...]:
    """The truth of every unit of these runs of which one is known, by the runs' names.

    A run in a publisher's layout may be somebody's own: it is the published one only if its first file bears the
    published name, or, where names are mere numbers, if it has as many files as the published one.
    """
    record = Path(folder) / RECORD
    if record.is_file():
        return tuple(one for one in _recorded(json.loads(record.read_text())) if one.run in seen)
    return tuple(one for one in spec.truth if one.run in seen and _is_published(spec, one, seen[one.run]))


def of_lives(lives: Sequence[Truth]) -> list[dict[str, object]]:
    """The truth of simulated lives as the record of their folder holds it."""
    return [
        {"run": life.run, "unit": life.unit, "elements": list(life.elements), "files": life.files, "onset": life.onset}
        for life in lives
    ]


def _recorded(record: dict[str, Any]) -> list[Truth]:
    return [
        Truth(one["run"], one["unit"], tuple(one["elements"]), one["files"], one["onset"])
        for one in record.get("lives", [])
    ]


def _is_published(spec: VibrationSet, truth: Truth, seen: Seen) -> bool:
    if truth.run in spec.began:
        return seen.first == spec.began[truth.run]
    return truth.files == seen.files
