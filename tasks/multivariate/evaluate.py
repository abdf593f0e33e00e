"""SKAB's own protocol over all runs: each candidate beside silence, constant alarm and the published leaderboard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gauntlet.datasets.skab import BEGINNING, LEADERBOARD, SKAB, RigRun
from gauntlet.tasks.contract import Judgement
from gauntlet.tasks.multivariate.changepoint import PROFILES, edges, nab_score
from gauntlet.tasks.multivariate.featurize import Runs
from gauntlet.tasks.multivariate.runs import RunAnswer, run_row
from gauntlet.tasks.multivariate.train import TrainedDetector
from gauntlet.tasks.result import Row


@dataclass(frozen=True, eq=False, kw_only=True)
class RunJudgement(Judgement):
    """`nab`: per candidate and baseline the changepoint score by profile."""

    nab: dict[str, dict[str, float]]


def evaluate(prepared: Runs, trained: Sequence[TrainedDetector], seed: int) -> RunJudgement:
    """Figures over all runs; the leaderboard beside published files only: it says nothing of simulated runs."""
    rig = prepared.rig
    rows = tuple(run_row(fit.candidate.name, fit.answers, seed) for fit in trained)
    constant = {"majority": _constant(rig, False), "all_positive": _constant(rig, True)}
    baselines = [run_row(name, answers, seed) for name, answers in constant.items()]
    baselines += [Row(name, {"f1": f1}) for name, f1 in LEADERBOARD.items() if rig.source == "real"]
    answers = {fit.candidate.name: fit.answers for fit in trained} | constant
    nab = {name: _nab(rig, given) for name, given in answers.items()}
    return RunJudgement(
        candidates=rows,
        baselines={row.name: row for row in baselines},
        naive="majority",
        best=max(rows, key=lambda row: row.metrics[prepared.gauntlet.primary_metric]).name,
        chosen_on="the stated figures over all runs",
        cells=(*_cells_by_run(trained), *_cells_by_profile(nab)),
        nab=nab,
    )


def _cells_by_run(trained: Sequence[TrainedDetector]) -> list[dict[str, object]]:
    return [
        {"group": {"run": answer.run}, "model": fit.candidate.name, "metrics": answer.metrics}
        for fit in trained
        for answer in fit.answers
    ]


def _cells_by_profile(nab: dict[str, dict[str, float]]) -> list[dict[str, object]]:
    return [
        {"group": {"profile": profile, "question": "changepoint"}, "model": name, "metrics": {"nab": score}}
        for name, scores in nab.items()
        for profile, score in scores.items()
    ]


def _constant(rig: SKAB, value: bool) -> tuple[RunAnswer, ...]:
    def answer(run: RigRun) -> RunAnswer:
        flags = np.full(len(run.anomaly) - BEGINNING, value)
        return RunAnswer(run.name, run.anomaly[BEGINNING:], flags.astype(np.float64), flags)

    return tuple(answer(run) for run in rig.runs)


def _nab(rig: SKAB, answers: Sequence[RunAnswer]) -> dict[str, float]:
    runs = [
        (run.seconds[BEGINNING:], run.changepoint[BEGINNING:], edges(answer.flagged))
        for run, answer in zip(rig.runs, answers, strict=True)
    ]
    return {profile: nab_score(runs, profile) for profile in PROFILES}
