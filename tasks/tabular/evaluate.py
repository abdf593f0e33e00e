"""Candidates beside the majority's answer and the rules of the process, and a closer look at the best of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gauntlet.tasks.contract import Judgement
from gauntlet.tasks.metrics.classification import (
    Judged,
    bootstrap_weights,
    constant_answer,
    judged,
    recall_by_mode,
    table_row,
)
from gauntlet.tasks.metrics.cross_validation import Folds, cross_validate
from gauntlet.tasks.models.process_features import rule_oracle
from gauntlet.tasks.result import Row
from gauntlet.tasks.tabular.explanation import Explanation, explain
from gauntlet.tasks.tabular.featurize import ProcessRows
from gauntlet.tasks.tabular.gauntlets import Candidate
from gauntlet.tasks.tabular.train import TrainedClassifier, pipeline


@dataclass(frozen=True, eq=False, kw_only=True)
class Classified(Judgement):
    """With the answers behind the figures, and a closer look at the best candidate.

    `modes`: failure mode -> (rows, recall). `blocked`: the best candidate on blocks of neighbouring rows.
    """

    answers: dict[str, Judged]
    oracle: Judged
    modes: dict[str, tuple[int, float]]
    explanation: Explanation
    blocked: Row | None


def evaluate(prepared: ProcessRows, trained: Sequence[TrainedClassifier], seed: int) -> Classified:
    """The results table with intervals, candidates beside the majority answer and the rule oracle, and the analysis."""
    table, prices = prepared.table, prepared.prices
    weights = bootstrap_weights(len(table.y), seed)
    answers = {fitted.candidate.name: judged(table.y, fitted.held_out) for fitted in trained}
    rows = tuple(table_row(name, answer, weights, prices) for name, answer in answers.items())
    best = max(rows, key=lambda row: row.metrics[prepared.gauntlet.primary_metric]).name
    oracle = constant_answer(table.y, rule_oracle(table.X))
    majority = constant_answer(table.y, np.zeros_like(table.y))
    fitted = next(classifier for classifier in trained if classifier.candidate.name == best)
    return Classified(
        candidates=rows,
        baselines={
            "majority": table_row("majority", majority, weights, prices),
            "rule_oracle": table_row("rule_oracle", oracle, weights, prices),
        },
        naive="majority",
        best=best,
        chosen_on="the stated out-of-fold figures",
        answers=answers,
        oracle=oracle,
        modes=recall_by_mode(table.modes, answers[best].flagged),
        explanation=explain(fitted.model, table.X, table.y, prepared.folds, seed),
        blocked=_blocked_in_time(prepared, fitted.candidate, weights, seed),
    )


def _blocked_in_time(prepared: ProcessRows, candidate: Candidate, weights: np.ndarray, seed: int) -> Row | None:
    """The best candidate judged on five blocks of neighbouring rows: what shuffled folds gain from neighbours."""
    table, prices = prepared.table, prepared.prices
    blocks = np.array_split(np.arange(len(table.y)), 5)
    of_row = np.concatenate([np.full(len(block), number) for number, block in enumerate(blocks)])[None, :]
    if any(table.y[of_row[0] == number].sum() < 3 for number in range(5)):
        return None
    held_out = cross_validate(pipeline(candidate, prices, seed), table.X, table.y, Folds(of_row, 5))
    return table_row(candidate.name, judged(table.y, held_out), weights, prices)
