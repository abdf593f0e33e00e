"""The steps of the process gauntlet (AI4I), as pure functions: load, audit, split, featurize, train, evaluate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from gauntlet.datasets import ai4i
from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.source import locate
from gauntlet.datasets.spec import Provenance, Source
from gauntlet.tasks.audit import Finding, Fingerprint, Origin, Part, Protocol, Replay, audit_claims, audit_table, guard
from gauntlet.tasks.metrics.classification import (
    Judged,
    bootstrap_weights,
    constant_answer,
    judged,
    recall_by_mode,
    table_row,
)
from gauntlet.tasks.metrics.cross_validation import Folds, OutOfFold, cross_validate, deal
from gauntlet.tasks.metrics.explanation import Explanation, explain
from gauntlet.tasks.models.process_features import engineered, rule_oracle
from gauntlet.tasks.result import Row
from gauntlet.tasks.tabular.frozen import frozen
from gauntlet.tasks.tabular.train import Candidate, Prices, pipeline

Columns = Literal["features", "all"]
PRIMARY_METRIC = "pr_auc"
MODES = ("TWF", "HDF", "PWF", "OSF")


@dataclass(frozen=True)
class ProcessTable:
    """The rows that models see (`X`), the labels (`y`), and what only the analysis may look at (`modes`)."""

    X: pd.DataFrame
    y: np.ndarray
    modes: dict[str, np.ndarray]
    source: Provenance
    path: Path
    columns: tuple[str, ...]
    sha256: str
    bytes: int
    published: bool


@dataclass(frozen=True)
class Trained:
    """A candidate: what it said of rows that it had not seen, and the final fit, which is what is registered."""

    candidate: Candidate
    held_out: OutOfFold
    pipeline: Any


@dataclass(frozen=True)
class Judgement:
    """The result in figures: the table, the answers behind it, and a closer look at the best candidate."""

    candidates: tuple[Row, ...]
    baselines: tuple[Row, ...]
    best: str
    answers: dict[str, Judged]
    oracle: Judged
    modes: dict[str, tuple[int, float]]
    explanation: Explanation
    blocked: Row | None


def load(data: Path | None, source: Source, root: Path, seed: int, columns: Columns) -> ProcessTable:
    """The process table: the published file, the user's own in its format, or a simulated one; never a silent mix."""
    table = ai4i.read(locate(ai4i.SPEC, source, data, root, ai4i.simulation(seed)).path)
    if source not in ("auto", table.source):
        raise BadInput(
            table.path, f"{source} data are wanted, these rows are {table.source}", do="check --source and --data"
        )
    consequences = [column for column in ai4i.SPEC.consequences if column in table.frame]
    shown = [*ai4i.SPEC.features, *(consequences if columns == "all" else [])]
    return ProcessTable(
        X=table.frame[shown].astype(dict.fromkeys(consequences, np.float64) if columns == "all" else {}),
        y=table.frame[ai4i.SPEC.target].to_numpy(dtype=np.int64),
        modes={mode: table.frame[mode].to_numpy() for mode in MODES if mode in table.frame},
        source=table.source,
        path=table.path,
        columns=tuple(table.frame.columns),
        sha256=table.sha256,
        bytes=table.bytes,
        published=table.published,
    )


def audit(table: ProcessTable, allow_leakage: bool) -> tuple[Finding, ...]:
    """What makes these features worthless for this target; raises `Leak` unless that is allowed."""
    return guard(audit_table(table.X, table.y, ai4i.SPEC), allow_leakage)


def split(table: ProcessTable, seed: int) -> Folds:
    """Five stratified folds, dealt twice, before anything is fitted."""
    return deal(table.y, seed)


def featurize(table: ProcessTable) -> pd.DataFrame:
    """All features of all rows: what the audit looks at again and what drift will be measured against."""
    return engineered(table.X)


def train(candidate: Candidate, table: ProcessTable, folds: Folds, prices: Prices, seed: int) -> Trained:
    """One candidate, cross-validated, then fitted on all rows but the frozen evaluation set."""
    unfitted = pipeline(candidate, prices, seed)
    held_out = cross_validate(unfitted, table.X, table.y, folds)
    learnt = ~held_back(table)
    return Trained(candidate, held_out, unfitted.fit(table.X[learnt], table.y[learnt]))


def held_back(table: ProcessTable) -> np.ndarray:
    """The frozen evaluation set, (n,) bool; none of a table too small to spare five failures on either side."""
    held = frozen(table.X)
    failures = int(table.y[held].sum()), int(table.y[~held].sum())
    return held if min(failures) >= 5 else np.zeros(len(held), bool)


def evaluate(table: ProcessTable, folds: Folds, trained: Sequence[Trained], prices: Prices, seed: int) -> Judgement:
    """The results table with intervals, candidates beside the majority answer and the rule oracle, and the analysis."""
    weights = bootstrap_weights(len(table.y), seed)
    answers = {one.candidate.name: judged(table.y, one.held_out) for one in trained}
    rows = tuple(table_row(name, answer, weights, prices) for name, answer in answers.items())
    best = max(rows, key=lambda row: row.metrics[PRIMARY_METRIC]).name
    oracle = constant_answer(table.y, rule_oracle(table.X))
    silence = constant_answer(table.y, np.zeros_like(table.y))
    fitted = next(one for one in trained if one.candidate.name == best)
    return Judgement(
        candidates=rows,
        baselines=(
            table_row("majority", silence, weights, prices),
            table_row("rule_oracle", oracle, weights, prices),
        ),
        best=best,
        answers=answers,
        oracle=oracle,
        modes=recall_by_mode(table.modes, answers[best].flagged),
        explanation=explain(fitted.pipeline, table.X, table.y, folds, seed),
        blocked=_blocked_in_time(table, fitted.candidate, prices, weights, seed),
    )


def _blocked_in_time(
    table: ProcessTable, candidate: Candidate, prices: Prices, weights: np.ndarray, seed: int
) -> Row | None:
    """The best candidate judged on five blocks of neighbouring rows: what shuffled folds gain from neighbours."""
    blocks = np.array_split(np.arange(len(table.y)), 5)
    of_row = np.concatenate([np.full(len(block), number) for number, block in enumerate(blocks)])[None, :]
    if any(table.y[of_row[0] == number].sum() < 3 for number in range(5)):
        return None
    held_out = cross_validate(pipeline(candidate, prices, seed), table.X, table.y, Folds(of_row, 5))
    return table_row(candidate.name, judged(table.y, held_out), weights, prices)


def audit_result(
    table: ProcessTable, features: pd.DataFrame, folds: Folds, trained: Sequence[Trained], allow_leakage: bool
) -> tuple[Finding, ...]:
    """What would make the stated figures worthless; raises `Leak` unless that is allowed."""
    rows = np.arange(len(table.y))
    _, train_rows, test_rows = next(iter(folds))
    name = str(table.path)
    protocol = Protocol(
        source=table.source,
        train=Part(ids=train_rows, features=features.iloc[train_rows]),
        test=Part(ids=test_rows, features=features.iloc[test_rows], labels=table.y[test_rows]),
        tuning=Part(ids=train_rows),
        replays=[_replay(one, table.X.iloc[rows[:200]]) for one in trained],
        origin=Origin(found=[name], read=[name], of_samples=[name] * len(table.y)),
        fingerprint=Fingerprint(table.columns, len(table.y), table.sha256),
        claimed=ai4i.SPEC if table.published or table.source == "simulated" else None,
    )
    return guard(audit_claims(protocol), allow_leakage)


def _replay(trained: Trained, raw: pd.DataFrame) -> Replay:
    """The registered object on raw rows against its parts in a row: nothing may be needed from outside of it."""
    inside = trained.pipeline.predict_proba(raw)[:, 1]
    features = trained.pipeline[:-1].transform(raw)
    return Replay(trained.candidate.name, trained.pipeline[-1].predict_proba(features)[:, 1], inside)
