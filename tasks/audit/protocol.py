"""How a figure came to be: the evidence that the audit of claims looks at. Whatever is not given is not checked."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import pandas as pd

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.spec import Provenance, Table


@dataclass(frozen=True, eq=False)
class Part:
    """The rows of one part of a split; every field is (rows,), `features` (rows, columns).

    `ids` name a row in the whole table. `groups` name what a row belongs to: a recording session, a machine, a run, a
    failure episode. `times` are numbers or moments; the row's place in a series will do. `labels` are 0 and 1.
    """

    ids: Any = None
    groups: Any = None
    times: Any = None
    features: Any = None
    labels: Any = None

    def __post_init__(self) -> None:
        lengths = {field.name: len(value) for field in fields(self) if (value := getattr(self, field.name)) is not None}
        if len(set(lengths.values())) > 1:
            raise BadInput(None, f"the fields of one part differ in length: {lengths}", expected="one entry per row")

    def __len__(self) -> int:
        return next((len(value) for field in fields(self) if (value := getattr(self, field.name)) is not None), 0)


@dataclass(frozen=True, eq=False)
class Flagged:
    """What a detector flagged on the test part, (rows,) bool, and the parameters between 0 and 1 it was made with."""

    rows: Any
    parameters: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Horizons:
    """How many steps ahead each row of a results table forecasts, by name.

    With `actual` (steps,) or (origins, steps), and forecasts of that shape by name, the baselines are also tested for
    having seen the actual values of the block that they forecast.
    """

    candidates: Mapping[str, int]
    baselines: Mapping[str, int]
    actual: Any = None
    forecasts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Replay:
    """Predictions that a figure was computed from, and what the registered model says of the same rows, raw.

    `refused` is its complaint where it takes no raw rows.
    """

    model: str
    evaluated: Any
    replayed: Any = None
    refused: str = ""


@dataclass(frozen=True, eq=False)
class Origin:
    """Where the samples came from. `of_samples` names the file of each sample, None for one that came from no file."""

    found: Collection[str]
    read: Collection[str]
    of_samples: Sequence[str | None] = ()
    features: Any = None

    @property
    def failed(self) -> int:
        """How many files were found and not read."""
        return len(set(self.found) - set(self.read))


@dataclass(frozen=True)
class Fingerprint:
    """What was read, to be held against what is claimed."""

    columns: tuple[str, ...]
    rows: int
    sha256: str | None = None


@dataclass(frozen=True, eq=False)
class Protocol:
    """The evidence behind a figure.

    `purge` is the least distance in time between a training and a test row, in the unit of `times`, or a timedelta.
    `forward`: training must lie before the test part, as for a forecast. `tuning` are the rows on which thresholds,
    settings or the best of several models were chosen. `claimed` is the published table whose name the result bears.
    """

    source: Provenance | None = None
    train: Part | None = None
    test: Part | None = None
    tuning: Part | None = None
    purge: Any = None
    forward: bool = False
    flagged: Flagged | None = None
    horizons: Horizons | None = None
    replays: Sequence[Replay] = ()
    origin: Origin | None = None
    fingerprint: Fingerprint | None = None
    claimed: Table | None = None


def numbers(values: Any) -> np.ndarray:
    """Times or other values as float64, moments and spans in nanoseconds."""
    array = np.asarray(values)
    if array.dtype == object and len(array):
        array = np.asarray(pd.Series(list(array)).infer_objects())
    if array.dtype == object:  # moments with a time zone
        array = np.asarray(pd.to_datetime(list(array), utc=True).tz_localize(None))
    if array.dtype.kind in "mM":
        array = array.astype(f"{array.dtype.kind}8[ns]").astype(np.int64)
    return array.astype(np.float64)
