"""The contract of a gauntlet's steps: what they hand on to each other. Types only.

load ─> audit ─> split ─> featurize ─> train (each candidate) ─> evaluate ─> audit_result ─> story ─> artifacts
                          Prepared     Trained                   Judgement                   Story    Artifact

A kind of data is a folder of `tasks/` with these functions in it:

    load(gauntlet, request) -> what was read                    featurize(...) -> Prepared
    train(candidate, prepared, seed) -> Trained                 evaluate(prepared, trained, seed) -> Judgement
    audit_result(prepared, trained, judgement) -> findings      story(prepared, trained, judgement) -> Story
    artifacts(prepared, trained, judgement, story) -> [Artifact]

Everything else - result, report, registry entries, tags, aliases - is made of what they hand on, the same for all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gauntlet.datasets.spec import Dataset, Provenance
from gauntlet.tasks.gauntlet import Gauntlet, Request
from gauntlet.tasks.report.page import Section
from gauntlet.tasks.result import InputSummary, Row

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Summary:
    """What the data were, as result, report and every version's tags say it.

    `size`: in words, "10,000 processes, 339 failures". `place`: the file's or folder's name. `protocol`: by which these
    rows are judged. `facts`: further lines for the foot of the report.
    """

    dataset: Dataset
    source: Provenance
    data_hash: str
    input: InputSummary
    size: str
    place: str
    protocol: str
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, eq=False)
class Prepared:
    """What models are trained and judged on; a kind adds its own fields."""

    gauntlet: Gauntlet
    request: Request
    summary: Summary


@dataclass(frozen=True, eq=False)
class Trained:
    """A candidate and its final fit, which is what is registered; a kind adds what was said of rows held out."""

    candidate: Any
    model: Any


@dataclass(frozen=True, eq=False, kw_only=True)
class Judgement:
    """The result in figures; a kind adds the answers behind them.

    `baselines`: by name. `naive`: the name of the one that every model has to beat. `best`: the chosen candidate's name;
    `chosen_on`: the part of the data that it was chosen on. `stated`: False where nothing is known to judge by.
    `primary_metric`: where these data are judged by another than the gauntlet's.
    """

    candidates: tuple[Row, ...]
    baselines: Mapping[str, Row]
    naive: str
    best: str
    chosen_on: str
    stated: bool = True
    primary_metric: str | None = None
    machines: tuple[Mapping[str, Any], ...] | None = None
    cells: tuple[Mapping[str, Any], ...] | None = None

    @property
    def rows(self) -> dict[str, Row]:
        """Candidates, then baselines, by name."""
        return {**{row.name: row for row in self.candidates}, **self.baselines}


@dataclass(frozen=True)
class Story:
    """The report in parts: the verdict in sentences, what matters first; sections in order; pictures by file name."""

    verdict: tuple[str, ...]
    sections: tuple[Section, ...]
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, eq=False)
class Artifact:
    """A model on its way into the registry, with what is particular to it.

    `rows`: raw input rows, as the publisher's files have them. `files`: of the model's folder, by name. `identity`:
    parameters that make this training another piece of work, beside data, code and seed. `figures`: metrics to quote.
    `pictures`: of this model alone, beside those of the report. `rows_by`: dotted path of the code that makes `rows`, where
    they are features already and not the publisher's.
    """

    name: str
    model: Any
    rows: pd.DataFrame
    purpose: str
    features: Sequence[str]
    sensors: str
    reference: pd.DataFrame
    phase: str
    task: str
    remark: str = ""
    figures: tuple[str, ...] = ()
    parameters: Mapping[str, object] = field(default_factory=dict)
    identity: Mapping[str, object] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    metrics: Mapping[str, float] | None = None
    sensor_type: str | None = None
    rows_by: str = ""
